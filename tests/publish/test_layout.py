"""The parts of a release hold what the run holds, under names that depend on nothing else."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset, load_from_disk
from fakes.releases import release_run

from pipelines.engine.errors import ConfigError
from pipelines.publish import layout as layout_module
from pipelines.publish.layout import layout
from pipelines.publish.parts import write_parts
from pipelines.result import Result, read_result


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return read_result(release_run(tmp_path_factory.mktemp("run")))


def root(result: Result) -> Path:
    return Path(result.storage.disk.root)  # type: ignore[attr-defined]


def test_one_config_a_mixture_and_one_for_documents(result: Result) -> None:
    configs = {config.name: config for config in layout(result)}
    assert list(configs) == ["mix", "documents"]
    assert configs["mix"].data_files == "data/mix/train-*.parquet"
    assert configs["mix"].rows == result.mixture_manifest("mix", "mixture").shards[0].facts["sequences"]
    assert configs["documents"].rows == sum(ref.rows for ref in result.manifests["consolidate"].files())


def test_parts_load_as_what_the_run_holds(result: Result, tmp_path: Path) -> None:
    written = write_parts(result, layout(result))
    home = root(result) / "release"
    packed = load_dataset("parquet", data_files=[str(home / part.path) for part in written["mix"]], cache_dir=tmp_path)
    on_disk = load_from_disk(root(result) / result.mixtures["mix"])
    assert packed["train"].features == on_disk.features
    assert packed["train"].to_dict() == on_disk.to_dict()
    kept = [pq.read_table(root(result) / ref.path) for ref in result.manifests["consolidate"].files()]
    told = load_dataset("parquet", data_files=[str(home / p.path) for p in written["documents"]], cache_dir=tmp_path)
    rows, texts = told["train"].to_list(), pa.concat_tables(kept).to_pylist()
    assert [row["text"] for row in rows] == [row["text"] for row in texts]
    assert [row["rights"] for row in rows] == [row["rights"] for row in texts]
    pairs = [{pair["name"]: pair["value"] for pair in row["identifiers"]} for row in rows]
    assert pairs == [dict(row["identifiers"]) for row in texts]
    assert any(pairs)


def test_the_same_bytes_again_and_nothing_is_left_over(result: Result) -> None:
    first = write_parts(result, layout(result))
    home = root(result) / "release"
    stray = home / "data/mix/train-00000-of-00001-0000000000000000.parquet"
    stray.write_bytes(b"of an earlier release")
    (home / "parts.json").unlink()
    assert write_parts(result, layout(result)) == first
    assert not stray.exists()
    assert write_parts(result, layout(result)) == first


def test_small_shards_share_a_part(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    together = {config.name: config for config in layout(result)}["documents"]
    assert len(together.parts) == 1
    assert len(together.parts[0].shards) > 1
    monkeypatch.setattr(layout_module, "PART_BYTES", 1)
    apart = {config.name: config for config in layout(result)}["documents"]
    assert [part.stem for part in apart.parts][:2] == [f"train-{n:05d}-of-{len(apart.parts):05d}" for n in (0, 1)]
    assert apart.rows == together.rows


def test_a_mixture_may_not_take_the_name_of_the_documents(result: Result) -> None:
    other = Result(result.name, result.storage, result.manifests, result.documents, {"documents": ""}, [], {})
    with pytest.raises(ConfigError, match="rename it"):
        layout(other)
