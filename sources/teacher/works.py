"""The kinds of generation, as what a shard does with them: rows to items, settled items to documents and exports.

Each says which rows it takes, why it refuses others before a call is paid for, and what it writes beside accepted
documents. Not here: the shard, the account and the journal (`generation`), what is asked (`mcq`, `guideline_qa`), and
differentials (`works_differential`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.engine.stage import Rejected
from sources.document import Document, estimate_tokens
from sources.rights import Profile, Rights
from sources.teacher import eligible, guideline_qa, mcq
from sources.teacher.attempts import Ask, Settled, settle
from sources.teacher.evidence import Evidence
from sources.teacher.exports import preference_rows, rl_row
from sources.teacher.guideline_qa import AskGuideline, Grounded, Section, sections_of
from sources.teacher.made import asked_document, enriched_document, tally
from sources.teacher.mcq import Enriched, EnrichMcq, Question, shown, why_no_question
from sources.teacher.settings import TeacherSettings
from sources.teacher.tasks import GuidelineTask, McqTask

NO_EVIDENCE = "no_evidence"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item of a row, or why the row (or a part of it) gives none; `stratum` is what the report counts it under."""

    row: Mapping[str, Any]
    key: str
    tokens: int
    stratum: Mapping[str, str]
    item: Any = None
    rejected: Rejected | None = None


class McqWork:
    """Questions enriched from the run's own evidence."""

    prompts = (mcq.ENRICH, mcq.CHOOSE)
    reasons = mcq.REASONS | {
        *eligible.REASONS,
        NO_EVIDENCE,
        "no_question",
        "no_gold",
        "several_gold",
        "malformed_question",
    }

    def __init__(self, task: McqTask, teacher: TeacherSettings, seed: int, profile: Profile) -> None:
        self.task, self._profile = task, profile
        self.maker = EnrichMcq(teacher, seed, task.orders)

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide bytes."""
        return self.task.identity()

    def candidates(self, row: Mapping[str, Any], evidence: Evidence) -> Iterator[Candidate]:
        """Yield the one question of a row."""
        stratum = {"subject": (row["mcq"] or {}).get("subject") or "unknown", "language": row["language"] or "unknown"}
        facts = (row, row["key"], row["tokens"], stratum)
        why = why_no_question(row["mcq"]) or eligible.why_not_shown(row, self._profile, evidence.superseded)
        if why:
            yield Candidate(*facts, rejected=Rejected(why))
            return
        given = row["mcq"]
        query = shown(given["question"], given["options"])
        passages = evidence.bears_on(query, Rights(**row["rights"]), self.task.passages)
        if not passages:
            yield Candidate(*facts, rejected=Rejected(NO_EVIDENCE))
            return
        item = Question(row["id"], given["question"], tuple(given["options"]), given["gold"][0], tuple(passages))
        yield Candidate(*facts, item=item)

    def settle(self, items: list[Question], ask: Ask) -> Sequence[Settled[Question, Enriched]]:
        """Return what became of each item."""
        return settle(self.maker, items, self.task.attempts, ask)

    def document(self, source: str, one: Candidate, settled: Settled[Any, Any], evidence: Evidence) -> Document:
        """Return the document of an accepted enrichment."""
        assert settled.accepted is not None
        rights = [Rights(**one.row["rights"]), *(evidence.rights[p.document] for p in settled.item.passages)]
        return enriched_document(source, one.row, rights, tally(self.maker, settled), settled.accepted)

    def exports(self, one: Candidate, settled: Settled[Any, Any], made: Document | None) -> Mapping[str, list[Any]]:
        """Return rows for reinforcement learning and for preference training, by the name of their table."""
        counted = tally(self.maker, settled)
        return {"rl": [rl_row(one.row, settled, counted)], "preferences": preference_rows(one.row, settled, made)}


class GuidelineWork:
    """Questions from sections of guidelines."""

    prompts = (guideline_qa.WRITE, guideline_qa.CHECK)
    reasons = guideline_qa.REASONS | {*eligible.REASONS, *guideline_qa.SECTION_REASONS}

    def __init__(self, task: GuidelineTask, teacher: TeacherSettings, seed: int, profile: Profile) -> None:
        self.task, self._profile = task, profile
        self.maker = AskGuideline(teacher, seed)

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide bytes."""
        return self.task.identity()

    def candidates(self, row: Mapping[str, Any], evidence: Evidence) -> Iterator[Candidate]:
        """Yield an item for each section and form of a row; those of a document that may not be shown are refused."""
        hidden = eligible.why_not_shown(row, self._profile, evidence.superseded)
        for passage, why in sections_of(row, (self.task.least_chars, self.task.most_chars)):
            for form in self.task.forms:
                item = Section(passage, form)
                key = f"{row['key']}#{passage.start}/{form}"
                stratum = {"form": form, "language": row["language"] or "unknown"}
                facts = (row, key, estimate_tokens(passage.text), stratum)
                reason = hidden or why
                yield Candidate(*facts, rejected=Rejected(reason)) if reason else Candidate(*facts, item=item)

    def settle(self, items: list[Section], ask: Ask) -> Sequence[Settled[Section, Grounded]]:
        """Return what became of each item."""
        return settle(self.maker, items, self.task.attempts, ask)

    def document(self, source: str, one: Candidate, settled: Settled[Any, Any], evidence: Evidence) -> Document:
        """Return the document of an accepted question."""
        assert settled.accepted is not None
        return asked_document(source, one.row, [Rights(**one.row["rights"])], settled.accepted)

    def exports(self, one: Candidate, settled: Settled[Any, Any], made: Document | None) -> Mapping[str, list[Any]]:
        """Return nothing: there is no gold answer that a reward or a preference could stand on."""
        return {}
