"""Differentials told anew by a teacher, as what a shard does with them: kept renderings to cases, and their documents.

Not here: other kinds of generation (`works`), and what is asked (`tell_differential`).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.engine.stage import Rejected
from sources.document import Document
from sources.rights import Profile, Rights
from sources.teacher import eligible, told_case
from sources.teacher.attempts import Ask, Settled, settle
from sources.teacher.differential_checks import checks_identity
from sources.teacher.evidence import Evidence
from sources.teacher.exports import telling_rows
from sources.teacher.knowledge import Knowledge
from sources.teacher.knowledge_files import folder_of_knowledge, load_knowledge
from sources.teacher.made import told_document
from sources.teacher.settings import TeacherSettings
from sources.teacher.tasks import DifferentialTask
from sources.teacher.tell_differential import REASONS, TELL, TellDifferential, ToldCase
from sources.teacher.verbalise import Rendering
from sources.teacher.works import Candidate


class DifferentialWork:
    """Differentials of the run, told in the teacher's words."""

    prompts = (TELL,)
    reasons = REASONS | {*eligible.REASONS, *told_case.REASONS}

    def __init__(self, task: DifferentialTask, teacher: TeacherSettings, seed: int, profile: Profile) -> None:
        """Raise ConfigError when there is no such base."""
        self.task, self._teacher, self._seed, self._profile = task, teacher, seed, profile
        self._folder = folder_of_knowledge(task.knowledge, Path())

    def __getstate__(self) -> dict[str, Any]:
        """Leave the base at home when a task travels to a worker, which reads it once for all its tasks."""
        return {name: value for name, value in self.__dict__.items() if name not in ("knowledge", "maker")}

    @cached_property
    def knowledge(self) -> Knowledge:
        """The base."""
        return load_knowledge(self._folder)

    @cached_property
    def maker(self) -> TellDifferential:
        """What asks and judges."""
        return TellDifferential(self._teacher, self._seed, self.knowledge)

    def identity(self) -> dict[str, Any]:
        """Return what decides bytes: the base, and the checks with the words by which a text is read back."""
        return self.task.identity() | {"knowledge": self.knowledge.sha256} | checks_identity()

    def candidates(self, row: Mapping[str, Any], evidence: Evidence) -> Iterator[Candidate]:
        """Yield the one case of a row."""
        facts = told_case.facts_in(row)
        why = told_case.why_not_told(facts, self.knowledge) or eligible.why_not_shown(row, self._profile)
        form = facts["form"] if facts else "none"
        stratum = {"form": form, "language": row["language"] or "unknown"}
        known = (row, row["key"], row["tokens"], stratum)
        if facts is None or why:
            yield Candidate(*known, rejected=Rejected(str(why)))
        else:
            yield Candidate(*known, item=told_case.told_case(row, facts, self.knowledge))

    def settle(self, items: list[ToldCase], ask: Ask) -> Sequence[Settled[ToldCase, Rendering]]:
        """Return what became of each item."""
        return settle(self.maker, items, self.task.attempts, ask)

    def document(self, source: str, one: Candidate, settled: Settled[Any, Any], evidence: Evidence) -> Document:
        """Return the document of an accepted telling."""
        assert settled.accepted is not None
        return told_document(source, one.row, [Rights(**one.row["rights"])], settled.accepted)

    def exports(self, one: Candidate, settled: Settled[Any, Any], made: Document | None) -> Mapping[str, list[Any]]:
        """Return preference pairs of answers to one case; the gold is a ranking, for which no letter stands."""
        return {"preferences": telling_rows(one.row, settled, made)}
