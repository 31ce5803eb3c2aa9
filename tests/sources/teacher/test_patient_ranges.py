"""Patients of a YAML are told by many workers as by one: the same documents under the same keys."""

from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fakes.stages import Events

from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.errors import InputError
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import local_storage
from sources.catalog import SourceConfig
from sources.digests import DigestCache
from sources.document import Document, from_table
from sources.extract import Extract
from sources.files import list_files
from sources.teacher import patient_ranges
from sources.teacher.differential import parse

SMALL = Path(__file__).parent / "small_base"
WANTED = b"- {setting: camp, patients: 11, seed: 2}\n- {patients: 9}\n- {setting: camp, patients: 5, seed: 3}\n"

SOURCE = SourceConfig.model_validate(
    {"name": "drawn", "kind": "synthetic", "path": ".", "include": ["*.yaml"], "parser": "differential"}
    | {"options": {"knowledge": str(SMALL), "seed": 4}}
)


@pytest.mark.parametrize("borders", [(0, 25), (0, 11, 25), (0, 4, 8, 12, 20, 21, 25), (0, 7, 24, 25)])
def test_ranges_are_the_whole_cut(borders: tuple[int, ...]) -> None:
    options = {"knowledge": str(SMALL), "seed": 4}
    cut = [part for low, high in pairwise(borders) for part in parse(WANTED, f"wanted.yaml!P{low}-{high}", options)]
    assert cut == list(parse(WANTED, "wanted.yaml", options))
    assert len(cut) == 25


def extracted(folder: Path, out: Path) -> tuple[int, list[Document]]:
    """Return how many shards a source of differentials has, and its documents in order."""
    (folder / "wanted.yaml").write_bytes(WANTED)
    stage = Extract(SOURCE, folder, list_files(SOURCE, folder, DigestCache(out.with_suffix(".cache"))), 1 << 20)
    storage = local_storage(out)
    manifest = run_stages(storage, [PlannedStage(stage)], lambda: InlineRuntime(storage), Events())[stage.name]
    documents = [one for record in manifest.shards for one in from_table(pq.read_table(out / record.main.path))]
    return len(manifest.shards), documents


def test_shards_of_patients_give_the_documents_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    shards, whole = extracted(tmp_path / "in", tmp_path / "whole")
    assert (shards, len(whole), whole[0].key) == (1, 25, "wanted.yaml#camp-2-0")
    monkeypatch.setattr(patient_ranges, "PATIENTS_A_SHARD", 8)
    shards, cut = extracted(tmp_path / "in", tmp_path / "cut")
    assert shards == 4
    assert cut == whole


def test_a_changed_request_of_which_ranges_are_read_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same size, other patients: a range must not be read from another file than was planned."""
    (tmp_path / "in").mkdir()
    monkeypatch.setattr(patient_ranges, "PATIENTS_A_SHARD", 8)
    file = tmp_path / "in" / "wanted.yaml"
    file.write_bytes(WANTED)
    stage = Extract(SOURCE, file.parent, list_files(SOURCE, file.parent, DigestCache(tmp_path / "cache")), 1 << 20)
    file.write_bytes(WANTED.replace(b"seed: 2", b"seed: 7"))
    storage = local_storage(tmp_path / "out")
    with pytest.raises(InputError, match="has changed"):
        run_stages(storage, [PlannedStage(stage)], lambda: InlineRuntime(storage), Events())


def test_what_asks_for_nobody_rightly_is_one_shard(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.yaml").write_text("patients: [")
    (tmp_path / "in" / "twice.yaml").write_text("- {setting: camp, patients: 900}\n- {setting: camp, patients: 900}\n")
    shards, documents = extracted(tmp_path / "in", tmp_path / "out")
    assert (shards, len(documents)) == (1, 25)
