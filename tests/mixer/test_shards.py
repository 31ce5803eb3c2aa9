"""Shards hold exactly the packed ids, open in `datasets` without a cast, and do not depend on how they are fed."""

import io
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from datasets import Dataset, Features, List, Value

from mixer.assemble import Part, SequenceBlock, TokenShards, assemble
from mixer.pack import Packed, PackRule, pack
from mixer.shards import SequenceWriter, dataset_info, sequence_schema, state
from mixer.target import Target

TARGET = Target(
    name="t", bos_id=0, eos_id=1, pad_id=2, bos=True, continuation_bos=True, context_tokens=64, vocabulary=900
)
SIZE = 32


def documents(seed: int, count: int = 60) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(3, 900, rng.integers(0, 90)).astype(np.uint16) for _ in range(count)]


def token_shards(docs: list[np.ndarray], shards: int) -> TokenShards:
    bounds = [len(docs) * i // shards for i in range(shards + 1)]
    lists = pa.large_list(pa.uint16())
    spans = [pa.array([[]] * (b - a), pa.list_(pa.int32())) for a, b in pairwise(bounds)]
    ids = [pa.array(docs[a:b], lists) for a, b in pairwise(bounds)]
    return TokenShards.of([pa.table({"ids": i, "masked": m}) for i, m in zip(ids, spans, strict=True)])


def packing(docs: list[np.ndarray], first: int, stop: int) -> Packed:
    """Pack documents [first, stop), numbered as in all of them."""
    lengths = np.array([len(d) for d in docs[first:stop]])
    packed = pack(lengths, PackRule(SIZE, TARGET.bos, TARGET.eos, TARGET.continuation_bos))
    return replace(packed, document=packed.document + first)


def expected_row(docs: list[np.ndarray], packed: Packed, sequence: int) -> tuple[list[int], list[int], int]:
    ids: list[int] = []
    lens: list[int] = []
    for p in range(packed.offsets[sequence], packed.offsets[sequence + 1]):
        stretch = docs[packed.document[p]][packed.start[p] : packed.start[p] + packed.tokens[p]].tolist()
        piece = [0] * int(packed.bos[p]) + stretch + [1] * int(packed.eos[p])
        ids += piece
        lens.append(len(piece))
    pad = SIZE - len(ids)
    return ids + [2] * pad, lens + [pad] * (pad > 0), pad


def mixed_block(docs: list[np.ndarray], shards: int) -> tuple[SequenceBlock, list[tuple[Packed, int, int]]]:
    """A block whose rows alternate between two components, and (packing, sequence, source id) of each row."""
    one, two = packing(docs, 0, 25), packing(docs, 25, len(docs))
    picked_one, picked_two = np.arange(one.sequences)[::-1], np.arange(two.sequences)
    total = len(picked_one) + len(picked_two)
    places = np.random.default_rng(7).permutation(total)
    rows_one, rows_two = places[: len(picked_one)], places[len(picked_one) :]
    parts = [Part(one, rows_one, picked_one, 0), Part(two, rows_two, picked_two, 5)]
    origin: dict[int, tuple[Packed, int, int]] = {}
    for part in parts:
        origin |= {int(r): (part.packed, int(s), part.source_id) for r, s in zip(part.rows, part.picked, strict=True)}
    return assemble(parts, token_shards(docs, shards), TARGET), [origin[r] for r in range(total)]


def write(blocks: list[SequenceBlock]) -> tuple[bytes, SequenceWriter]:
    sink = io.BytesIO()
    writer = SequenceWriter(sink, SIZE, TARGET.id_type)
    for block in blocks:
        writer.write(block)
    writer.close()
    return sink.getvalue(), writer


@pytest.mark.parametrize("shards", [1, 3, 7])
def test_rows_are_the_packed_documents_with_their_marks(shards: int) -> None:
    docs = documents(1)
    block, origin = mixed_block(docs, shards)
    data, _ = write([block])
    rows = pa.ipc.open_stream(data).read_all().to_pylist()
    assert len(rows) == len(origin)
    for row, (packed, sequence, source_id) in zip(rows, origin, strict=True):
        ids, lens, pad = expected_row(docs, packed, sequence)
        assert (row["input_ids"], row["doc_lens"], row["pad_len"]) == (ids, lens, pad)
        assert sum(row["doc_lens"]) == SIZE
        assert row["source_id"] == source_id


def big_block() -> SequenceBlock:
    docs = documents(3, 3000)
    packed = packing(docs, 0, 3000)
    picked = np.arange(packed.sequences)
    return assemble([Part(packed, picked, picked, 0)], token_shards(docs, 1), TARGET)


def test_bytes_do_not_depend_on_how_rows_are_handed_in() -> None:
    block = big_block()
    total = len(block.pad_len)
    whole, writer = write([block])
    for step in (1, 333, 1000, 1700):
        data, _ = write([block.rows(i, min(total, i + step)) for i in range(0, total, step)])
        assert data == whole, f"blocks of {step} rows"
    assert writer.rows == total
    assert [b.num_rows for b in pa.ipc.open_stream(whole)][:-1] == [1000] * (total // 1000)


def test_every_batch_has_a_checksum_and_they_cover_the_file() -> None:
    data, writer = write([big_block()])
    at = 0
    for one in writer.sums:
        assert one.offset == at
        at += one.size_bytes
        assert xxhash.xxh3_64_intdigest(data[one.offset : at]) == one.xxh3
    assert len(data) - at == 8, "only the end mark is left"
    assert len(writer.sums) == len(list(pa.ipc.open_stream(data)))


def test_shard_without_rows_opens() -> None:
    data, writer = write([])
    table = pa.ipc.open_stream(data).read_all()
    assert table.num_rows == 0
    assert table.schema.equals(sequence_schema(SIZE, TARGET.id_type), check_metadata=True)
    assert writer.sums == []


def save(folder: Path, blocks: list[SequenceBlock]) -> None:
    folder.mkdir()
    names = [f"data-{i:05d}-of-{len(blocks):05d}.arrow" for i in range(len(blocks))]
    for name, block in zip(names, blocks, strict=True):
        (folder / name).write_bytes(write([block])[0])
    (folder / "state.json").write_text(json.dumps(state(names, "0123456789abcdef")))
    (folder / "dataset_info.json").write_text(json.dumps(dataset_info(SIZE, TARGET.id_type)))


def test_datasets_opens_the_folder_both_ways(tmp_path: Path) -> None:
    block = big_block()
    half = len(block.pad_len) // 2
    save(tmp_path / "set", [block.rows(0, half), block.rows(half, len(block.pad_len))])
    features = Features(
        {
            "input_ids": List(Value("uint16"), length=SIZE),
            "doc_lens": List(Value("int32")),
            "pad_len": Value("int32"),
            "source_id": Value("int16"),
            "masked": List(Value("int32")),
        }
    )
    loaded = datasets.load_from_disk(str(tmp_path / "set"))
    files = sorted(str(path) for path in (tmp_path / "set").glob("*.arrow"))
    read = datasets.load_dataset("arrow", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    for found in (loaded, read):
        assert isinstance(found, Dataset)
        assert found.features == features
        assert np.array_equal(found.with_format("numpy")["input_ids"][:], block.input_ids)
        assert found[0]["doc_lens"] == block.doc_lens[: block.offsets[1]].tolist()


def test_layout_equals_that_of_save_to_disk(tmp_path: Path) -> None:
    block = big_block().rows(0, 1100)
    save(tmp_path / "ours", [block])
    datasets.load_from_disk(str(tmp_path / "ours")).save_to_disk(str(tmp_path / "theirs"))
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for name in ("state.json", "dataset_info.json"):
        one, two = (json.loads((folder / name).read_text()) for folder in (ours, theirs))
        one.pop("_fingerprint", None), two.pop("_fingerprint", None)
        assert one == two
        assert list(one.get("features", {})) == list(two.get("features", {}))
    name = "data-00000-of-00001.arrow"
    one, two = (pa.ipc.open_stream((folder / name).read_bytes()) for folder in (ours, theirs))
    assert one.schema.equals(two.schema, check_metadata=True)
    assert [b.num_rows for b in one] == [b.num_rows for b in two] == [1000, 100]
