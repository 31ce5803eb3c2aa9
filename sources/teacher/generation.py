"""Generation as a stage of the engine: items of kept documents in; accepted documents, attempts and exports out.

A shard is a range of rows of one file of kept documents. Every item ends once, as accepted, dropped before a call was
paid for (nothing may be made of it) or quarantined with the reason of its last attempt; and every attempt stands in a
table of its own with what was answered, so nothing that was paid for is lost. Bytes follow from documents, settings,
seed and journal alone: which worker asks, and in which order answers arrive, changes nothing. Contamination and
duplicates are judged by the run that reads the result. Not here: the verb (`pipelines.generate`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.engine.manifest import Manifest, ShardRecord
from pipelines.engine.shard import Shard
from pipelines.engine.stage import FileRef, Rejected, ShardTask
from sources.document import SCHEMA, Document, to_table
from sources.rights import Profile
from sources.teacher.attempts import Ask, Settled
from sources.teacher.call import Entrance
from sources.teacher.client import Teacher
from sources.teacher.evidence import NAME as EVIDENCE
from sources.teacher.evidence import OLDER, kept_file, read_evidence, rows_of
from sources.teacher.exports import PREFERENCES, RL
from sources.teacher.injection import WORDINGS
from sources.teacher.journal import Journal
from sources.teacher.made import cost_of
from sources.teacher.settings import TeacherSettings
from sources.teacher.tasks import DifferentialTask, GenerationConfig, GuidelineTask, McqTask
from sources.teacher.works import Candidate, GuidelineWork, McqWork
from sources.teacher.works_differential import DifferentialWork

MICRO = 1_000_000
AnyTask = McqTask | GuidelineTask | DifferentialTask
_READ = (
    *("id", "source", "key", "kind", "title", "text", "sections", "language", "rights", "retracted", "mcq", "tokens"),
    "extra",
)
_TEXT = pa.string()
ATTEMPTS = pa.schema(
    [
        *((name, _TEXT) for name in ("source", "key", "shown")),
        ("attempt", pa.int32()),
        *((name, _TEXT) for name in ("outcome", "reason", "detail", "prompt", "request")),
        ("requests", pa.list_(_TEXT)),
        ("seed", pa.int64()),
        *((name, _TEXT) for name in ("answer", "reasoning")),
        *((name, pa.int64()) for name in ("calls", "prompt_tokens", "completion_tokens")),
        ("money", pa.float64()),
    ]
)
_JOURNALS: dict[str, Journal] = {}
"""Those that this process has read: a worker does many shards, and for the next reads only what was added."""
_TABLES = {"attempts": ATTEMPTS, "rl": RL, "preferences": PREFERENCES}


class Generate:
    """Makes one kind of text from the kept documents of a run."""

    version = "2"

    def __init__(
        self, config: GenerationConfig, task: McqTask | GuidelineTask | DifferentialTask, corpus: "Corpus"
    ) -> None:
        self.name = f"generate-{task.kind}"
        self.gate: Entrance | None = None
        self.teacher = config.teacher
        self._config, self._corpus = config, corpus
        self._work = work_of(config, task)
        self.reasons = frozenset(self._work.reasons)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the lists of all files at home when a task travels to a worker."""
        return {**self.__dict__, "_corpus": None}

    def identity(self) -> dict[str, Any]:
        """Return every setting that decides what is asked and what is accepted."""
        config = self._config.identity()
        chosen = {name: config[name] for name in ("name", "seed", "profile", "teacher", "retries")}
        asked = {"prompts": [prompt.name for prompt in self._work.prompts], "wordings": WORDINGS}
        return chosen | asked | self._work.identity()

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task for each range of rows of the shards that hold documents of the named sources."""
        tasks, size = [], self._config.items_per_shard
        for record in self._corpus.with_sources(self._work.task.sources):
            ref = kept_file(record, self._corpus.root)
            for number, start in enumerate(range(0, ref.rows, size)):
                given = {"kept": (ref,), EVIDENCE: self._corpus.evidence, OLDER: self._corpus.older}
                params = {"rows": [start, min(start + size, ref.rows)]}
                tasks.append(ShardTask(f"{record.shard}-{number:04d}", given, params, self._work.task.kind))
        return tasks

    def run(self, shard: Shard) -> None:
        """Ask the teacher, judge what it says, and write what came of every item."""
        journal = _read_before(self._config.journal) or Journal(Path(self._config.journal))
        try:
            again = self._config.retries > 0 and self.teacher.url is not None
            account = self._config.name
            teacher = Teacher(self.teacher, journal, account=account, gate=self.gate, retry_failures=again)
            self.work(shard, teacher.answer_all)
        finally:
            journal.close()
        _JOURNALS[self._config.journal] = journal

    def work(self, shard: Shard, ask: Ask) -> None:
        """Do what `run` does, with answers from `ask`."""
        evidence = read_evidence(shard)
        start, end = shard.task.params["rows"]
        named = self._work.task.sources
        rows = [row for row in list(rows_of(shard, "kept", _READ))[start:end] if row["source"] in named]
        candidates = [one for row in rows for one in self._work.candidates(row, evidence)]
        waiting = [one for one in candidates if one.rejected is None]
        settled: Sequence[Settled[Any, Any]] = self._work.settle([one.item for one in waiting], ask)
        documents: list[Document] = []
        tables: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES}
        for one in candidates:
            if one.rejected is not None:
                _refuse(shard, one, one.rejected)
        for one, ended in zip(waiting, settled, strict=True):
            made = self._work.document(self._config.name, one, ended, evidence) if ended.accepted else None
            documents += [made] if made else []
            _account(shard, one, ended, made)
            tables["attempts"] += _attempts(one, ended)
            for name, more in self._work.exports(one, ended, made).items():
                tables[name] += more
        shard.write(to_table(documents) if documents else SCHEMA.empty_table())
        for name, lines in tables.items():
            if lines:
                shard.write(pa.Table.from_pylist(lines, schema=_TABLES[name]), name, below=name)


class Corpus:
    """The kept documents of a finished run at `root`, and the evidence that was gathered from them."""

    def __init__(self, root: str, kept: Sequence[ShardRecord], evidence: Manifest | None = None) -> None:
        self.root, self.kept = root, tuple(kept)
        self.evidence: tuple[FileRef, ...] = tuple(evidence.files()) if evidence else ()
        self.older: tuple[FileRef, ...] = tuple(evidence.files(OLDER)) if evidence else ()

    def with_sources(self, sources: Sequence[str]) -> list[ShardRecord]:
        """Return the shards that hold documents of any of the sources."""
        return [
            record
            for record in self.kept
            if any(name in sources and counts.records_out for name, counts in record.ledger.sources.items())
        ]


def _read_before(path: str) -> Journal | None:
    """Return the journal as the last shard of this process left it, None when there is none or its files are gone."""
    journal = _JOURNALS.pop(path, None)
    return journal if journal is not None and journal.stands() else None


def work_of(config: GenerationConfig, task: AnyTask) -> McqWork | GuidelineWork | DifferentialWork:
    """Return what does a task."""
    given: tuple[TeacherSettings, int, Profile] = (config.teacher, config.seed, config.profile)
    if isinstance(task, McqTask):
        return McqWork(task, *given)
    return GuidelineWork(task, *given) if isinstance(task, GuidelineTask) else DifferentialWork(task, *given)


def _refuse(shard: Shard, one: Candidate, why: Rejected) -> None:
    """Count an item that nothing may be made of."""
    counts = shard.count(one.row["source"])
    counts.records_in += 1
    counts.tokens_in += one.tokens
    shard.reject(one.row["source"], one.key, one.tokens, why)
    _count_strata(shard, one, why.reason)


def _account(shard: Shard, one: Candidate, ended: Settled[Any, Any], made: Document | None) -> None:
    """Count an item that was asked about, and what it cost."""
    counts = shard.count(one.row["source"])
    counts.records_in += 1
    counts.tokens_in += one.tokens
    for name, value in cost_of(ended.trials).items():
        shard.ledger.counters[f"cost|{name}"] += round(value * MICRO) if name == "money" else value
    for trial in ended.trials:
        shard.ledger.counters[f"attempts|{trial.rejected.reason if trial.rejected else 'accepted'}"] += 1
    if made is None:
        last = ended.trials[-1].rejected
        assert last is not None
        shard.reject(one.row["source"], one.key, one.tokens, Rejected(last.reason, last.detail, quarantine=True))
        _count_strata(shard, one, last.reason)
        return
    counts.records_kept += 1
    counts.tokens_kept += one.tokens
    counts.records_out += 1
    counts.tokens_out += made.tokens
    _count_strata(shard, one, "accepted")


def _count_strata(shard: Shard, one: Candidate, outcome: str) -> None:
    for name, value in {"source": one.row["source"], **one.stratum}.items():
        shard.ledger.counters[f"stratum|{name}|{value}|{outcome}"] += 1


def _attempts(one: Candidate, ended: Settled[Any, Any]) -> list[dict[str, Any]]:
    """Return a row of `ATTEMPTS` for each attempt at an item."""
    return [
        {
            "source": one.row["source"],
            "key": one.key,
            "shown": one.item.shown,
            "attempt": trial.sample,
            "outcome": "rejected" if trial.rejected else "accepted",
            "reason": trial.rejected.reason if trial.rejected else None,
            "detail": trial.rejected.detail if trial.rejected else None,
            "prompt": trial.request.prompt,
            "request": trial.request.key,
            "requests": [request.key for request, _ in trial.tests],
            "seed": trial.request.seed,
            "answer": trial.answer.text,
            "reasoning": trial.answer.reasoning,
            **cost_of([trial]),
        }
        for trial in ended.trials
    ]
