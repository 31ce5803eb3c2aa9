"""Two runs differ by what was put between them, and by nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.releases import record, release_run, text

from pipelines.publish.diff import diff_tables, differ
from pipelines.result import Result, read_result

COVERAGE = [{"kind": "coverage"}, {"kind": "consolidate"}]
Found = dict[str, Any]


def run(folder: Path, rows: list[dict[str, Any]], **changes: Any) -> Result:
    return read_result(release_run(folder, rows, stages=COVERAGE, **changes))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Result]:
    """Of ten documents two are rewritten, one of them wholly, one gets another licence, and one comes.

    A row of JSON lines is known by the byte at which it starts, so the rows keep their lengths.
    """
    before = [record(number) for number in range(10)]
    before[1]["text"] = f"Malaria. {text(1)} Here malaria is common, and malaria kills."
    before[2] |= {"licence": "CC-BY-4.0", "title": "A report"}
    after = [dict(row) for row in before[:9]]
    after[1]["text"] = f"Measles. {text(1)} Here measles is common, and measles kills."
    after[2] |= {"licence": "CC0-1.0", "title": "One report"}
    after += [record(number, title=f"Another report {number}") for number in (20, 21)]
    folder = tmp_path_factory.mktemp("runs")
    first = run(folder / "a", before)
    source = first.config["sources"][0] | {"path": str(folder / "b/texts"), "release": "2"}
    return first, run(folder / "b", after, sources=[source])


@pytest.fixture(scope="module")
def found(results: tuple[Result, Result]) -> Found:
    return differ(*results)


def test_documents_are_told_by_what_became_of_them(found: Found, results: tuple[Result, Result]) -> None:
    assert found["documents"] == {"all": [10, 11], "added": 1, "removed": 0, "changed": 2}
    assert {name: len(ids) for name, ids in found["ids"].items()} == {"added": 1, "removed": 0, "changed": 2}
    back = differ(results[1], results[0])
    assert back["documents"] == {"all": [11, 10], "added": 0, "removed": 1, "changed": 2}
    assert back["ids"]["removed"] == found["ids"]["added"]


def test_sources_rights_and_slices(found: Found) -> None:
    (source,) = found["sources"].values()
    assert (source["documents"], source["release"]) == ([10, 11], ["", "2"])
    assert source["tokens"] == found["tokens"]
    assert found["rights"] == {"CC-BY-4.0": [10, 10], "CC0-1.0": [0, 1]}
    assert found["slices"]["disease:malaria"] == [1, 0]
    assert found["mixtures"]["mix: all"][0] > 0


def test_a_run_does_not_differ_from_itself(results: tuple[Result, Result]) -> None:
    same = differ(results[0], results[0])
    assert [same["documents"][name] for name in ("added", "removed", "changed")] == [0, 0, 0]
    assert len(list(diff_tables(same))) == 1


def test_it_is_json_and_tables(found: Found) -> None:
    assert json.loads(json.dumps(found)) == found
    titles = [table.title for table in diff_tables(found)]
    assert titles[0] == "sources"
    assert "rights that differ" in titles
