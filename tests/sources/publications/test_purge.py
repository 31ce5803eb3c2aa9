"""An article that is taken out of a store is in none of its files, and no later release brings it back."""

import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fakes.pmc import Bucket
from fakes.pmc_runs import INLINE, decided, documents, fetched, releases, run_file

from pipelines.check_store import verify_store
from pipelines.engine.errors import InputError
from pipelines.engine.storage import local_storage
from pipelines.load import load_run
from pipelines.run import run
from sources.publications.purge import purge

WORD = "quinozolam"


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    made = Bucket()
    for number in range(1, 10):
        made.put(number)
    made.put(3, sentence=f"The heron counted seventeen vials of {WORD}.")
    made.inventory("2026-11-01")
    made.write(tmp_path / "mirror")
    return made


def again(tmp_path: Path, bucket: Bucket, release: str) -> Path:
    path = run_file(tmp_path, tmp_path / "mirror", release)
    fetched(path)
    return path


def holding(folder: Path, word: str = WORD) -> list[str]:
    """Return the files that hold a word, Parquet unpacked."""
    found = []
    for path in (path for path in folder.rglob("*") if path.is_file()):
        told = path.read_bytes()
        if path.suffix == ".parquet":
            told += json.dumps(pq.read_table(io.BytesIO(told)).to_pylist(), default=str).encode()
        found += [str(path)] if word.encode() in told else []
    return found


@pytest.mark.parametrize(
    "name", ["PMC3", "https://doi.org/10.5555/FAKE.3", "https://pmc.ncbi.nlm.nih.gov/articles/PMC3/"]
)
def test_it_is_in_no_file_of_the_store(tmp_path: Path, bucket: Bucket, name: str) -> None:
    path = again(tmp_path, bucket, "r1")
    assert holding(tmp_path / "store")
    storage = local_storage(tmp_path / "store")
    before = {packed.file.path for packed in releases(tmp_path)[0].packs}
    done = purge(storage, "pmc", [name])
    assert (done.articles, done.packs) == ((3,), 1)
    assert holding(tmp_path / "store") == []
    assert len({packed.file.path for packed in releases(tmp_path)[0].packs} & before) == 3
    assert verify_store(storage).problems == []
    assert verify_store(storage).orphans == []
    assert "PMC3.1" not in {one.key for one in documents(path)}
    assert purge(storage, "pmc", [name]).packs == 0


def test_a_run_reads_only_what_changed(tmp_path: Path, bucket: Bucket) -> None:
    path = again(tmp_path, bucket, "r1")
    config = load_run(path)
    run(config, INLINE)
    records = {one.name for one in Path(config.out).glob("stages/extract-pmc@*/records/*.json")}
    purge(local_storage(tmp_path / "store"), "pmc", ["PMC3"])
    run(config, INLINE)
    made = {one.name for one in Path(config.out).glob("stages/extract-pmc@*/records/*.json")} - records
    assert len(made) == 1


def test_a_later_release_does_not_bring_it_back(tmp_path: Path, bucket: Bucket) -> None:
    again(tmp_path, bucket, "r1")
    purge(local_storage(tmp_path / "store"), "pmc", ["PMC3"])
    bucket.put(3, version=2, sentence=f"And {WORD} again.")
    bucket.put(20)
    bucket.inventory("2026-11-08")
    bucket.write(tmp_path / "mirror")
    again(tmp_path, bucket, "r2")
    first, second = (decided(tmp_path, release) for release in releases(tmp_path))
    assert {one.reason for one in (first["PMC3.1"], second["PMC3.1"], second["PMC3.2"])} == {"removal_requested"}
    assert second["PMC20.1"].outcome == "kept"
    assert holding(tmp_path / "store") == []


def test_not_while_a_release_is_under_way(tmp_path: Path, bucket: Bucket) -> None:
    again(tmp_path, bucket, "r1")
    (tmp_path / "store/pmc/begun/r2").mkdir(parents=True)
    (tmp_path / "store/pmc/begun/r2/inventory.json").write_text("{}")
    with pytest.raises(InputError, match="under way"):
        purge(local_storage(tmp_path / "store"), "pmc", ["PMC3"])


def test_a_name_that_nothing_has_changes_nothing(tmp_path: Path, bucket: Bucket) -> None:
    again(tmp_path, bucket, "r1")
    before = {path: path.read_bytes() for path in (tmp_path / "store/pmc").rglob("*") if path.is_file()}
    assert purge(local_storage(tmp_path / "store"), "pmc", ["PMC4444"]).articles == ()
    assert before == {path: path.read_bytes() for path in (tmp_path / "store/pmc").rglob("*") if path.is_file()}
