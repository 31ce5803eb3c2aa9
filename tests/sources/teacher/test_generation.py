"""Generation from a finished run: every item ends once, nothing paid for is lost, the journal alone decides bytes."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fakes.mcq_teacher import McqTeacher
from fakes.teacher.environments import vllm_environment
from fakes.teacher.server import FakeTeacher

import sources.teacher.generation as generation
from pipelines.config import RunConfig
from pipelines.engine.errors import ConfigError, CorruptionError, InputError, TeacherError
from pipelines.engine.manifest import Manifest
from pipelines.engine.storage import local_storage
from pipelines.engine.verify import verify
from pipelines.generate import generate, look_ahead
from pipelines.load import load_generation
from pipelines.result import Result, read_result
from pipelines.run import How, run
from sources.document import from_table
from sources.rights import allows
from sources.teacher.generation import ATTEMPTS
from sources.teacher.journal import Journal
from sources.teacher.lines import is_up
from sources.teacher.request import Answer, Request
from sources.teacher.tasks import GenerationConfig

INLINE = How(inline=True, live=False)
QUESTIONS = [
    {
        "id": f"q{n}",
        "question": f"Case {n}: a child with malaria cannot sit up, far from any hospital. What comes first?",
        "options": {"A": "Oral tablets", "B": "Rectal artesunate, then referral", "C": "Watch overnight", "D": "Water"},
        "answer": "B",
        "subject": "paediatrics" if n % 2 else "malaria",
        "split": "test" if n == 5 else "train",
    }
    for n in range(12)
]
MALARIA = (
    "# Severe malaria\n\nA child with malaria who cannot sit up gets rectal artesunate 10 mg/kg once and is referred. "
    "Oral medicines are unsafe when the child cannot swallow, since they may enter the lungs.\n"
)
SECRET = "# Malaria, not to be changed\n\nA child with malaria who cannot sit up is kept far from hospital.\n"
GOLDS = {str(one["question"]): "Rectal artesunate, then referral" for one in QUESTIONS}


class Taught:
    """Stands for the client: asks the journal, then a fake teacher, and keeps what that says."""

    made = McqTeacher(GOLDS, lies=0.4)

    def __init__(self, settings: Any, journal: Journal, **_: Any) -> None:
        self._journal = journal

    def answer_all(self, requests: list[Request]) -> list[Answer]:
        missing = [request for request in requests if request.key not in self._journal]
        for answer in self.made(missing):
            self._journal.write_answer(answer, "test")
        self._journal.sync()
        found = [self._journal.answer(request.key) for request in requests]
        return [answer for answer in found if answer]


def _source(name: str, path: Path, spdx: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "path": str(path), "rights": {"spdx": spdx, "evidence": "here"}, **more}


def run_config(folder: Path, out: Path, *more: dict[str, Any]) -> RunConfig:
    """Return a run of twelve questions, one guideline, and one that must not be changed."""
    fields = {"question": "question", "options": "options", "gold": "answer", "subject": "subject", "split": "split"}
    sources = [
        _source("guidelines", folder / "open", "CC-BY-4.0", kind="guideline"),
        _source("closed", folder / "closed", "CC-BY-ND-4.0", kind="guideline"),
        _source("questions", folder / "mcq", "CC0-1.0", kind="mcq", parser="mcq",
                options={"fields": fields, "language": "en"}),
        *more,
    ]  # fmt: skip
    stages = [{"kind": "normalize"}, {"kind": "consolidate"}]
    return RunConfig.model_validate({"name": "t", "out": str(out), "seed": 1, "sources": sources, "stages": stages})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with sources and the finished run of them."""
    folder = tmp_path_factory.mktemp("corpus")
    for name, text in (("open", MALARIA), ("closed", SECRET)):
        (folder / name).mkdir()
        (folder / name / "malaria.md").write_text(text)
    (folder / "mcq").mkdir()
    (folder / "mcq" / "q.jsonl").write_text("".join(json.dumps(one) + "\n" for one in QUESTIONS))
    run(run_config(folder, folder / "run"), INLINE)
    return folder


def config_of(corpus: Path, out: Path, **more: Any) -> GenerationConfig:
    tasks = [{"kind": "mcq", "sources": ["questions"], "attempts": 3, "passages": 2}]
    given = {
        "name": "taught", "out": str(out), "seed": 3, "run": str(corpus / "run"), "evidence": ["guideline"],
        "tasks": tasks, "teacher": {"model": "fake", "revision": "1"}, "journal": str(corpus / "journal"),
        "items_per_shard": 4,
    }  # fmt: skip
    return GenerationConfig.model_validate(given | more)


@pytest.fixture(scope="module")
def made(corpus: Path) -> Result:
    """Return a generation by a teacher that lies, whose answers are in the journal from then on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generation, "Teacher", Taught)
        return generate(config_of(corpus, corpus / "made"), INLINE)


def tables(result: Result, role: str) -> list[dict[str, Any]]:
    manifest: Manifest = result.manifests["generate-mcq"]
    root = result.storage.disk.root  # type: ignore[attr-defined]
    return [row for ref in manifest.files(role) for row in pq.ParquetFile(root / ref.path).read().to_pylist()]


def digests(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


def test_every_item_ends_once_and_every_attempt_is_kept(made: Result) -> None:
    total = made.manifests["generate-mcq"].ledger.total()
    assert total.records_in == 11  # the test split never left the run
    assert total.records_in == total.records_kept + total.quarantined.total()
    attempts = tables(made, "attempts")
    accepted = [row["key"] for row in attempts if row["outcome"] == "accepted"]
    rejected = {row["key"] for row in tables(made, "rejects")}
    assert sorted([*accepted, *rejected]) == sorted({row["key"] for row in attempts})
    assert len(accepted) == total.records_kept > 3
    assert set(total.quarantined) <= {"gold_mismatch", "inconsistent"}
    assert all(row["answer"] and row["request"] for row in attempts)
    assert {row["reason"] for row in attempts} >= {None, "gold_mismatch"}
    assert sorted(attempts[0]) == sorted(ATTEMPTS.names)


def test_accepted_documents_say_how_they_came_to_be(made: Result, corpus: Path) -> None:
    kept = {row["id"]: row for name in read_result(corpus / "run").documents for row in _kept(corpus / "run", name)}
    for ref in made.manifests["generate-mcq"].files():
        for one in from_table(pq.ParquetFile(corpus / "made" / ref.path).read()):
            facts = json.loads(one.extra)["generated"]
            assert (one.kind, one.source, one.language) == ("synthetic", "taught", "en")
            assert one.mcq is not None
            assert one.mcq["options"][one.mcq["gold"][0]] == "Rectal artesunate, then referral"
            assert [turn["trained"] for turn in one.messages or []] == [False, True]
            assert one.text == "\n\n".join(turn["content"] for turn in one.messages or [])
            assert one.text.endswith("Answer: B. Rectal artesunate, then referral")
            assert one.teacher is not None
            assert (one.teacher["model"], one.teacher["revision"]) == ("fake", "1")
            assert one.teacher["prompt"].startswith("mcq-enrich@1:")
            assert set(one.parents) <= kept.keys()
            assert {kept[parent]["source"] for parent in one.parents} == {"questions", "guidelines"}
            assert one.rights.spdx == "CC-BY-4.0 AND CC0-1.0"
            assert allows(one.rights, "open")
            for quote in facts["quotes"]:
                assert kept[quote["document"]]["text"][quote["start"] : quote["end"]] == quote["text"]
            assert 0 <= facts["difficulty"] <= 1
            assert facts["cost"]["calls"] == 2


def _kept(folder: Path, stage: str) -> list[dict[str, Any]]:
    files = read_result(folder).manifests[stage].files()
    return [row for ref in files for row in pq.ParquetFile(folder / ref.path).read().to_pylist()]


def test_text_without_the_right_to_derive_is_never_shown(made: Result) -> None:
    assert made.manifests["evidence"].ledger.of("closed").dropped == {"rights_no_derivatives": 1}
    assert not any("not to be changed" in content for one in Taught.made.asked for _, content in one.messages)


def test_exports_hold_gold_answers_and_pairs_of_good_and_bad(made: Result) -> None:
    rows = tables(made, "rl")
    assert len(rows) == 11
    assert {row["gold"] for row in rows} == {"B"}
    assert all(row["prompt"].count("\n") == 5 and "Answer" not in row["prompt"] for row in rows)
    pairs = tables(made, "preferences")
    assert pairs
    for pair in pairs:
        assert pair["chosen"].endswith("Answer: B. Rectal artesunate, then referral")
        assert "Answer: B." not in pair["rejected"]
        assert pair["reason"] == "gold_mismatch"
        assert pair["chosen_attempt"] > pair["rejected_attempt"]


def test_a_page_shows_samples_beside_what_the_checks_made_of_them(made: Result, corpus: Path) -> None:
    page = (corpus / "made" / "samples.html").read_text()
    attempts = len(tables(made, "attempts"))
    assert f"{min(20, attempts)} of {attempts} attempts" in page
    assert page.count("<tr class=") == min(20, attempts)
    assert "gold_mismatch" in page
    assert "every check passed" in page
    assert "&quot;why_right&quot;" in page
    assert "<script" not in page


def test_with_the_journal_nobody_is_asked_and_bytes_are_the_same(made: Result, corpus: Path, tmp_path: Path) -> None:
    generate(config_of(corpus, tmp_path / "again"), INLINE)
    assert digests(tmp_path / "again") == digests(corpus / "made")
    before = (corpus / "made" / "result.json").read_bytes()
    generate(config_of(corpus, corpus / "made"), INLINE)
    assert (corpus / "made" / "result.json").read_bytes() == before
    assert not verify(local_storage(corpus / "made")).problems


def test_all_shards_ask_the_server_of_the_job_through_one_gate(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool, Any]] = []

    class Asked(Taught):
        def __init__(self, settings: Any, journal: Journal, *, gate: Any, **_: Any) -> None:
            super().__init__(settings, journal)
            seen.append((settings.url, is_up(settings.url), gate.service.thing))

    monkeypatch.setattr(generation, "Teacher", Asked)
    environment = vllm_environment(tmp_path)
    teacher = {"model": "fake", "revision": "1", "serve": {"engine": "vllm", "model": "m", "environment": environment}}
    generate(config_of(corpus, tmp_path / "served", teacher=teacher, journal=str(tmp_path / "new")), INLINE)
    assert len(seen) > 1
    assert len({(url, up, id(gate)) for url, up, gate in seen}) == 1
    assert seen[0][1]
    assert not is_up(seen[0][0])


def test_over_http_with_faults_nothing_is_lost_or_paid_twice(corpus: Path, tmp_path: Path) -> None:
    limits = {"backoff_s": 0.002, "timeout_s": 0.5, "concurrency": 8}
    with FakeTeacher(McqTeacher(GOLDS, lies=0.2).over_http, rate=0.3, seed=11) as fake:
        teacher = {"model": "fake", "revision": "2", "url": fake.url, "limits": limits}
        config = config_of(corpus, tmp_path / "first", teacher=teacher, journal=str(tmp_path / "journal"))
        total = generate(config, INLINE).manifests["generate-mcq"].ledger.total()
        assert total.records_in == 11 == total.records_kept + total.quarantined.total()
        asked, doubtful = len(fake.asked), {doubt.key for doubt in Journal(tmp_path / "journal").doubts()}
        paid = {key: times for key, times in fake.completed.items() if key not in doubtful and "probe" not in key}
        assert set(paid.values()) == {1}, paid
        generate(config.model_copy(update={"out": str(tmp_path / "again")}), INLINE)
        assert len(fake.asked) == asked
    assert digests(tmp_path / "again") == digests(tmp_path / "first")


@pytest.mark.ray
def test_workers_make_the_same_bytes(made: Result, corpus: Path, tmp_path: Path) -> None:
    generate(config_of(corpus, tmp_path / "ray"), How(workers=2, live=False))
    assert digests(tmp_path / "ray") == digests(corpus / "made")


def test_without_an_answer_and_a_teacher_the_job_stops_and_says_so(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(TeacherError, match=r"teacher\.url"):
        generate(config_of(corpus, tmp_path / "out", journal=str(tmp_path / "none")), INLINE)


def test_a_look_ahead_counts_what_the_job_asks(made: Result, corpus: Path, tmp_path: Path) -> None:
    fresh = look_ahead(config_of(corpus, tmp_path / "out", journal=str(tmp_path / "empty")))[0]
    assert (fresh.items, fresh.known, fresh.requests) == (11, 0, (22, 66))
    assert fresh.prompt_tokens[0] > 11 * 2 * 100
    known = look_ahead(config_of(corpus, tmp_path / "out"))[0]
    assert (known.items, known.known, known.requests) == (11, 11, (0, 0))
    assert not (tmp_path / "out").exists()


def source_of(made: Result, **more: Any) -> dict[str, Any]:
    folder = str(made.storage.disk.root)  # type: ignore[attr-defined]
    return {"name": "taught", "kind": "synthetic", "path": folder, "parser": "generated", **more}


def test_a_run_reads_what_was_made_unchanged(made: Result, corpus: Path, tmp_path: Path) -> None:
    run(run_config(corpus, tmp_path / "run", source_of(made)), INLINE)
    stage = read_result(tmp_path / "run").documents[0]
    found = {row["id"]: row for row in _kept(tmp_path / "run", stage) if row["source"] == "taught"}
    files = made.manifests["generate-mcq"].files()
    given = [row for ref in files for row in pq.ParquetFile(corpus / "made" / ref.path).read().to_pylist()]
    assert found == {row["id"]: row for row in given}


def test_what_was_made_of_a_removed_document_goes_with_it(made: Result, corpus: Path, tmp_path: Path) -> None:
    config = run_config(corpus, tmp_path / "run", source_of(made)).model_dump()
    question = next(row for row in _kept(corpus / "made", "generate-mcq"))["parents"][0]
    config["stages"][1]["removed"] = [question]
    run(RunConfig.model_validate(config), INLINE)
    result = read_result(tmp_path / "run")
    assert result.manifests["extract-taught"].ledger.total().dropped == {"removal_requested": 1}
    stage = result.documents[0]
    assert not any(question in (row["parents"] or []) for row in _kept(tmp_path / "run", stage))


def test_another_name_a_flipped_byte_and_no_generation_are_told(made: Result, corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give the source that name"):
        run(run_config(corpus, tmp_path / "a", source_of(made, name="other")), INLINE)
    with pytest.raises(InputError, match="no finished generation"):
        run(run_config(corpus, tmp_path / "b", source_of(made, path=str(tmp_path))), INLINE)
    with pytest.raises(ConfigError, match="does not go with"):
        run(run_config(corpus, tmp_path / "c", source_of(made, language="en")), INLINE)
    copy = Path(shutil.copytree(corpus / "made", tmp_path / "copy"))
    file = copy / next(made.manifests["generate-mcq"].files()).path
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(CorruptionError):
        run(run_config(corpus, tmp_path / "d", source_of(made, path=str(copy))), INLINE)


FILE = """
name: x
out: {out}
seed: 1
run: {run}
tasks:
  - {{kind: mcq, sources: [questions]{more}}}
teacher: {{model: m, revision: r}}
journal: journal
"""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (", attemps: 3", r"g\.yaml:7:39: tasks\.0\.attemps: unknown key; did you mean 'attempts'\?"),
        (", orders: 1", r"g\.yaml:7:39: tasks\.0\.orders: .*greater than or equal to 2"),
        ("}\n  - {kind: mqc, sources: [a]", r"g\.yaml:8:6: tasks\.1\.kind: unknown task 'mqc'; did you mean 'mcq'\?"),
        ("}\n  - {kind: mcq, sources: [a]", r"g\.yaml:8:5: tasks\.1.*stands twice"),
    ],
)
def test_a_mistake_in_a_generation_file_is_told_with_its_place(tmp_path: Path, more: str, told: str) -> None:
    (tmp_path / "g.yaml").write_text(FILE.format(out="o", run="r", more=more))
    with pytest.raises(ConfigError, match=told):
        load_generation(tmp_path / "g.yaml")


def test_a_source_that_the_run_lacks_is_told_before_anything_is_asked(corpus: Path, tmp_path: Path) -> None:
    tasks = [{"kind": "mcq", "sources": ["question"]}]
    with pytest.raises(ConfigError, match=r"tasks\.0\.sources: 'question' is no source"):
        generate(config_of(corpus, tmp_path / "out", tasks=tasks), INLINE)
    with pytest.raises(InputError, match="run:"):
        generate(config_of(corpus, tmp_path / "out", run=str(tmp_path / "none")), INLINE)
    assert not (tmp_path / "out").exists()
