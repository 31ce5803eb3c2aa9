"""What is removed is gone from every file and stays gone; what cannot be proven gone is told."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes.releases import record, release_run, text

from pipelines.engine.errors import ConfigError, ReleaseError
from pipelines.load import load_run
from pipelines.publish.layout import layout
from pipelines.publish.parts import write_parts
from pipelines.publish.rebuild import taken_down
from pipelines.publish.takedown import decoders_of, documents_named, search
from pipelines.removals import read_removals
from pipelines.result import read_result
from pipelines.run import How
from sources.document import Document, names_of
from sources.removal import Removal

ROWS = [record(number) for number in range(12)]
ROWS[4] |= {
    "url": "https://www.clinic.example.net/a",
    "text": f"{text(4)} The heron counted seventeen vials of quinozolam.",
}
ROWS[5] |= {"url": "https://clinic.example.net/b"}
STAGES = [{"kind": "dedup_exact"}, {"kind": "rights_gate"}, {"kind": "consolidate"}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return release_run(tmp_path, ROWS, stages=STAGES)


def remove(folder: Path, *names: str, also: tuple[Path, ...] = ()) -> list[str]:
    result = read_result(folder)
    write_parts(result, layout(result))
    found, every = documents_named(result, names)
    config = load_run(folder.parent / "run.yaml")
    how = How(inline=True, live=False)
    return list(taken_down(result, found, every, config, [folder, *also], how))


def kept(folder: Path) -> set[str]:
    result = read_result(folder)
    found, _ = documents_named(result, [f"domain:{host}" for host in ("example.org", "example.net")])
    return {one.key for one in found}


@pytest.mark.parametrize(
    ("names", "gone"),
    [
        (["https://doi.org/10.5555/REPORT.4"], 1),
        pytest.param(["http://clinic.example.net/a"], 1, marks=pytest.mark.nightly),
        (["domain:example.net"], 2),
    ],
)
def test_nothing_of_it_survives(folder: Path, names: list[str], gone: int) -> None:
    before = kept(folder)
    told = remove(folder, *names)
    assert "0 survivors" not in told[0]
    assert f"words of {gone} documents" in told[0]
    assert told[-1].endswith(" 0 survivors")
    assert len(before - kept(folder)) == gone
    assert list((folder / "release").rglob("*.parquet")) == []
    assert "quinozolam" not in "".join(path.read_text(errors="replace") for path in folder.rglob("*.json*"))


def test_it_stays_gone_whoever_runs_again(folder: Path) -> None:
    remove(folder, "10.5555/report.4")
    assert read_removals(read_result(folder).storage) == ("10.5555/report.4",)
    (stage,) = [one for one in load_run(folder.parent / "run.yaml").stages if one.kind == "consolidate"]  # type: ignore[attr-defined]
    assert stage.removed == ("10.5555/report.4",)  # type: ignore[attr-defined]
    remove(folder, "10.5555/report.7")
    assert len(kept(folder)) == len(ROWS) - 2


def test_a_copy_elsewhere_is_told(folder: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.mkdir()
    (journal / "answers.jsonl").write_text(json.dumps({"answer": ROWS[4]["text"]}))
    with pytest.raises(ReleaseError, match=r"answers\.jsonl"):
        remove(folder, "10.5555/report.4", also=(journal,))


def test_words_are_found_in_parquet_arrow_and_tokens(folder: Path) -> None:
    result = read_result(folder)
    found, _ = documents_named(result, ["10.5555/report.4"])
    proof = search([folder], found, decoders_of(result))
    homes = {Path(path).relative_to(folder).parts[0] for path in proof.survivors}
    assert {"stages", "mixtures"} < homes
    assert any(path.endswith(".arrow") for path in proof.survivors)
    assert any("tokenize-demo" in path for path in proof.survivors)


def test_removals_need_a_stage_that_makes_them(folder: Path) -> None:
    remove(folder, "10.5555/report.4")
    with pytest.raises(ConfigError, match="consolidate"):
        load_run(folder.parent / "run.yaml", ["stages=[]", "mixtures=[]"])


def test_what_was_made_from_it_goes_with_it() -> None:
    row: dict[str, Any] = {
        "id": "2",
        "key": "k",
        "url": "https://a.b.example.org:80/x",
        "identifiers": {},
        "parents": ["1"],
    }
    assert {"1", "domain:example.org", "domain:b.example.org", "domain:a.b.example.org"} <= names_of(row)
    assert "domain:org" not in names_of(row)
    child = Document(id="2", kind="synthetic", source="s", key="k", text="t", parents=["1"])
    assert Removal(["1"]).covers(child)
    assert not Removal(["3"]).covers(child)


def test_the_verb_adds_to_the_list(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from pipelines.cli import main

    monkeypatch.setattr(sys, "argv", ["medmix", "remove", str(folder), "--domain", "example.net"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert "2 documents of this run go by domain:example.net" in capsys.readouterr().out
    assert read_removals(read_result(folder).storage) == ("domain:example.net",)
