"""Differentials in a teacher's words: from a run to documents, and no fault of the teacher's gets through."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fakes.differential_teacher import KINDS, DifferentialTeacher

import sources.teacher.generation as generation
from pipelines.config import RunConfig
from pipelines.engine.errors import ConfigError
from pipelines.engine.stage import Rejected
from pipelines.engine.storage import local_storage
from pipelines.engine.verify import verify
from pipelines.generate import generate, look_ahead
from pipelines.result import Result
from pipelines.run import How, run
from sources.document import Document, from_table
from sources.teacher.differential import parse
from sources.teacher.differential_checks import check
from sources.teacher.journal import Journal
from sources.teacher.knowledge_files import FOLDER, load_knowledge
from sources.teacher.request import Answer, Request
from sources.teacher.settings import TeacherSettings
from sources.teacher.tasks import GenerationConfig
from sources.teacher.tell_differential import REASONS, TELL, TellDifferential, ToldCase, facts_shown
from sources.teacher.told_case import OTHER_BASE, facts_in, told_case, why_not_told
from sources.teacher.verbalise import Rendering

INLINE = How(inline=True, live=False)
NAME = "limited-resource"
BASE = load_knowledge(FOLDER / NAME)
SETTINGS = TeacherSettings(model="fake", revision="1")
MAKER = TellDifferential(SETTINGS, 1, BASE)
WANTED = b"- {setting: refugee-camp, patients: 14, seed: 2}\n- {setting: sahel-dry-season, patients: 14, seed: 3}\n"


def rows(wanted: bytes = WANTED) -> list[dict[str, Any]]:
    found = list(parse(wanted, "wanted.yaml", {"knowledge": str(FOLDER / NAME), "seed": 4}))
    return [
        {"id": str(at), "language": one.language, "text": one.text, "extra": json.dumps(one.extra)}  # type: ignore[union-attr]
        for at, one in enumerate(found)
    ]


def case_of(row: dict[str, Any]) -> ToldCase:
    facts = facts_in(row)
    assert facts is not None
    assert why_not_told(facts, BASE) is None
    return told_case(row, facts, BASE)


def test_what_a_faithful_teacher_tells_is_taken_and_every_fault_is_found() -> None:
    """Each fault shows by a reason of its own, whatever else it breaks."""
    seen: Counter[str] = Counter()
    for rate, seed in ((0.0, 1), (1.0, 2), (1.0, 3), (1.0, 5)):
        teacher = DifferentialTeacher(rate, seed)
        for row in rows():
            item = case_of(row)
            request = MAKER.first(item, seed)
            (answer,) = teacher([request])
            read = MAKER.read(item, answer.text)
            fault = teacher.planted.get(request.key)
            seen[fault or "none"] += 1
            if fault is None:
                assert isinstance(read, Rendering), (read, answer.text)
                assert check(item.case, BASE, read) == [], "what is read freely finds the same in it"
                assert not {"[", "]"} & set(read.text())
            else:
                assert isinstance(read, Rejected), (fault, answer.text)
                assert read.reason in KINDS[fault], (fault, read)
                assert read.reason in REASONS
    assert set(seen) == {"none", *KINDS}


def test_the_prompt_holds_every_fact_and_the_words_for_it() -> None:
    for row in rows():
        item = case_of(row)
        system, user = (content for _, content in MAKER.first(item, 0).messages)
        facts = facts_shown(item, BASE)
        numbers = [one["fact"] for one in (facts["patient"], *facts["present"], *facts["absent"])]
        assert numbers == list(range(len(item.case.told) + 1))
        assert all(line in user for line in facts["ranked"])
        assert [line.partition(". ")[2].rpartition(" (")[0] for line in facts["ranked"]] == [
            BASE.conditions[code].name[item.language] for code, _ in item.case.gold
        ]
        assert ("in French" in system) == (item.language == "fr")
        assert item.floor not in user, "the teacher shall not see how the grammar tells it"
        setting = item.case.setting
        assert setting is not None
        level = {test.name[item.language] for test in item.case.next_tests(BASE)}
        assert set(facts["next_steps"]) == level


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([], "wrong_turns"),
        (["assistant"], "wrong_turns"),
        (["user", "user"], "wrong_turns"),
        (["system"], "schema_invalid"),
    ],
)
def test_turns_that_are_none_of_the_form(turns: list[str], reason: str) -> None:
    item = next(case for case in map(case_of, rows()) if case.form == "vignette")
    told = {"turns": [{"role": role, "content": "x"} for role in turns], "walk": [], "danger": "", "next": "y"}
    read = MAKER.read(item, json.dumps(told))
    assert isinstance(read, Rejected)
    assert read.reason == reason


def test_facts_of_another_base_are_not_told() -> None:
    facts = facts_in(rows()[0])
    assert facts is not None
    facts["knowledge"]["sha256"] = "0" * 64
    assert why_not_told(facts, BASE) == OTHER_BASE
    assert facts_in({"extra": None}) is None


class Taught:
    """Stands for the client: asks the journal, then a fake teacher that errs in 4 of 10 answers."""

    made = DifferentialTeacher(0.4, 9)

    def __init__(self, settings: Any, journal: Journal, **_: Any) -> None:
        self._journal = journal

    def answer_all(self, requests: list[Request]) -> list[Answer]:
        for answer in self.made([request for request in requests if request.key not in self._journal]):
            self._journal.write_answer(answer, "test")
        self._journal.sync()
        return list(self._journal.answers(request.key for request in requests))


def config_of(folder: Path, out: str, **more: Any) -> GenerationConfig:
    task = {"kind": "differential", "sources": ["drawn", "notes"], "attempts": 3, "knowledge": NAME}
    given = {
        "name": "told", "out": str(folder / out), "seed": 3, "run": str(folder / "run"), "tasks": [task],
        "teacher": {"model": "fake", "revision": "1"}, "journal": str(folder / "journal"), "items_per_shard": 10,
    }  # fmt: skip
    return GenerationConfig.model_validate(given | more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a finished run of 28 differentials and one text that is none."""
    folder = tmp_path_factory.mktemp("told")
    for name, file, text in (("in", "wanted.yaml", WANTED), ("notes", "note.txt", b"A note on fever and its care.\n")):
        (folder / name).mkdir()
        (folder / name / file).write_bytes(text)
    rights = {"spdx": "CC-BY-4.0", "evidence": "here"}
    sources = [
        {"name": "drawn", "kind": "synthetic", "path": str(folder / "in"), "include": ["*.yaml"], "rights": rights,
         "parser": "differential", "options": {"knowledge": NAME, "seed": 4}},
        {"name": "notes", "kind": "guideline", "path": str(folder / "notes"), "rights": rights},
    ]  # fmt: skip
    stages = [{"kind": "normalize"}, {"kind": "consolidate"}]
    given = {"name": "t", "out": str(folder / "run"), "seed": 1, "sources": sources, "stages": stages}
    run(RunConfig.model_validate(given), INLINE)
    return folder


@pytest.fixture(scope="module")
def made(folder: Path) -> Result:
    """Return what a teacher made of them that errs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generation, "Teacher", Taught)
        return generate(config_of(folder, "made"), INLINE)


def table(result: Result, role: str) -> list[dict[str, Any]]:
    manifest, root = result.manifests["generate-differential"], result.storage.disk.root  # type: ignore[attr-defined]
    return [row for ref in manifest.files(role) for row in pq.read_table(root / ref.path).to_pylist()]


def documents(result: Result) -> list[Document]:
    manifest, root = result.manifests["generate-differential"], result.storage.disk.root  # type: ignore[attr-defined]
    return [one for ref in manifest.files() for one in from_table(pq.read_table(root / ref.path))]


def test_a_run_becomes_documents_that_say_what_their_facts_say(made: Result) -> None:
    told = documents(made)
    assert 20 <= len(told) <= 28
    for document in told:
        facts = json.loads(document.extra or "")["generated"]
        item = told_case({"id": "x", "language": document.language, "text": ""}, facts, BASE)
        assert document.messages is not None
        turns = tuple((turn["role"], turn["content"]) for turn in document.messages)
        rendering = Rendering(item.form, item.language, turns[:-1], turns[-1][1])
        assert check(item.case, BASE, rendering) == []
        assert document.text == rendering.text()
        assert [turn["trained"] for turn in document.messages] == [role == "assistant" for role, _ in turns]
        assert document.teacher is not None
        assert (document.teacher["prompt"], document.kind) == (TELL.name, "synthetic")
        assert len(document.parents) == 1
        assert not facts["clinician_reviewed"]


def test_every_item_ends_once_and_every_attempt_says_why(made: Result) -> None:
    ledger = made.manifests["generate-differential"].ledger
    total, attempts = ledger.total(), table(made, "attempts")
    assert total.records_in == 29 == total.records_kept + sum(total.dropped.values()) + sum(total.quarantined.values())
    assert dict(total.dropped) == {"no_differential": 1}
    planted = {one["request"]: Taught.made.planted.get(one["request"]) for one in attempts}
    for one in attempts:
        fault = planted[one["request"]]
        assert (one["outcome"] == "accepted") == (fault is None), one
        assert fault is None or one["reason"] in KINDS[fault]
    pairs = table(made, "preferences")
    assert {pair["reason"] for pair in pairs} <= REASONS
    assert all(pair["chosen"] != pair["rejected"] for pair in pairs)
    assert pairs


def test_what_was_made_is_whole_and_made_again_from_the_journal_alone(made: Result, folder: Path) -> None:
    assert not verify(local_storage(folder / "made")).problems
    asked = len(Taught.made.asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generation, "Teacher", Taught)
        again = generate(config_of(folder, "again", items_per_shard=3), INLINE)
    assert len(Taught.made.asked) == asked
    assert sorted(one.id + one.text for one in documents(again)) == sorted(one.id + one.text for one in documents(made))


def test_the_forecast_counts_one_request_an_attempt(folder: Path) -> None:
    fresh = config_of(folder, "none", journal=str(folder / "empty"))
    (told,) = look_ahead(fresh)
    assert (told.items, told.refused, told.requests) == (28, 1, (28, 84))


def test_how_varied_the_teacher_is_stands_beside_the_grammar(made: Result, folder: Path) -> None:
    variety = json.loads((folder / "made" / "generation.json").read_text())["differential"]["variety"]
    assert set(variety) == {"en", "fr"}
    for figures in variety.values():
        assert figures["teacher"]["texts"] == figures["grammar"]["texts"] > 5
        for who in ("teacher", "grammar"):
            assert 0 < figures[who]["distinct"][0] < figures[who]["distinct"][3] < 1
            assert 0 < figures[who]["self_bleu"] < 1
            assert 0 < figures[who]["template_share"] <= 1


def test_a_base_that_is_not_there_is_told(folder: Path) -> None:
    task = {"kind": "differential", "sources": ["drawn"], "knowledge": "moon"}
    with pytest.raises(ConfigError, match="moon"):
        generate(config_of(folder, "moon", tasks=[task]), INLINE)
