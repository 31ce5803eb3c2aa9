"""What a mixture promises, reread from its shards: ids, shares, order, marks, nothing lost, and a true trace.

Push: the demo. Nightly: the same on the real sample for Qwen2.5 and Llama-3.1 (folder MEDMIX_REAL_RUN, or run anew).
"""

import random
from pathlib import Path

import pytest
from datasets import load_dataset, load_from_disk
from demo_runs import damaged_batches
from mixture_reading import Mixture, read_mixture

from mixer.target import find_target
from pipelines.result import Result, read_result
from pipelines.trace import trace_sequence


@pytest.fixture(scope="module")
def demo(demo_result: Result) -> Mixture:
    return read_mixture(demo_result, "demo")


@pytest.fixture(scope="module", params=["qwen2.5", "llama-3.1"])
def real(request: pytest.FixtureRequest, real_run: Path) -> Mixture:
    return read_mixture(read_result(real_run), request.param)


def check_ids(mixture: Mixture) -> None:
    """Pieces are what `tokenizers` gives for the text; documents of a component taken for an epoch are there whole."""
    assert mixture.documents
    for document, text in mixture.documents.items():
        whole = mixture.tokenizer.encode(text, add_special_tokens=False).ids
        epochs = mixture.pieces_by_epoch(document)
        for epoch, pieces in epochs.items():
            for piece in pieces:
                found = mixture.text_ids(piece)
                assert found == whole[piece.offset : piece.offset + len(found)], f"{document}, epoch {epoch}"
        if mixture.full_epochs(document) >= 1:
            joined = [(p.offset, p.text_tokens) for p in epochs[0]]
            assert sum(length for _, length in joined) == len(whole), f"{document} is not whole"
            assert [offset for offset, _ in joined] == [sum(n for _, n in joined[:i]) for i in range(len(joined))]


def check_shares(mixture: Mixture) -> None:
    """|count - share| < 1 in every prefix and component, in exact integers."""
    counts = [0] * len(mixture.shares)
    for length, component in enumerate(mixture.component_of_row, 1):
        counts[component] += 1
        assert all(abs(count - share * length) < 1 for count, share in zip(counts, mixture.shares, strict=True)), length


def check_epochs(mixture: Mixture) -> None:
    """Within an epoch of a component no stretch of a document comes twice; epochs follow each other."""
    seen: set[tuple[int, str, int]] = set()
    last: dict[int, int] = {}
    for piece in mixture.pieces:
        key = (piece.epoch, piece.document, piece.offset)
        assert key not in seen, key
        seen.add(key)
        component = mixture.component_of_row[piece.sequence]
        assert last.get(component, 0) <= piece.epoch <= last.get(component, 0) + 1
        last[component] = piece.epoch


def check_rows(mixture: Mixture) -> None:
    """Marks and padding of each row are those of the target; piece lengths and padding fill the row."""
    target, length = mixture.target, mixture.sequence_tokens
    for number, pieces in enumerate(mixture.pieces_by_row):
        ids, doc_lens, pad = mixture.row(number)
        assert sum(doc_lens) == length == len(ids)
        assert doc_lens == [p.length for p in pieces] + [pad] * (pad > 0)
        assert [p.start for p in pieces] == [sum(doc_lens[:i]) for i in range(len(pieces))]
        assert ids[length - pad :] == [target.fill_id] * pad
        for piece in pieces:
            stretch = ids[piece.start : piece.start + piece.length]
            first, last = piece.offset == 0, piece.offset + piece.text_tokens == mixture.tokens_of[piece.document]
            assert piece.bos == (target.bos and (first or target.continuation_bos))
            assert piece.eos == (target.eos and last)
            assert (not piece.bos) or stretch[0] == target.bos_id
            assert (not piece.eos) or stretch[-1] == target.eos_id
            inner = stretch[piece.bos : piece.length - piece.eos]
            assert not {target.bos_id, target.eos_id, target.pad_id} & set(inner)


def check_ledgers(mixture: Mixture) -> None:
    """The counts in mixture.json are those of the shards."""
    for index, told in enumerate(mixture.facts["components"]):
        rows = [n for n, component in enumerate(mixture.component_of_row) if component == index]
        padding = sum(mixture.row(n)[2] for n in rows)
        assert told["sequences"] == len(rows)
        assert told["trained_padding"] == padding
        assert told["trained_tokens"] == len(rows) * mixture.sequence_tokens - padding
        mine = [p for n in rows for p in mixture.pieces_by_row[n]]
        if told["sequences"] >= told["unique_sequences"]:
            once = [p for p in mine if p.epoch == 0]
            assert told["documents"] == len({p.document for p in once})
            assert told["tokens_in"] == sum(p.text_tokens for p in once)
            assert told["bos_added"] == sum(p.bos for p in once)
            assert told["eos_added"] == sum(p.eos for p in once)
        assert {p.epoch for p in mine} == set(range(-(-told["sequences"] // max(1, told["unique_sequences"]))))


def check_trace(mixture: Mixture, count: int, seed: int) -> None:
    """The characters that the trace names are those that the token at that place stands for."""
    draw = random.Random(seed)
    checked = 0
    while checked < count:
        sequence = draw.randrange(len(mixture.pieces_by_row))
        ids, _, pad = mixture.row(sequence)
        token = draw.randrange(mixture.sequence_tokens - pad)
        (traced,) = trace_sequence(mixture.result, mixture.name, sequence, token)
        text, checked = mixture.documents[traced.document.id], checked + 1
        assert traced.document.text == text
        if traced.chars is None:
            assert ids[token] in (mixture.target.bos_id, mixture.target.eos_id)
            continue
        start, end = traced.chars
        said = mixture.tokenizer.decode([ids[token]], skip_special_tokens=False)
        inner = mixture.tokenizer.encode(text, add_special_tokens=False)
        place = traced.piece.text_token(token)
        assert place is not None
        assert inner.ids[place] == ids[token]
        assert inner.offsets[place] == (start, end)
        assert said == text[start:end] or "\ufffd" in said, f"sequence {sequence}, token {token}"


def check_files(mixture: Mixture, folder: Path) -> None:
    """Both ways of `datasets` open the shards and give the same rows; every batch has its checksum."""
    rows = load_from_disk(str(folder / mixture.folder))
    files = [str(folder / record.main.path) for record in mixture.shards]
    again = load_dataset("arrow", data_files=files, split="train", cache_dir=str(mixture.scratch))
    assert rows.num_rows == again.num_rows == mixture.facts["sequences"]
    assert rows.features == again.features
    for number in (0, rows.num_rows // 2, rows.num_rows - 1):
        assert rows[number] == again[number]
        assert rows[number]["input_ids"] == mixture.row(number)[0]
    assert all(damaged_batches(folder, record) == [] for record in mixture.shards)


CHECKS = [check_ids, check_shares, check_epochs, check_rows, check_ledgers]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_demo_holds(demo: Mixture, check: object) -> None:
    check(demo)  # type: ignore[operator]


def test_datasets_opens_the_demo(demo: Mixture, demo_run: Path) -> None:
    check_files(demo, demo_run)


def test_trace_of_the_demo_is_right_for_100_tokens(demo: Mixture) -> None:
    check_trace(demo, 100, seed=1)


@pytest.mark.nightly
def test_trace_of_the_demo_is_right_for_1000_tokens(demo: Mixture) -> None:
    check_trace(demo, 1000, seed=2)


def test_every_kept_document_is_in_a_component_of_the_demo(demo: Mixture, demo_result: Result) -> None:
    kept = sum(demo_result.manifests[name].ledger.total().records_kept for name in demo_result.documents)
    assert kept == sum(c["documents"] for c in demo.facts["components"])
    taken: dict[int, set[str]] = {}
    for piece in demo.pieces:
        taken.setdefault(demo.component_of_row[piece.sequence], set()).add(piece.document)
    for index, component in enumerate(demo.facts["components"]):
        # of what is taken for less than an epoch some documents are left out
        whole = component["sequences"] >= component["unique_sequences"]
        assert len(taken[index]) == component["documents"] or (not whole and len(taken[index]) < component["documents"])


@pytest.mark.nightly
@pytest.mark.real
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_real_sample_holds(real: Mixture, check: object) -> None:
    check(real)  # type: ignore[operator]


@pytest.mark.nightly
@pytest.mark.real
def test_datasets_opens_the_real_sample(real: Mixture, real_run: Path) -> None:
    check_files(real, real_run)


@pytest.mark.nightly
@pytest.mark.real
def test_trace_of_the_real_sample(real: Mixture) -> None:
    check_trace(real, 60, seed=3)


def test_the_targets_have_the_marks_of_their_models() -> None:
    llama, qwen = find_target("llama-3.1"), find_target("qwen2.5")
    assert (llama.bos, llama.bos_id, llama.eos_id) == (True, 128000, 128001)
    assert (qwen.bos, qwen.eos_id) == (False, 151643)
