"""The feed gives the same global batches whatever the ranks, micro-batches, workers, restarts and kind of rows."""

import json
import pickle
import random
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fakes.mixtures import ToyMixture

from mixer.batch import IGNORED, Batch
from mixer.feed import Feed, Fragment, Seen
from mixer.stored import StoredRows
from mixer.virtual import VirtualRows
from pipelines.engine.errors import ConfigError, CorruptionError, InputError, PlanError

COLUMNS = ("input_ids", "labels", "positions", "source_id")
B = 24


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> ToyMixture:
    return ToyMixture(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> ToyMixture:
    return ToyMixture(tmp_path_factory.mktemp("other"), documents=60)


def stored(toy: ToyMixture) -> StoredRows:
    return StoredRows(toy.folder)


def virtual(toy: ToyMixture) -> VirtualRows:
    return VirtualRows(toy.storage, toy.plan, toy.token_files, toy.target)


@pytest.fixture(scope="module")
def whole(toy: ToyMixture) -> Batch:
    """All rows at once: what every way of taking them must add up to."""
    rows = stored(toy)
    return Batch(rows.block(0, rows.sequences), 0, "next")


def same(batch: Batch, whole: Batch) -> bool:
    rows = slice(batch.first, batch.first + len(batch))
    return all(np.array_equal(getattr(batch, name), getattr(whole, name)[rows]) for name in COLUMNS)


def elastic(toy: ToyMixture, whole: Batch, seed: int, worlds: list[int], kind: type) -> list[tuple[int, int]]:
    """Train a while with each number of ranks in turn; check every batch and return the rows handed out."""
    draw, rows = random.Random(seed), stored(toy) if kind is StoredRows else virtual(toy)
    state, taken = Feed(rows, B).state(), []
    for world in worlds:
        feeds = [Feed(rows, B, rank=rank, world=world) for rank in range(world)]
        for feed in feeds:
            feed.load(json.loads(json.dumps(state)))
        steps, size = draw.randint(0, 9), draw.randint(1, B // world)
        for _, slices in zip(range(steps), zip(*feeds, strict=True), strict=False):
            for batch in slices:
                assert same(batch, whole), (seed, world, batch.first)
                taken += [(micro.first, micro.first + len(micro.source_id)) for micro in batch.micro(size)]
                assert all(same(micro, whole) for micro in batch.micro(size))
        states = {json.dumps(feed.state()) for feed in feeds}
        assert len(states) == 1
        assert len(next(iter(states))) < 1000
        state = feeds[0].state()
    assert taken == [] or taken[-1][1] == state["next_row"]
    return taken


@pytest.mark.parametrize("kind", [StoredRows, VirtualRows])
@pytest.mark.parametrize("seed", range(4))
def test_ranks_come_and_go_and_every_row_is_trained_once_in_order(
    toy: ToyMixture, whole: Batch, seed: int, kind: type
) -> None:
    taken = elastic(toy, whole, seed, [8, 3, 1, 2, 6, 4, 24, 12], kind)
    assert len(taken) > 20
    assert taken[0][0] == 0
    assert all(a[1] == b[0] for a, b in pairwise(taken))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 300))
def test_ranks_come_and_go_for_many_seeds(toy: ToyMixture, whole: Batch, seed: int) -> None:
    worlds = random.Random(seed).choices([1, 2, 3, 4, 6, 8, 12, 24], k=10)
    taken = elastic(toy, whole, seed, worlds, StoredRows)
    assert all(a[1] == b[0] for a, b in pairwise(taken))


def test_a_virtual_mixture_gives_the_bytes_of_the_shards(toy: ToyMixture) -> None:
    one, two = stored(toy), virtual(toy)
    assert (one.plan, one.sequences, one.components) == (two.plan, two.sequences, two.components)
    for first, stop in [(0, 1), (0, one.sequences), (995, 1005), (1499, 1501), (17, 60)]:
        a, b = one.block(first, stop), two.block(first, stop)
        for name in ("input_ids", "doc_lens", "offsets", "pad_len", "source_id"):
            assert np.array_equal(getattr(a, name), getattr(b, name)), (name, first)
            assert getattr(a, name).dtype == getattr(b, name).dtype, name


def test_a_state_of_one_kind_of_rows_is_good_for_the_other(toy: ToyMixture) -> None:
    one, two = Feed(stored(toy), B), Feed(virtual(toy), B, rank=1, world=2)
    next(iter(one))
    two.load(one.state())
    assert next(iter(two)).first == B + B // 2


def plain_targets(ids: list[int], lens: list[int], pad: int, kind: str) -> tuple[list[int], list[int]]:
    """Say labels and positions of a row by the definition alone."""
    labels, positions, at = [], [], 0
    for number, length in enumerate(lens):
        piece = ids[at : at + length]
        padding = pad > 0 and number == len(lens) - 1
        shifted = [*piece[1:], IGNORED] if kind == "next" else [IGNORED, *piece[1:]]
        labels += [IGNORED] * length if padding else shifted
        positions += list(range(length))
        at += length
    return labels, positions


@pytest.mark.parametrize("kind", ["next", "same"])
def test_no_label_crosses_a_document(toy: ToyMixture, kind: str) -> None:
    block = stored(toy).block(0, 400)
    batch = Batch(block, 0, kind)  # type: ignore[arg-type]
    assert (block.pad_len > 0).any()
    bounds = [0]
    for row in range(400):
        ids = block.input_ids[row].tolist()
        lens = block.doc_lens[block.offsets[row] : block.offsets[row + 1]].tolist()
        labels, positions = plain_targets(ids, lens, int(block.pad_len[row]), kind)
        assert batch.input_ids[row].tolist() == ids
        assert batch.labels[row].tolist() == labels
        assert batch.positions[row].tolist() == positions
        bounds += [bounds[-1] + sum(lens[: n + 1]) for n in range(len(lens))]
    assert batch.cu_seqlens.tolist() == bounds
    assert batch.max_seqlen == max(b - a for a, b in pairwise(bounds))
    assert batch.targets == sum(label != IGNORED for label in batch.labels.reshape(-1).tolist())


def test_micro_batches_keep_the_bounds_of_documents(toy: ToyMixture) -> None:
    batch = Feed(stored(toy), B)[0]
    for size in (1, 5, B, 100):
        bounds = [0]
        for micro in batch.micro(size):
            bounds += [bounds[-1] + int(end) for end in micro.cu_seqlens[1:]]
            assert micro.cu_seqlens[0] == 0
            assert micro.cu_seqlens[-1] == micro.input_ids.size
        assert bounds == batch.cu_seqlens.tolist()


def test_what_was_seen_of_each_source_is_a_closed_form(toy: ToyMixture) -> None:
    rows, feed = stored(toy), Feed(stored(toy), B)
    block = rows.block(0, rows.sequences)
    for row in (0, 1, 999, 1000, 1001, rows.sequences):
        expected = {}
        for index, component in enumerate(rows.components):
            mine = block.source_id[:row] == index
            tokens = int((rows.sequence_tokens - block.pad_len[:row][mine]).sum())
            taken = int(mine.sum())
            expected[component["name"]] = Seen(taken, tokens, Fraction(taken, component["unique_sequences"]))
        assert feed.seen(row) == expected
        assert Feed(virtual(toy), B).seen(row) == expected


def test_a_run_goes_on_with_another_mixture(toy: ToyMixture, other: ToyMixture, whole: Batch) -> None:
    first = Feed(stored(toy), B)
    for _, batch in zip(range(3), first, strict=False):
        assert same(batch, whole)
    at = first.next_row
    second = Feed([Fragment(stored(toy), at), Fragment(stored(other))], 16)
    second.load(first.state())
    batch = next(iter(second))
    expected = Batch(stored(other).block(0, 16), 0, "next")
    assert np.array_equal(batch.input_ids, expected.input_ids)
    crossing = Feed([Fragment(stored(toy), at), Fragment(stored(other))], 16)[at - 8]
    assert np.array_equal(crossing.input_ids[:8], whole.input_ids[at - 8 : at])
    assert np.array_equal(crossing.input_ids[8:], expected.input_ids[:8])
    names = second.seen()
    assert sum(seen.sequences for seen in names.values()) == at + 16
    assert names["a"].sequences == first.seen()["a"].sequences + Feed(stored(other), 16).seen(16)["a"].sequences
    again = Feed([Fragment(virtual(toy), at), Fragment(virtual(other))], 8)
    again.load(second.state())
    assert again.next_row == at + 16


def test_a_state_of_another_plan_is_refused(toy: ToyMixture, other: ToyMixture) -> None:
    feed = Feed(stored(toy), B)
    next(iter(feed))
    with pytest.raises(PlanError, match=r"24 rows, the last of them from plan .*another plan"):
        Feed(stored(other), B).load(feed.state())
    with pytest.raises(PlanError, match="another plan"):
        Feed([Fragment(stored(toy), 20), Fragment(stored(other))], B).load(feed.state())
    with pytest.raises(PlanError, match="version"):
        feed.load({**feed.state(), "version": 99})
    with pytest.raises(PlanError, match="another plan"):
        feed.load({**feed.state(), "next_row": 10**9})


def test_a_state_that_is_loaded_while_iterating_takes_effect(toy: ToyMixture) -> None:
    feed = Feed(stored(toy), B)
    batches = iter(feed)
    state = feed.state()
    assert [next(batches).first, next(batches).first] == [0, B]
    feed.load(state)
    assert next(batches).first == 0


def test_ranks_that_cannot_share_a_batch_are_told_which_can(toy: ToyMixture) -> None:
    with pytest.raises(ConfigError, match=r"5 ranks cannot share .* use 1, 2, 3, 4, 6, 8, 12, 24 ranks"):
        Feed(stored(toy), B, world=5)
    with pytest.raises(ConfigError, match="rank 2 of 2"):
        Feed(stored(toy), B, rank=2, world=2)


def test_uneven_slices_differ_by_one_row_and_leave_nothing(toy: ToyMixture, whole: Batch) -> None:
    feeds = [Feed(stored(toy), 23, rank=rank, world=5, uneven=True) for rank in range(5)]
    at = 0
    for slices in zip(*feeds, strict=True):
        sizes = [len(batch.source_id) for batch in slices]
        assert max(sizes) - min(sizes) <= 1
        for batch in slices:
            assert batch.first == at
            assert same(batch, whole)
            at += len(batch.source_id)
    assert at == len(whole.source_id)
    assert at % 23 != 0, "the last batch is short, or this shows nothing"


def test_without_uneven_the_rows_short_of_a_batch_are_left(toy: ToyMixture) -> None:
    feed = Feed(stored(toy), 23)
    assert sum(1 for _ in feed) == len(feed) // 23
    assert 0 < len(feed) - feed.next_row < 23


def test_a_feed_travels_to_a_worker_without_what_it_has_open(toy: ToyMixture, whole: Batch) -> None:
    for rows in (stored(toy), virtual(toy)):
        feed = Feed(rows, B)
        next(iter(feed))
        copy = pickle.loads(pickle.dumps(feed))
        assert copy.next_row == B
        assert same(next(iter(copy)), whole)


@pytest.fixture
def damaged(toy: ToyMixture, tmp_path: Path) -> Path:
    """A copy of the mixture that may be spoiled."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in toy.folder.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_flipped_bit_is_told_by_file_and_rows_and_only_when_touched(damaged: Path) -> None:
    name = StoredRows(damaged).facts["files"][0]["name"]
    raw = bytearray((damaged / name).read_bytes())
    raw[-3000] ^= 4
    (damaged / name).write_bytes(raw)
    rows = StoredRows(damaged)
    assert len(rows.block(0, 1000).pad_len) == 1000
    with pytest.raises(CorruptionError, match=rf"{name}: record batch at byte .*rows 1,000 to "):
        rows.block(999, 1001)


def test_a_truncated_missing_or_swapped_shard_is_told(damaged: Path, other: ToyMixture) -> None:
    name = StoredRows(damaged).facts["files"][0]["name"]
    whole = (damaged / name).read_bytes()
    (damaged / name).write_bytes(whole[:-1])
    with pytest.raises(CorruptionError, match=f"{name}: has "):
        StoredRows(damaged).block(0, 1)
    (damaged / name).unlink()
    with pytest.raises(InputError, match=f"{name}: a shard of this mixture cannot be opened"):
        StoredRows(damaged).block(0, 1)
    (damaged / "batches.parquet").write_bytes((other.folder / "batches.parquet").read_bytes())
    with pytest.raises(CorruptionError, match=r"batches.parquet lists .* sequences"):
        StoredRows(damaged)
    (damaged / "batches.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorruptionError, match=r"batches.parquet: cannot be read"):
        StoredRows(damaged)


def test_a_folder_that_is_no_mixture_is_told(tmp_path: Path, damaged: Path) -> None:
    with pytest.raises(InputError, match=r"no mixture.json here"):
        StoredRows(tmp_path)
    (damaged / "mixture.json").write_text("{}")
    with pytest.raises(InputError, match="an older medmix wrote this mixture"):
        StoredRows(damaged)
    (damaged / "mixture.json").write_text("{")
    with pytest.raises(CorruptionError, match="cannot be read"):
        StoredRows(damaged)
