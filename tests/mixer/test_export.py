"""What is exported holds the mixture's tokens to the last one, and the readers of other trainers open it."""

from importlib.util import find_spec
from pathlib import Path

import datasets
import numpy as np
import pytest
from datatrove.pipeline.tokens.megatron_tokenizer import MegatronTokenizedFile
from fakes.mixtures import ToyMixture

from mixer.batch import IGNORED, Batch
from mixer.export_axolotl import export_axolotl
from mixer.export_jsonl import document_weights
from mixer.export_megatron import export_megatron
from mixer.stored import StoredRows


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> StoredRows:
    return StoredRows(ToyMixture(tmp_path_factory.mktemp("toy")).folder)


def pieces(rows: StoredRows) -> list[tuple[int, list[int], list[int]]]:
    """Component, ids and labels of each piece in the order of training, row by row."""
    block, found = rows.block(0, rows.sequences), []
    labels = Batch(block, 0, "same").labels
    for row in range(rows.sequences):
        lens = block.doc_lens[block.offsets[row] : block.offsets[row + 1]].tolist()
        at = 0
        for length in lens[: len(lens) - bool(block.pad_len[row])]:
            place = slice(at, at + length)
            found.append((int(block.source_id[row]), block.input_ids[row][place].tolist(), labels[row][place].tolist()))
            at += length
    return found


def test_megatron_gets_every_token_of_each_component_in_order(rows: StoredRows, tmp_path: Path) -> None:
    blend = export_megatron(rows, tmp_path)
    for index, component in enumerate(rows.components):
        wanted = [ids for number, ids, _ in pieces(rows) if number == index]
        peer = MegatronTokenizedFile(str(tmp_path / "peer"), component["name"], token_size=2)
        for ids in wanted:
            peer.bin_file.write(np.array(ids, np.uint16).tobytes())
            peer.sequence_lengths.append(len(ids))
            peer.document_indices.append(len(peer.sequence_lengths))
        peer.close()
        for kind in ("bin", "idx"):
            name = f"{component['name']}.{kind}"
            assert (tmp_path / name).read_bytes() == (tmp_path / "peer" / name).read_bytes()
        assert f"{component['trained_tokens']} {component['name']}" in blend


@pytest.mark.skipif(
    not (find_spec("torch") and find_spec("megatron")), reason="megatron-core or torch is not installed"
)
@pytest.mark.filterwarnings("ignore")  # it warns of all that it would like to have
def test_megatron_core_opens_what_is_written(rows: StoredRows, tmp_path: Path) -> None:
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    export_megatron(rows, tmp_path)
    for index, component in enumerate(rows.components):
        opened = IndexedDataset(str(tmp_path / component["name"]))
        wanted = [ids for number, ids, _ in pieces(rows) if number == index]
        assert len(opened) == len(wanted) == len(opened.document_indices) - 1
        assert [opened[place].tolist() for place in range(len(wanted))] == wanted


def test_axolotl_gets_pieces_with_labels_and_no_border_is_a_target(rows: StoredRows, tmp_path: Path) -> None:
    count = export_axolotl(rows, tmp_path)
    loaded = datasets.load_dataset("parquet", data_dir=str(tmp_path), split="train", cache_dir=str(tmp_path / "cache"))
    wanted = pieces(rows)
    assert count == len(wanted) == len(loaded)
    assert set(loaded.column_names) == {"input_ids", "attention_mask", "labels"}
    assert loaded["input_ids"][:] == [ids for _, ids, _ in wanted]
    assert loaded["labels"][:] == [labels for _, _, labels in wanted]
    assert all(labels[0] == IGNORED and labels[1:] == ids[1:] for _, ids, labels in wanted)
    assert all(row == [1] * len(ids) for row, (_, ids, _) in zip(loaded["attention_mask"][:], wanted, strict=True))


def test_weights_in_documents_give_the_shares_of_tokens() -> None:
    told = {"bos_added": 0, "eos_added": 0}
    components = [
        {"name": "long", "trained_tokens": 600, "documents": 10, "tokens_in": 1000, **told},
        {"name": "short", "trained_tokens": 400, "documents": 100, "tokens_in": 1000, **told},
        {"name": "none", "trained_tokens": 0, "documents": 3, "tokens_in": 30, **told},
    ]
    weights = document_weights(components)
    assert weights.keys() == {"long", "short"}
    drawn = {"long": weights["long"] * 100, "short": weights["short"] * 10}
    assert drawn["long"] / sum(drawn.values()) == pytest.approx(0.6)
    assert sum(weights.values()) == pytest.approx(1)
