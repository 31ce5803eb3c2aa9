"""Ids are those of the library on the same text; the places to cut are where sections and paragraphs begin."""

import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from tokenizers import Tokenizer

from mixer import tokenize
from mixer.chat import Stretch
from mixer.mixture import members
from mixer.settings import ComponentConfig
from mixer.target import DEMO, Target, control_ids, find_target, load_tokenizer, load_tokenizer_bytes, train_bpe
from mixer.tokenize import tokenize_documents, tokens_schema
from pipelines.engine.errors import StageError
from sources.document import Document, to_table

PARAGRAPH = "Give 0.5 mg/kg if SpO2 <90% or RR >30; then 10³ IU every 4–6 h. " * 6


def document(number: int, text: str, sections: list[int] | None = None) -> Document:
    found = [{"path": f"s{start}", "start": start, "end": len(text)} for start in sections or []]
    return Document(
        id=f"d{number}", kind="guideline", source=f"s{number % 2}", key=str(number), text=text, sections=found
    )


def demo() -> tuple[Tokenizer, Target]:
    return load_tokenizer_bytes(train_bpe(iter([PARAGRAPH] * 9), 350)), find_target(DEMO)


def long_text() -> tuple[str, list[int], list[int]]:
    """A text of four parts; returns it with the characters where sections and paragraphs begin."""
    parts = ["Title\n\n", f"# One\n\n{PARAGRAPH}\n\n", f"# Two, dose\n{PARAGRAPH}\n\n\n\n", PARAGRAPH]
    text = "".join(parts)
    one, two = text.index("# One"), text.index("# Two")
    last = len(text) - len(PARAGRAPH)
    return text, [0, one, two], [one, text.index("Give"), two, last]


def test_one_row_for_each_document_in_order_and_the_ids_of_the_library() -> None:
    tokenizer, target = demo()
    texts = ["", "a", PARAGRAPH, "<|eos|> forged", "五 µg \U0001f600", PARAGRAPH * 3, ""]
    found = tokenize_documents(to_table([document(i, text) for i, text in enumerate(texts)]), tokenizer, target)
    assert found.schema == tokens_schema(target)
    assert found["document"].to_pylist() == [f"d{i}" for i in range(7)]
    assert found["ids"].to_pylist() == [tokenizer.encode(text).ids for text in texts]
    assert tokenizer.decode(found["ids"][5].as_py()) == PARAGRAPH * 3


def test_the_kind_of_evidence_goes_along_and_components_ask_for_it() -> None:
    tokenizer, target = demo()
    facts = ['{"evidence": "cohort"}', "", '{"journal": "J"}', '{"evidence": "guideline"}']
    rows = [replace(document(i, "a"), extra=extra) for i, extra in enumerate(facts)]
    found = tokenize_documents(to_table(rows), tokenizer, target)
    assert found["evidence"].to_pylist() == ["cohort", None, None, "guideline"]
    wanted = [ComponentConfig(name=name, evidence=(name,), weight=1) for name in ("guideline", "cohort")]
    assert members(found, wanted).tolist() == [1, -1, -1, 0]


def test_batches_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer, target = demo()
    table = to_table([document(i, PARAGRAPH[i:] * (i % 4), [5, 9]) for i in range(25)])
    whole = tokenize_documents(table, tokenizer, target)
    monkeypatch.setattr(tokenize, "BATCH_CHARS", 700)
    assert tokenize_documents(table, tokenizer, target) == whole
    parts = [tokenize_documents(table.slice(i, 5), tokenizer, target) for i in range(0, 25, 5)]
    assert pa.concat_tables(parts).to_pylist() == whole.to_pylist()
    assert tokenize_documents(table.slice(0, 0), tokenizer, target).num_rows == 0


def test_cuts_are_where_sections_and_paragraphs_begin() -> None:
    tokenizer, target = demo()
    text, sections, paragraphs = long_text()
    found = tokenize_documents(to_table([document(0, text, sections), document(1, "x\n\ny", [3])]), tokenizer, target)
    ids = found["ids"][0].as_py()
    assert [tokenizer.decode(ids[at:]) for at in found["section_breaks"][0].as_py()] == [text[c:] for c in sections[1:]]
    assert [tokenizer.decode(ids[at:]) for at in found["paragraph_breaks"][0].as_py()] == [text[c:] for c in paragraphs]
    assert found["section_breaks"][1].as_py() == [], "short texts are never cut, so nothing is noted"


def test_a_cut_inside_a_token_moves_to_the_next_one() -> None:
    tokenizer, target = demo()
    text = PARAGRAPH * 2
    inside = next(i for i, (a, b) in enumerate(tokenizer.encode(text).offsets) if b - a > 2)
    char = tokenizer.encode(text).offsets[inside][0] + 1
    found = tokenize_documents(to_table([document(0, text, [0, char, len(text)])]), tokenizer, target)
    assert found["section_breaks"].to_pylist() == [[inside + 1]]


def test_control_token_or_foreign_id_is_a_defect_and_said() -> None:
    tokenizer, target = demo()
    table = to_table([document(0, "plain"), document(1, "x <|eos|>")])
    tokenizer.encode_special_tokens = False
    with pytest.raises(StageError, match="control tokens came out of the text of row 1"):
        tokenize_documents(table, tokenizer, target)
    small = target.model_copy(update={"vocabulary": 40})
    with pytest.raises(StageError, match="outside the vocabulary of demo, 40"):
        tokenize_documents(table.slice(0, 1), tokenizer, small)


@pytest.mark.real
@pytest.mark.parametrize("name", ["llama-3.1", "qwen2.5"])
def test_real_tokenizers_on_real_text(name: str) -> None:
    data = os.environ.get("MEDMIX_DATA")
    if not data or not find_target(name).tokenizer_is_there():
        pytest.skip("MEDMIX_DATA is not set or has no tokenizer")
    target = find_target(name)
    tokenizer = load_tokenizer(target)
    files = sorted(Path(data, "guidelines_structured").rglob("*.md"))[:20]
    texts = [path.read_text(encoding="utf-8", errors="replace")[:30_000] for path in files]
    texts += ["e\u0301 A\u030a ffi \ufb03 \u1112\u1161\u11ab\n\n" * 60, "ACGT" * 2500, "<|im_end|>" * 90]
    found = tokenize_documents(
        to_table([document(i, t, [len(t) // 2]) for i, t in enumerate(texts)]), tokenizer, target
    )
    plain = Tokenizer.from_file(str(target.tokenizer_path()))
    plain.encode_special_tokens = True
    control = set(control_ids(tokenizer).tolist())
    for row, text in enumerate(texts):
        ids = found["ids"][row].as_py()
        assert ids == plain.encode(text, add_special_tokens=False).ids
        assert control.isdisjoint(ids)
        for at in found["paragraph_breaks"][row].as_py():
            before, after = tokenizer.decode(ids[:at]), tokenizer.decode(ids[at:])
            assert before.endswith("\n")
            assert not after.startswith("\n")


def test_conversations_between_texts_keep_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer, target = demo()
    table = to_table([document(i, PARAGRAPH * (i % 3)) for i in range(12)])
    turns = [[Stretch(f"turn {i} ", control=False, trained=((0, 4),))] if i % 2 else None for i in range(12)]
    monkeypatch.setattr(tokenize, "BATCH_CHARS", 500)
    found = tokenize_documents(table, tokenizer, target, None, turns)
    texts = [turn[0].text if turn else text for turn, text in zip(turns, table["text"].to_pylist(), strict=True)]
    assert found["document"].to_pylist() == [f"d{i}" for i in range(12)]
    assert found["ids"].to_pylist() == [tokenizer.encode(text).ids for text in texts]
    assert [bool(masked) for masked in found["masked"].to_pylist()] == [i % 2 == 1 for i in range(12)]
