"""Check that a rendering of a case says what the case holds, no more and no less; by whoever it was written.

What the turns tell is read back (`mentions`, `told`), and a clinical word that no fact of the case holds is an
invention (`unexplained`); of the answer only what it claims of the patient counts (`claims`). What is said too freely
is refused, which costs an attempt. Each fault has a reason (`sources.parse.reasons`) and a detail of codes, never text.
Not here: numbers (`differential_values`), persons (`differential_ages`, `identifiers`, `named`), the answer
(`differential_answer`).
"""

from collections.abc import Iterator
from importlib.metadata import version
from typing import NamedTuple

from pipelines.engine.hashing import digest
from sources.teacher.case import Case
from sources.teacher.case_words import CaseWords
from sources.teacher.claims import claims
from sources.teacher.differential_ages import person_faults
from sources.teacher.differential_answer import answer_faults
from sources.teacher.differential_values import number_faults, value_faults
from sources.teacher.identifiers import identifier_faults
from sources.teacher.knowledge import Knowledge
from sources.teacher.lexicon import DISEASES, RESOURCES, WORDS, fold
from sources.teacher.mentions import Mention, Reading
from sources.teacher.named import named_faults
from sources.teacher.plain_words import PLAIN_WORDS
from sources.teacher.roots import words_in
from sources.teacher.tokens import spelled
from sources.teacher.told import told_in
from sources.teacher.unexplained import unexplained_faults
from sources.teacher.verbalise import Rendering
from sources.teacher.vocabulary import VOCABULARY

REASONS = frozenset(
    {
        *("finding_lost", "finding_invented", "negation_flipped", "value_changed", "number_invented", "age_changed"),
        *("sex_changed", "identifier", "length", "disease_added", "disease_lost", "differential_reordered"),
        *("probability_changed", "red_flag_missing", "beyond_resources", "next_step_missing", "next_step_invented"),
    }
)
VERSION = "7"
"""Raised when the checks judge otherwise: it decides which differentials become documents, the grammar's and a
teacher's."""
_CASE_WORDS = (4, 2, 80, 60)
"""Words of a case: at least 4 and 2 a finding, at most 80 and 60 a finding."""
_ANSWER_WORDS = (20, 2500)


class Fault(NamedTuple):
    """One thing that is wrong."""

    reason: str
    detail: str = ""


def checks_identity() -> dict[str, str]:
    """Return what decides which renderings pass: the version of the checks, their words and the dictionary of forms."""
    files = (WORDS, RESOURCES, DISEASES, VOCABULARY, PLAIN_WORDS)
    words = digest([file.read_text(encoding="utf-8") for file in files])
    return {"checks": VERSION, "words": words, "forms": version("simplemma")}


def check(case: Case, knowledge: Knowledge, rendering: Rendering) -> list[Fault]:
    """Return what is wrong with a rendering, nothing when it is faithful."""
    words = CaseWords(case, knowledge, rendering.language)
    readings = [Reading(words.lexicon, spelled(content, rendering.language)) for _, content in rendering.turns]
    answer = Reading(words.lexicon, rendering.answer)
    roles = [role for role, _ in rendering.turns]
    told = told_in(words, roles, readings)
    found = [
        *_finding_faults(words, told, "".join(reading.text for reading in readings)),
        *unexplained_faults(words, roles, readings),
        *value_faults(case, knowledge, rendering.language, readings),
        *number_faults(case, knowledge, rendering.language, readings),
        *person_faults(case, rendering.language, readings, answer),
        *named_faults(words, rendering.turns),
        *_claim_faults(case, words, answer),
        *answer_faults(words, answer),
        *identifier_faults([*rendering.turns, ("assistant", rendering.answer)], words.answer),
        *length_faults(case, rendering),
    ]
    return list(dict.fromkeys(Fault(*one) for one in found))


def _finding_faults(words: CaseWords, told: list[Mention], text: str) -> Iterator[tuple[str, str]]:
    """Yield findings that are not told, or are told the other way; a first pregnancy tells that there is one."""
    case, evidences = words.case, words.knowledge.evidences
    states: dict[str, set[bool | None]] = {}
    for mention in told:
        states.setdefault(mention.code, set()).add(mention.present)
    implied = {evidences[m.code].about for m in told if m.present and m.code in case.present}
    for one in case.told:
        said = states.get(one.code) or ({True} if one.code in implied else set())
        if not said:
            yield "finding_lost", one.code
        elif (one.present and said == {False}) if one.values else said != {one.present}:
            yield "negation_flipped", one.code
    for code in _invented(words, told, text):
        yield "finding_invented", code


def _claim_faults(case: Case, words: CaseWords, answer: Reading) -> Iterator[tuple[str, str]]:
    """Yield what the answer claims of the patient against the case; shorter names of what is told are no invention.

    That something is not there of which nothing was told ("no cough was reported") may be remarked.
    """
    valued = {one.code for one in case.told if one.values}
    for claim in claims(answer):
        if claim.code in case.present | case.absent:
            if claim.code not in valued and claim.present != (claim.code in case.present):
                yield "negation_flipped", claim.code
        elif claim.present and any(word not in words.answer for word in words_in(answer.text[claim.start : claim.end])):
            yield "finding_invented", claim.code


def _invented(words: CaseWords, told: list[Mention], text: str) -> Iterator[str]:
    """Yield evidences that the case does not hold; words that also tell one that it does are no invention."""
    known = words.case.present | words.case.absent
    explained = [(m.start, m.end) for m in told if m.code in known]
    for mention in told:
        within = any(start <= mention.start and mention.end <= end for start, end in explained)
        own = words_in(text[mention.start : mention.end])
        if mention.code not in known and not within and not (own and all(word in words.facts for word in own)):
            yield mention.code


def length_faults(case: Case, rendering: Rendering) -> Iterator[tuple[str, str]]:
    """Yield a case or an answer that is too short to hold what it must, or far too long."""
    least, each, most, each_most = _CASE_WORDS
    words, findings = len(fold(rendering.case_text).split()), len(case.told)
    if not least + each * findings <= words <= most + each_most * findings:
        yield "length", f"the case has {words} words for {findings} findings"
    words = len(rendering.answer.split())
    if not _ANSWER_WORDS[0] <= words <= _ANSWER_WORDS[1]:
        yield "length", f"the answer has {words} words"
