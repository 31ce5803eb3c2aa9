"""Verdicts of reviewers: what a line may say, what follows from several, and what becomes of the documents."""

import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.given import Given
from fakes.stages import Events

from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.errors import ConfigError, InputError
from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import Storage
from pipelines.stages.consolidate import ConsolidateConfig
from pipelines.stages.consolidation import Consolidation
from pipelines.stages.coverage import AXES, labels
from pipelines.stages.exchange import RunFacts
from pipelines.stages.language import Language, LanguageConfig
from pipelines.stages.review import ReviewConfig, VerdictFile, review_steps
from pipelines.stages.verdicts import Verdict, judged, line_of, read_verdicts
from sources.document import Document, from_table
from sources.rights import rights_from

CASES = json.loads((Path(__file__).parent / "cases" / "verdicts.json").read_text())
TEXT = "Give oral amoxicillin twice a day for five days, and reassess the child after two days of treatment."


def said(document: str, verdict: str, reviewer: str = "A", at: int = 0, **more: Any) -> Verdict:
    date = f"2026-11-30T10:{at:02}:00Z"
    return Verdict(document=document, verdict=verdict, reviewer=reviewer, date=date, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES["good"], ids=lambda case: case["verdict"])
def test_a_verdict_is_read_as_it_was_written(case: dict[str, Any]) -> None:
    (one,) = read_verdicts(json.dumps(case).encode(), "file")
    assert read_verdicts(line_of(one), "file") == [one]
    assert line_of(one).count(b"\n") == 1


@pytest.mark.parametrize(("what", "line", "told"), CASES["bad"], ids=lambda value: str(value)[:30])
def test_a_line_that_is_no_verdict_is_told_with_its_place(what: str, line: Any, told: str) -> None:
    body = line if isinstance(line, str) else json.dumps(line)
    good = json.dumps(CASES["good"][0])
    with pytest.raises(InputError, match=r"a\.jsonl:2: this is no verdict") as error:
        read_verdicts(f"{good}\n{body}\n".encode(), "a.jsonl")
    assert told in str(error.value)


def test_the_last_verdict_of_a_reviewer_counts_and_the_order_of_files_does_not() -> None:
    one = [said("1", "rejected", at=1, reason="wrong"), said("1", "accepted", at=3), said("2", "accepted", at=1)]
    other = [said("1", "rejected", at=2, reason="garbled"), said("2", "accepted", "B", 2)]
    found = [judged(files) for files in itertools.permutations([one, other, []])]
    assert all(each == found[0] for each in found)
    assert found[0]["1"].rejected == ""
    assert [v.reviewer for v in found[0]["2"].verdicts] == ["A", "B"]


def test_of_one_second_the_later_line_counts() -> None:
    first, second = said("1", "accepted"), said("1", "rejected", reason="wrong")
    assert judged([[first, second]])["1"].rejected == "wrong (A)"
    assert judged([[second, first]])["1"].rejected == ""


def test_a_rejection_decides_whoever_accepts_later() -> None:
    files = [[said("1", "rejected", "A", 1, reason="outdated"), said("1", "accepted", "B", 2)]]
    assert judged(files)["1"].rejected == "outdated (A)"


def test_of_corrections_to_a_field_the_last_counts_and_others_stay() -> None:
    first = said("1", "corrected", "A", 1, corrections={"title": "First", "language": "fr"})
    second = said("1", "corrected", "B", 2, corrections={"title": "Second"})
    found = judged([[second, first]])["1"].corrections
    assert {name: (one["value"], one["by"]) for name, one in found.items()} == {
        "language": ("fr", "A"),
        "title": ("Second", "B"),
    }


def test_labels_are_those_that_coverage_gives() -> None:
    assert set(labels()) == set(AXES)
    assert all(list(one) == sorted(one) for one in labels().values())
    assert labels()["region"] == ("afro", "amro", "emro", "euro", "searo", "wpro")


def document(id: str, *parents: str, **fields: Any) -> Document:
    given = {"kind": "article", "source": "s", "key": f"k{id}", "text": TEXT, "language": "en"} | fields
    return Document(id=id, rights=rights_from("CC0-1.0", "x"), parents=list(parents), tokens=25, **given)


def reviewed(folder: Path, documents: list[Document], files: list[list[Verdict]]) -> dict[str, Manifest]:
    """Run language, review and consolidate over shards of two documents."""
    config = ReviewConfig(verdicts=tuple(VerdictFile(path=str(folder / f"{n}.jsonl")) for n in range(len(files))))
    for number, verdicts in enumerate(files):
        (folder / f"{number}.jsonl").write_bytes(b"".join(map(line_of, verdicts)))
    given = Given(tuple(documents), 2)
    (step,) = review_steps(config, RunFacts())
    line = [
        PlannedStage(given),
        PlannedStage(Rows(Language(LanguageConfig())), {"documents": ("given",)}),
        PlannedStage(step.stage, {"all": ("given",)}),
        PlannedStage(
            Consolidation(ConsolidateConfig(languages=("en",)), ("review",)),
            {"documents": ("given",), "language": ("language",), "review": ("review",)},
        ),
    ]
    storage = Storage(LocalDisk(folder / "run"))
    return run_stages(storage, line, lambda: InlineRuntime(storage), Events())


def outcome(folder: Path, manifests: dict[str, Manifest]) -> tuple[dict[str, Document], dict[str, tuple[str, str]]]:
    """Return the kept documents and why the others went, by id and key."""
    manifest, root = manifests["consolidate"], folder / "run"
    kept = pa.concat_tables([pq.read_table(root / ref.path) for ref in manifest.files()])
    gone = [row for ref in manifest.files("rejects") for row in pq.read_table(root / ref.path).to_pylist()]
    return {one.id: one for one in from_table(kept)}, {row["key"][1:]: (row["reason"], row["detail"]) for row in gone}


def test_rejected_documents_go_with_all_that_was_made_of_them(tmp_path: Path) -> None:
    documents = [document("1"), document("2"), document("3", "1"), document("4", "3"), document("5", "2")]
    verdicts = [said("1", "rejected", reason="dangerous"), said("2", "accepted"), said("9", "accepted")]
    manifests = reviewed(tmp_path, documents, [verdicts])
    kept, gone = outcome(tmp_path, manifests)
    assert set(kept) == {"2", "5"}
    assert gone == {
        "1": ("review_rejected", "dangerous (A)"),
        "3": ("review_rejected", "made from 1: dangerous (A)"),
        "4": ("review_rejected", "made from 3: dangerous (A)"),
    }
    assert manifests["review"].shards[0].facts["alarms"] == [
        "review: 1 of 3 reviewed documents are not in this run",
        "review: 2 documents go because they were made from rejected ones",
    ]


def test_a_circle_of_parents_ends(tmp_path: Path) -> None:
    documents = [document("1", "2"), document("2", "1"), document("3")]
    kept, gone = outcome(tmp_path, reviewed(tmp_path, documents, [[said("1", "rejected", reason="wrong")]]))
    assert (set(kept), set(gone)) == ({"3"}, {"1", "2"})
    assert gone["1"] == ("review_rejected", "wrong (A)")


def test_corrections_are_made_and_recorded_and_touch_no_word(tmp_path: Path) -> None:
    documents = [document("1", title="Old", extra=json.dumps({"robots": "index"})), document("2")]
    corrections = {"title": "New", "published": "2024-05", "disease": ["malaria"]}
    verdict = said("1", "corrected", "Dr É. Ndiaye", corrections=corrections)
    kept, gone = outcome(tmp_path, reviewed(tmp_path, documents, [[verdict]]))
    assert gone == {}
    one = kept["1"]
    assert (one.title, one.published, one.text, one.language) == ("New", "2024-05", TEXT, "en")
    assert [(e["stage"], e["names"]) for e in one.edits] == [
        ("review", [f"{name} by Dr É. Ndiaye" for name in ("disease", "published", "title")])
    ]
    by = {"by": "Dr É. Ndiaye", "date": verdict.date}
    assert json.loads(one.extra) == {
        "robots": "index",
        "review": {"title": {**by, "was": "Old"}, "published": {**by, "was": None},
                   "disease": {**by, "is": ["malaria"]}},
    }  # fmt: skip
    assert (kept["2"].edits, kept["2"].extra) == ([], "")


def test_a_corrected_language_overrules_the_words_and_the_policy_follows(tmp_path: Path) -> None:
    documents = [document("1"), document("2", language="fr"), document("3", language="fr")]
    verdicts = [said("1", "corrected", corrections={"language": "fr"}),
                said("2", "corrected", corrections={"language": "en-GB"})]  # fmt: skip
    kept, gone = outcome(tmp_path, reviewed(tmp_path, documents, [verdicts]))
    assert gone["1"] == ("language", "fr")
    assert kept["2"].language == "en-GB"


def test_no_verdict_changes_nothing(tmp_path: Path) -> None:
    kept, gone = outcome(tmp_path, reviewed(tmp_path, [document("1"), document("2")], [[]]))
    assert (set(kept), gone) == ({"1", "2"}, {})


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    missing = VerdictFile(path=str(tmp_path / "none.jsonl"))
    with pytest.raises(InputError, match="`medmix review` writes it"):
        review_steps(ReviewConfig(verdicts=(missing,)), RunFacts())
    with pytest.raises(ConfigError, match="a variable that is not set"):
        review_steps(ReviewConfig(verdicts=(VerdictFile(path="$NO_SUCH_VARIABLE/x"),)), RunFacts())
    assert review_steps(ReviewConfig(verdicts=(missing.model_copy(update={"optional": True}),)), RunFacts())
