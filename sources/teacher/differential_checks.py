"""Check that a rendering of a case says what the case holds, no more and no less; by whoever it was written.

Evidences are matched back from the text (`mentions`), so a teacher must use words of the base or its terms; what it
calls otherwise counts as lost, which costs an item and never lets a wrong one through. Each fault has a reason
(`sources.parse.reasons`) and a detail with codes, never text. Not here: numbers and persons (`differential_values`),
the answer (`differential_answer`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from sources.teacher.case import Case
from sources.teacher.differential_answer import answer_faults
from sources.teacher.differential_values import identifier_faults, number_faults, person_faults, value_faults
from sources.teacher.knowledge import Knowledge
from sources.teacher.lexicon import Lexicon, fold, lexicon_of
from sources.teacher.mentions import Mention, Reading
from sources.teacher.verbalise import Rendering

REASONS = frozenset(
    {
        *("finding_lost", "finding_invented", "negation_flipped", "value_changed", "number_invented", "age_changed"),
        *("sex_changed", "identifier", "length", "disease_added", "disease_lost", "differential_reordered"),
        *("probability_changed", "red_flag_missing", "beyond_resources", "next_step_missing"),
    }
)
_YES, _NO = {"en": "yes", "fr": "oui"}, {"en": "no", "fr": "non"}
_CASE_WORDS = (4, 2, 80, 60)
"""Words of a case: at least 4 and 2 a finding, at most 80 and 60 a finding."""
_ANSWER_WORDS = (20, 2500)


class Fault(NamedTuple):
    """One thing that is wrong."""

    reason: str
    detail: str = ""


def check(case: Case, knowledge: Knowledge, rendering: Rendering) -> list[Fault]:
    """Return what is wrong with a rendering, nothing when it is faithful."""
    lexicon = lexicon_of(knowledge, rendering.language)
    readings = [Reading(lexicon, content) for _, content in rendering.turns]
    answer = Reading(lexicon, rendering.answer)
    told = told_in(lexicon, rendering.turns, readings, case.present | (knowledge.evidences.keys() - case.absent))
    found = [
        *_finding_faults(case, knowledge, told),
        *value_faults(case, knowledge, rendering.language, readings),
        *number_faults(case, knowledge, rendering.language, readings),
        *person_faults(case, rendering.language, readings, answer),
        *_answer_finding_faults(case, answer),
        *answer_faults(case, knowledge, rendering.language, answer),
        *identifier_faults([*rendering.turns, ("assistant", rendering.answer)]),
        *_length_faults(case, rendering),
    ]
    return list(dict.fromkeys(Fault(*one) for one in found))


def told_in(
    lexicon: Lexicon, turns: Sequence[tuple[str, str]], readings: Sequence[Reading], valued: frozenset[str]
) -> list[Mention]:
    """Return what the turns tell of evidences; a bare yes or no answers the one question before it.

    The words of a value tell of those among `valued`. Places count from the beginning of the first turn.
    """
    told: list[Mention] = []
    shift = 0
    for at, ((role, _), reading) in enumerate(zip(turns, readings, strict=True)):
        said = [m for m in reading.mentions if m.present is not None and not m.supposed]
        own = [m for m in said if m.is_evidence]
        own += [replace(m, code=m.value_of) for m in said if m.value_of in valued]
        if role == "user" and at:
            own += _short_answer(lexicon, reading, readings[at - 1], own)
        told += [replace(m, start=m.start + shift, end=m.end + shift) for m in own]
        shift += len(reading.text)
    return told


def _short_answer(lexicon: Lexicon, answer: Reading, question: Reading, own: list[Mention]) -> list[Mention]:
    first = answer.tokens[0].word if answer.tokens else ""
    language = lexicon.language
    asked = [mention for mention in question.mentions if mention.is_evidence and mention.present is None]
    said = {mention.code for mention in own}
    if first not in (_YES[language], _NO[language]) or not asked or said & {mention.code for mention in asked}:
        return []
    longest = max(mention.end - mention.start for mention in asked)
    present = first == _YES[language]
    return [Mention(m.code, present, 0, len(first), -1) for m in asked if m.end - m.start == longest]


def _finding_faults(case: Case, knowledge: Knowledge, told: list[Mention]) -> Iterator[tuple[str, str]]:
    """Yield findings that are not told, or are told the other way; a first pregnancy tells that there is one."""
    states: dict[str, set[bool | None]] = {}
    for mention in told:
        states.setdefault(mention.code, set()).add(mention.present)
    implied = {knowledge.evidences[m.code].about for m in told if m.present and m.code in case.present}
    for one in case.told:
        said = states.get(one.code) or ({True} if one.code in implied else set())
        if not said:
            yield "finding_lost", one.code
        elif (one.present and said == {False}) if one.values else said != {one.present}:
            yield "negation_flipped", one.code
    yield from _invented(case, told)


def _answer_finding_faults(case: Case, answer: Reading) -> Iterator[tuple[str, str]]:
    told = [m for m in answer.mentions if m.is_evidence and m.present is not None and not m.supposed]
    valued = {one.code for one in case.told if one.values}
    for mention in told:
        known = mention.code in case.present | case.absent and mention.code not in valued
        if known and mention.present != (mention.code in case.present):
            yield "negation_flipped", mention.code
    yield from _invented(case, told)


def _invented(case: Case, told: list[Mention]) -> Iterator[tuple[str, str]]:
    """Yield evidences that the case does not hold; words that also tell one that it does are no invention."""
    known = case.present | case.absent
    explained = [(m.start, m.end) for m in told if m.code in known]
    for mention in told:
        within = any(start <= mention.start and mention.end <= end for start, end in explained)
        if mention.code not in known and not within:
            yield "finding_invented", mention.code


def _length_faults(case: Case, rendering: Rendering) -> Iterator[tuple[str, str]]:
    least, each, most, each_most = _CASE_WORDS
    words, findings = len(fold(rendering.case_text).split()), len(case.told)
    if not least + each * findings <= words <= most + each_most * findings:
        yield "length", f"the case has {words} words for {findings} findings"
    words = len(rendering.answer.split())
    if not _ANSWER_WORDS[0] <= words <= _ANSWER_WORDS[1]:
        yield "length", f"the answer has {words} words"
