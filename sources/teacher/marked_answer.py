"""Checks of the parts of a marked answer: each disease is walked in its turn, dangers are named, steps are those given.

The ranked list is no part of what a teacher writes, so it cannot be wrong. Findings that an answer speaks of are
marked, and told rightly there; outside marks stand none, whether the case has them or not, no disease that is not
ranked, no number but those of names, and nothing is claimed of the patient that the case denies. Not here: the case
itself (`marked_case`).
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sources.teacher.blocks import Blocks
from sources.teacher.case_words import CaseWords
from sources.teacher.claims import claims
from sources.teacher.differential_answer import named_conditions
from sources.teacher.fact_words import Fact
from sources.teacher.idioms import without_idioms
from sources.teacher.lexicon import DISEASE, OTHER, fold
from sources.teacher.marked_case import mark_faults, sex_faults
from sources.teacher.marks import Mark, Marked
from sources.teacher.mentions import Reading
from sources.teacher.odds import tells_odds
from sources.teacher.plain_words import ANSWER, is_plain
from sources.teacher.roots import Roots, words_in
from sources.teacher.steps import step_faults
from sources.teacher.unexplained import foreign_words, kin_in
from sources.teacher.vocabulary import clinical_roots, is_everyday, may_stand

_DISEASE_LIKE = re.compile(
    r"\b(?=\w*[A-Z]\w*[A-Z])[A-Z][A-Za-z]+\b|\b\w{3,}(?:osis|itis|a?emia|pathy|virus|omas?|oses?|ites?|[ée]mies?|pathies?|omes?)\b"
)
"""An abbreviation, or a word with the end of a disease's name, which may be one that no base knows."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?(?:\s?%)?")
_DENIAL = re.compile(r"\b(?:(?:lack|absence) of|without|(?:absence|manque) d(?:e|['’])|sans)\s*$", re.IGNORECASE)


class Parts(NamedTuple):
    """An answer without its ranked list: the number of a disease with what is said of it, and two paragraphs."""

    walk: tuple[tuple[int, Marked], ...]
    danger: Marked
    next: Marked

    @property
    def all(self) -> list[Marked]:
        """Return the paragraphs, empty ones left out."""
        every = [*(text for _, text in self.walk), self.danger, self.next]
        return [one for one in every if one.text.strip()]

    @property
    def text(self) -> str:
        """Return them as one text."""
        return "\n\n".join(one.text.strip() for one in self.all)

    @property
    def outside(self) -> str:
        """Return the same without what is marked."""
        return "\n\n".join(one.outside.strip() for one in self.all)


def answer_part_faults(words: CaseWords, facts: Sequence[Fact], parts: Parts) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with an answer."""
    blocks = Blocks(Reading(words.lexicon, parts.text))
    outside = {one: Reading(words.lexicon, without_idioms(one.outside)) for one in (*parts.all, parts.danger)}
    by_number = {fact.number: fact for fact in facts}
    yield from (
        fault
        for one in parts.all
        for mark in one.marks
        for fault in mark_faults(by_number, _with_denial(one.text, mark), whole=False)
    )
    yield from sex_faults(words, parts.all)
    yield from _walk_faults(words, [(number, outside.get(one)) for number, one in parts.walk])
    for code in sorted(set(named_conditions(words, blocks)) - {code for code, _ in words.case.gold}):
        yield "disease_added", code
    yield from _danger_faults(words, facts, parts.danger, outside[parts.danger])
    yield from step_faults(words, Blocks(Reading(words.lexicon, parts.outside)))
    for one in parts.all:
        own = [*words.disease_names(), *words.frame(), *(words.steps() if one is parts.next else ())]
        yield from _outside_faults(words, outside[one], own)


def _with_denial(text: str, mark: Mark) -> Mark:
    """Return a mark with the denial that stands right before it: "the lack of [6: any convulsions]"."""
    denial = _DENIAL.search(text[: mark.start])
    return mark._replace(words=f"{denial[0]} {mark.words}") if denial else mark


def _outside_faults(words: CaseWords, outside: Reading, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield findings, diseases, numbers and claims outside marks.

    Beside words of `names`, of diseases and among steps of these, none stands there by which a base or a list tells a
    finding, be it one of the case: that belongs in marks.
    """
    language, case = words.language, words.case
    own, numbers = Roots(names, language), {number for name in names for number in _NUMBER.findall(name)}
    known = clinical_roots(words.knowledge, language)
    foreign = [
        *(token.plain for token in foreign_words(words, outside, own, known)),
        *(word for word in kin_in(words, outside) if word not in own),
    ]
    named = [m for m in outside.mentions if m.code == DISEASE + OTHER]
    if any(match[0] not in own and not _is_idle(words, match[0]) for match in _DISEASE_LIKE.finditer(outside.text)):
        yield "disease_added", "what no name or step holds"
    if any(word not in own for m in named for word in words_in(outside.text[m.start : m.end])):
        yield "disease_added", "one that is not ranked"
    if not all(_may_weigh(word, language) for word in foreign):
        yield "finding_invented", "a word of the answer that no fact holds"
    if tells_odds(outside, language) or not numbers.issuperset(_NUMBER.findall(outside.text)):
        yield "number_invented", "in the answer"
    for claim in claims(outside):
        if claim.code in case.present | case.absent:
            if claim.present != (claim.code in case.present):
                yield "negation_flipped", claim.code
        elif claim.present and any(w not in words.answer for w in words_in(outside.text[claim.start : claim.end])):
            yield "finding_invented", claim.code


def _may_weigh(word: str, language: str) -> bool:
    """Say whether a word may stand outside of an answer's marks, though a base tells findings by it."""
    return may_stand(word, ("ordinary", "linking", "weighing"), language) or is_plain(word, ANSWER, language)


def _is_idle(words: CaseWords, word: str) -> bool:
    """Say whether a word is none of clinical language."""
    small = words.lexicon.is_small(fold(word)) or is_everyday(word, words.language)
    return small or _may_weigh(word, words.language) or may_stand(word, ("joining", "narrating"), words.language)


def _walk_faults(words: CaseWords, walk: Sequence[tuple[int, Reading | None]]) -> Iterator[tuple[str, str]]:
    """Yield diseases that are not walked, or out of their turn; each is named where its number stands."""
    gold = [code for code, _ in words.case.gold]
    for at, code in enumerate(gold, 1):
        if not any(number == at and text and _is_named(code, text) for number, text in walk):
            yield "disease_lost", code
    if [number for number, _ in walk] != list(range(1, len(gold) + 1)):
        yield "differential_reordered", "the walk"


def _danger_faults(
    words: CaseWords, facts: Sequence[Fact], danger: Marked, outside: Reading
) -> Iterator[tuple[str, str]]:
    told = {mark.fact for mark in danger.marks}
    number_of = {fact.code: fact.number for fact in facts}
    for condition in words.case.severe(words.knowledge):
        if not _is_named(condition.code, outside):
            yield "red_flag_missing", condition.code
        for code in condition.red_flags:
            if code in words.case.present and number_of[code] not in told:
                yield "red_flag_missing", code


def _is_named(code: str, text: Reading) -> bool:
    """Say whether a text names a ranked condition, by all words of its name: half a name may be another's."""
    return any(mention.code == DISEASE + code for mention in text.mentions)
