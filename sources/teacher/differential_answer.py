"""Checks of an answer: the ranked list is the gold, dangers are pointed out, and next steps are such as the setting
has.

The ranked list is the last run of numbered lines, else the order in which conditions are first named. Dangers must
stand in a paragraph that says so ("red flags", "urgent"): every condition of severity 2 or worse, by name or by a
warning sign of its own, and every warning sign of theirs that the patient has. A test above the setting's level is
allowed in a sentence that refers the patient. Not here: what the answer says of findings (`differential_checks`).
"""

import re
from collections.abc import Iterator

from sources.teacher.case import Case
from sources.teacher.knowledge import LEVELS, Knowledge
from sources.teacher.lexicon import DISEASE, TEST, fold
from sources.teacher.mentions import Mention, Reading

_LINE = re.compile(r"^[ \t>*-]*(\d+)[.):]\s*(.+)$", re.MULTILINE)
_PERCENT = re.compile(r"(\d+(?:[.,]\d+)?)\s?%")
_ALARM = {
    "en": re.compile(
        r"red flag|danger|warning|urgent|emergenc|kill|life.threat|not (?:to )?(?:be )?(?:miss|overlook)|at once"
        r"|immediate|alarm"
    ),
    "fr": re.compile(
        r"alerte|danger|gravite|urgen|menac|vital|ne (?:pas|jamais) manquer|mortel|attention|aussitot|immediat|alarm"
    ),
}
_REFERRAL = {
    "en": re.compile(r"\b(?:refer|transfer|evacuat|send (?:him|her|them|the patient) )"),
    "fr": re.compile(r"\b(?:refer|transfer|evacu|orienter)"),
}
_ELSEWHERE = {
    "en": re.compile(r"\b(?:not available|unavailable|not at hand)"),
    "fr": re.compile(r"\b(?:indisponible|non disponible|pas disponible)"),
}
_UNDER = re.compile(r"\b(?:under|below|less than|moins de) \d|<\s?\d")
_OVER = re.compile(r"\b(?:over|above|more than|plus de) \d|>\s?\d")
_ROUNDING_PERCENT = 0.51
_BOUND_PERCENT = 1.0
"""A share may be told as under 1% or over 99%, but "over 39%" says nothing of one of 99.9%."""


def answer_faults(case: Case, knowledge: Knowledge, language: str, answer: Reading) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with an answer."""
    yield from _differential_faults(case, answer)
    yield from _danger_faults(case, knowledge, language, answer)
    yield from _step_faults(case, language, answer)


def _differential_faults(case: Case, answer: Reading) -> Iterator[tuple[str, str]]:
    gold = [code for code, _ in case.gold]
    lines = ranked_lines(answer)
    ranked = [_disease_in(answer, *span) for _, span in lines] or _as_named(answer)
    listed = [code for code in ranked if code]
    if "" in ranked:
        yield "disease_added", "a line of the list names no condition of the base"
    for code in sorted({*listed, *_as_named(answer)} - set(gold)):
        yield "disease_added", code
    for code in gold:
        if code not in listed:
            yield "disease_lost", code
    common = [code for code in gold if code in listed]
    if [code for code in dict.fromkeys(listed) if code in gold] != common:
        yield "differential_reordered", ""
    probabilities = dict(case.gold)
    for code, (text, _) in zip(ranked, lines, strict=False):
        said = _PERCENT.search(text)
        if code in probabilities and said:
            said_percent, share = float(said[1].replace(",", ".")), probabilities[code] * 100
            plain = _plain(text)
            right = abs(said_percent - share) <= _ROUNDING_PERCENT
            if _UNDER.search(plain) or _OVER.search(plain):
                above = said_percent - share if _UNDER.search(plain) else share - said_percent
                right = 0 < above <= _BOUND_PERCENT
            if not right:
                yield "probability_changed", code


def ranked_lines(answer: Reading) -> list[tuple[str, tuple[int, int]]]:
    """Return the last run of numbered lines, 1, 2, ..., each with its place."""
    runs: list[list[tuple[str, tuple[int, int]]]] = []
    for match in _LINE.finditer(answer.text):
        if match[1] == "1" or not runs:
            runs.append([])
        runs[-1].append((match[2], match.span(2)))
    return runs[-1] if runs else []


def _disease_in(answer: Reading, start: int, end: int) -> str:
    """Return the condition that is named first in a stretch of the answer, empty when none is."""
    named = [m for m in answer.mentions if m.code.startswith(DISEASE) and start <= m.start < end]
    return named[0].code.removeprefix(DISEASE) if named else ""


def _as_named(answer: Reading) -> list[str]:
    """Return the conditions in the order in which they are first named, but for those within a finding or a test."""
    others = [(m.start, m.end) for m in answer.mentions if not m.code.startswith(DISEASE)]
    named = [
        mention.code.removeprefix(DISEASE)
        for mention in answer.mentions
        if mention.code.startswith(DISEASE) and not any(s <= mention.start and mention.end <= e for s, e in others)
    ]
    return list(dict.fromkeys(named))


def _danger_faults(case: Case, knowledge: Knowledge, language: str, answer: Reading) -> Iterator[tuple[str, str]]:
    alarming = [
        (match.start(), match.end())
        for match in re.finditer(r"[^\n]+", answer.text)
        if _ALARM[language].search(_plain(match[0]))
    ]
    near = [m for m in answer.mentions if any(start <= m.start < end for start, end in alarming)]
    pointed_out = {m.value_of or m.code for m in near}
    for condition in case.severe(knowledge):
        if DISEASE + condition.code not in pointed_out and not pointed_out & set(condition.red_flags):
            yield "red_flag_missing", condition.code
        for code in condition.red_flags:
            if code in case.present and code not in pointed_out:
                yield "red_flag_missing", code


def _step_faults(case: Case, language: str, answer: Reading) -> Iterator[tuple[str, str]]:
    highest = LEVELS.index(case.setting.level) if case.setting else len(LEVELS) - 1
    told = [(m.start, m.end) for m in answer.mentions if m.code in case.present | case.absent]
    tests = [
        mention
        for mention in answer.mentions
        if mention.code.startswith(TEST)
        and not any(start <= mention.start and mention.end <= end for start, end in told)  # had a caesarean before
    ]
    for mention in tests:
        level = mention.code.removeprefix(TEST)
        if LEVELS.index(level) > highest and not _refers(answer, mention, language):
            yield "beyond_resources", level
    asks = "?" in answer.text
    if not tests and not asks and not _REFERRAL[language].search(_plain(answer.text)):
        yield "next_step_missing", ""


def _refers(answer: Reading, mention: Mention, language: str) -> bool:
    start, end = answer.sentence(mention.sentence)
    before, whole = _plain(answer.text[start : mention.start]), _plain(answer.text[start:end])
    return bool(_REFERRAL[language].search(before) or _ELSEWHERE[language].search(whole))


def _plain(text: str) -> str:
    return fold(text)
