"""Differentials that a teacher tells: the case and the reasoning in its words, the ranking from the base alone.

An item is a differential that the grammar told and a run kept. The teacher gets its facts as JSON, numbered, with the
words that the checks know for each, and marks in what it writes which words tell which fact. The marks are checked
against the case and taken out; the ranked list is added here, by nobody's hand. So what is told differs from the floor
in wording, and in nothing else. Not here: how facts become a case again (`told_case`), and what the checks look for
(`marked_checks`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pipelines.engine.stage import Rejected
from sources.teacher import attempts, checks
from sources.teacher.answers import read_record
from sources.teacher.case import Case
from sources.teacher.differential_checks import REASONS as CHECK_REASONS
from sources.teacher.fact_words import Fact, facts_of
from sources.teacher.knowledge import Knowledge
from sources.teacher.marked_answer import Parts
from sources.teacher.marked_checks import check_marked
from sources.teacher.marks import unmark
from sources.teacher.patients import Observation
from sources.teacher.person import person_of
from sources.teacher.plain_words import ANSWER, CASE, plain_words
from sources.teacher.prompt import boundary, fenced, fill, load_prompt
from sources.teacher.reasoning import percent_words
from sources.teacher.request import Attempt, Request, make_request
from sources.teacher.sample_patients import rng_of
from sources.teacher.settings import TeacherSettings
from sources.teacher.verbalise import Rendering, Speaker, nominal, said, value_words

TELL = load_prompt("differential-tell", 3)
_TERMS_SHOWN = 8
"""Other words of a fact that a teacher is shown, drawn for each case; all that the base has are understood."""
REASONS = attempts.REASONS | CHECK_REASONS | {"wrong_turns", "marks_broken", "place_changed"}
_LANGUAGES = {"en": "English", "fr": "French"}
_FORMS = {
    "conversation": "a conversation in which the clinician asks and the patient tells the case",
    "vignette": "a short vignette of the case, in one or two paragraphs",
    "note": "a case note as a health worker writes it at the bedside, in short lines",
}
_TURNS = {
    "conversation": 'the clinician is "assistant", the patient "user"; they take turns, and the patient has the last.',
    "vignette": 'just one, of "user", which ends by asking for a ranked differential diagnosis.',
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Turn(_Model):
    """One thing that is said before the answer."""

    role: Literal["user", "assistant"]
    content: str


class Walked(_Model):
    """What is said of one disease, by its number in the ranked list."""

    disease: int
    text: str


class Told(_Model):
    """What the teacher writes, with marks."""

    turns: list[Turn]
    walk: list[Walked]
    danger: str
    next: str


@dataclass(frozen=True, slots=True)
class ToldCase:
    """A case to be told in a form and a language; `floor` is how the grammar told it."""

    id: str
    case: Case
    form: str
    language: str
    floor: str

    @property
    def shown(self) -> str:
        """How the grammar tells it, for whoever looks at samples."""
        return self.floor


class TellDifferential:
    """A `Maker` of differentials in a teacher's words."""

    def __init__(self, teacher: TeacherSettings, seed: int, knowledge: Knowledge) -> None:
        self._teacher, self._seed, self._knowledge = teacher, seed, knowledge

    def first(self, item: ToldCase, sample: int) -> Request:
        """Ask for the case and its answer."""
        attempt = Attempt(self._seed, f"differential/{item.id}", sample)
        facts = json.dumps(facts_shown(item, self._knowledge), ensure_ascii=False, indent=1)
        mark = boundary([facts], *attempt)
        values = {
            "mark": mark,
            "form": _FORMS[item.form],
            "turns": _TURNS.get(item.form, _TURNS["vignette"]),
            "language": _LANGUAGES[item.language],
            "case_words": ", ".join(plain_words(CASE, item.language)),
            "answer_words": ", ".join(plain_words(ANSWER, item.language)),
            "facts": fenced("facts", facts, mark),
        }
        return make_request(
            self._teacher, fill(TELL, values), attempt, prompt=TELL.name, schema=Told.model_json_schema()
        )

    def read(self, item: ToldCase, answer: str) -> Rendering | Rejected:
        """Return a rendering that says what the case holds, no more and no less, or the first thing that is wrong."""
        told = read_record(answer, Told)
        if told is None:
            return Rejected("schema_invalid")
        if not _takes_turns([turn.role for turn in told.turns], item.form):
            return Rejected("wrong_turns", f"{len(told.turns)} turns of a {item.form}")
        turns, parts = [unmark(turn.content.strip()) for turn in told.turns], parts_of(told)
        if parts is None or None in turns:
            return Rejected("marks_broken")
        unmarked = [turn for turn in turns if turn is not None]
        said = tuple((turn.role, one.text) for turn, one in zip(told.turns, unmarked, strict=True))
        for role, content in (*said, ("assistant", parts.text)):
            if fault := checks.prose_fault(content, by_patient=role == "user"):
                return Rejected(fault)
        ranked = "\n".join(ranked_lines(item, self._knowledge))
        rendering = Rendering(item.form, item.language, said, f"{parts.text}\n\n{ranked}")
        facts = facts_told(item, self._knowledge)
        faults = check_marked(item.case, self._knowledge, rendering, facts, (unmarked, parts))
        return Rejected(faults[0].reason, faults[0].detail) if faults else rendering

    def tests(self, item: ToldCase, draft: Rendering, sample: int) -> list[Request]:
        """Ask nothing more: what is told is read back against the case."""
        return []

    def passes(self, item: ToldCase, draft: Rendering, sample: int, answers: Sequence[str]) -> Rejected | None:
        """Pass what could be read."""
        return None


def _takes_turns(roles: Sequence[str], form: str) -> bool:
    """Say whether a conversation goes to and fro and ends with the patient, and other forms are one turn."""
    if form != "conversation":
        return list(roles) == ["user"]
    expected = ["user" if (len(roles) - at) % 2 else "assistant" for at in range(len(roles))]
    return len(roles) > 1 and list(roles) == expected


def parts_of(told: Told) -> Parts | None:
    """Return the parts of an answer without their marks, None when these are broken."""
    walk = [(one.disease, unmark(one.text)) for one in told.walk]
    danger, following = unmark(told.danger), unmark(told.next)
    kept = tuple((number, text) for number, text in walk if text is not None)
    return Parts(kept, danger, following) if danger and following and len(kept) == len(walk) else None


def facts_told(item: ToldCase, knowledge: Knowledge) -> list[Fact]:
    """Return the facts of a case, numbered as the teacher is shown them: who it is, what is there, what is absent."""
    case, language = item.case, item.language
    speaker = Speaker(case, language, 0)
    who = person_of(case.patient.age_years, case.patient.sex, speaker.words, language).who
    in_order = sorted(case.told, key=lambda one: not one.present)
    in_person = item.form == "conversation"
    shown = [(one, *_say(knowledge, speaker, one, in_person=in_person)) for one in in_order]
    return facts_of(knowledge, language, who, shown)


def facts_shown(item: ToldCase, knowledge: Knowledge) -> Mapping[str, Any]:
    """Return what the teacher is told of a case, in the words of the base and its terms."""
    case, language = item.case, item.language
    severe = case.severe(knowledge)
    flags = {code for condition in severe for code in condition.red_flags}
    patient, *facts = facts_told(item, knowledge)
    return {
        "patient": {"fact": patient.number, "say": patient.say},
        "place": case.setting.name.get(language, "") if case.setting else "",
        "present": [_shown(item, knowledge, fact) for fact in facts if fact.present],
        "absent": [_shown(item, knowledge, fact) for fact in facts if not fact.present],
        "dangers": [condition.name.get(language, condition.code) for condition in severe],
        "warning_signs": [fact.number for fact in facts if fact.present and fact.code in flags],
        "next_steps": [test.name.get(language, "") for test in case.next_tests(knowledge)],
        "ranked": ranked_lines(item, knowledge),
    }


def ranked_lines(item: ToldCase, knowledge: Knowledge) -> list[str]:
    """Return the differential as it ends every answer, a condition a line."""
    case, words = item.case, Speaker(item.case, item.language, 0).words
    ranked = zip(case.conditions(knowledge), case.gold, strict=True)
    return [
        words["line"][0].format(
            n=n, name=condition.name.get(item.language, condition.code), percent=percent_words(words, probability)
        )
        for n, (condition, (_, probability)) in enumerate(ranked, 1)
    ]


def _shown(item: ToldCase, knowledge: Knowledge, fact: Fact) -> dict[str, Any]:
    """Return a fact as it may be told: its clause, or other words where they say all of it, and its value apart."""
    shown: dict[str, Any] = {"fact": fact.number, "say": fact.say}
    if fact.values:
        return shown | {"with": fact.values}
    evidence = knowledge.evidences[fact.code]
    known = (*evidence.terms.get(item.language, ()), *evidence.sayings.get(item.language, ()))
    plain = [term for term in known if not fact.lexicon.is_denied(term)]
    others = rng_of("terms", item.id, fact.code).sample(plain, min(len(plain), _TERMS_SHOWN))
    return shown | ({"or": others} if others else {})


def _say(knowledge: Knowledge, speaker: Speaker, one: Observation, *, in_person: bool) -> tuple[str, str]:
    """Return how an observation is told, and its values in words."""
    evidence, language = knowledge.evidences[one.code], speaker.language
    own = said(evidence, one, language, first=True) if in_person else ""
    values = value_words(evidence, one, language) if one.present else ""
    return own or said(evidence, one, language) or nominal(speaker, evidence, one), values
