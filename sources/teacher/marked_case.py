"""Checks of the turns of a marked case: every fact is told where it is marked, and nothing is told anywhere else.

Outside marks stands who speaks, the place, and what joins, in listed words alone: no clinical word but of the place, no
number, nothing denied, no "yes" or "no", so that a question tells nothing, whatever it asks for. Not here: the words of
a mark (`fact_words`), names and dates (`identifiers`, `named`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sources.teacher.case_words import CaseWords
from sources.teacher.differential_ages import KIN, SEXED
from sources.teacher.differential_values import NUMBER_WORDS
from sources.teacher.fact_words import DENYING, Fact
from sources.teacher.idioms import without_idioms
from sources.teacher.lexicon import DISEASE, fold
from sources.teacher.marks import Mark, Marked
from sources.teacher.mentions import Reading
from sources.teacher.plain_words import CASE, is_plain
from sources.teacher.roots import Roots, words_in
from sources.teacher.tokens import Token
from sources.teacher.topics import Topics
from sources.teacher.unexplained import foreign_words, is_content, kin_in
from sources.teacher.vocabulary import clinical_roots, listed_roots, may_stand

_SAID = frozenset({"yes", "oui"})
_PRONOUNS = {"female": "she", "male": "he"}
"""Of English alone: in French a thing has one too."""
_LEAST_LETTERS = 3
_LISTED = ("ordinary", "joining", "linking", "narrating", "kin")
"""The lists of words that may stand around the marks of a case."""
_OTHER = {"female": "male", "male": "female"}


def case_faults(
    words: CaseWords, facts: Sequence[Fact], roles: Sequence[str], turns: Sequence[Marked]
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the turns of a case."""
    told = {mark.fact for turn in turns for mark in turn.marks}
    by_number = {fact.number: fact for fact in facts}
    for fact in facts:
        if fact.number not in told:
            yield ("age_changed", "0 ages") if not fact.code else ("finding_lost", fact.code)
    framed = CaseWords(replace(words.case, told=()), words.knowledge, words.language)
    for role, turn in zip(roles, turns, strict=True):
        outside = Reading(words.lexicon, without_idioms(turn.outside))
        topics = Topics(outside, turn.marks, by_number)
        yield from (fault for mark in turn.marks for fault in mark_faults(by_number, mark, whole=True, topics=topics))
        yield from _outside_faults(words, framed, outside, topics, role)
        if role == "user":
            yield from _denial_faults(words, outside)
        diseases = (m for m in outside.mentions if m.code.startswith(DISEASE))
        if any(word not in words.facts for m in diseases for word in words_in(turn.text[m.start : m.end])):
            yield "finding_invented", "a disease that no fact names"
    yield from sex_faults(words, turns)
    yield from _place_faults(words, turns)


def mark_faults(
    facts: Mapping[int, Fact], mark: Mark, *, whole: bool, topics: Topics | None = None
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the words of a mark, and of those beside it where it needs them, as its fact."""
    fact = facts.get(mark.fact)
    if fact is None:
        yield "finding_invented", f"fact {mark.fact}"
        return
    fault = fact.fault(mark.words, whole=whole)
    if fault == "finding_lost" and topics and (beside := topics.beside(mark, fact)):
        fault = fact.fault(f"{beside} {mark.words}", whole=whole)
    if fault:
        yield (fault, fact.code) if fact.code else _person_fault(fact, mark)


def _person_fault(fact: Fact, mark: Mark) -> tuple[str, str]:
    same_age = [c for c in fact.say if c.isdigit()] == [c for c in mark.words if c.isdigit()]
    return ("sex_changed", "") if same_age else ("age_changed", "1 ages")


def _outside_faults(
    words: CaseWords, framed: CaseWords, outside: Reading, topics: Topics, role: str
) -> Iterator[tuple[str, str]]:
    """Yield clinical words and numbers outside marks; `framed` are the words of the case without its findings."""
    free: tuple[str, ...] = ("ordinary",)
    if role == "user":
        found = foreign_words(framed, outside, framed.facts, clinical_roots(words.knowledge, words.language))
        unlisted = [token for token in outside.tokens if not _is_listed(framed, token)]
        foreign = [*(t.plain for t in (*found, *unlisted) if not topics.holds(t)), *kin_in(framed, outside)]
    else:
        free = ("ordinary", "reasoning")
        found = foreign_words(framed, outside, words.facts, listed_roots(words.language))
        foreign = [token.plain for token in found]
    if any(not may_stand(w, free, framed.language) and not is_plain(w, CASE, framed.language) for w in foreign):
        yield "finding_invented", "a word outside of the marks"
    place = " ".join(framed.frame())
    counting = NUMBER_WORDS[framed.language][2:] if role == "user" else ()
    if any((t.word[0].isdigit() and t.word not in place) or t.word in counting for t in outside.tokens):
        yield "number_invented", "outside of the marks"


def _is_listed(framed: CaseWords, token: Token) -> bool:
    """Say whether a word is a small one, one of the frame, or one of the lists of what tells nothing of a patient."""
    word, language = token.plain, framed.language
    if len(word) < _LEAST_LETTERS or not token.word[0].isalpha() or framed.lexicon.is_small(fold(word)):
        return True
    return word in framed.facts or is_plain(word, CASE, language) or may_stand(word, _LISTED, language)


def _denial_faults(words: CaseWords, outside: Reading) -> Iterator[tuple[str, str]]:
    """Yield what is denied, or answered with a yes or no, outside marks, and not asked."""
    asked = {token.sentence for token in outside.tokens if token.word == "?"}
    denying = words.lexicon.denying | DENYING | _SAID
    if any(token.plain in denying and token.sentence not in asked for token in outside.tokens):
        yield "negation_flipped", "a denial outside of the marks"


def sex_faults(words: CaseWords, texts: Sequence[Marked]) -> Iterator[tuple[str, str]]:
    """Yield the other sex where a text calls the patient by its nouns, or by its pronoun alone."""
    sex, spoken = words.case.patient.sex, {fold(word) for text in texts for word in words_in(text.text)}
    others = set(_PRONOUNS.values()) & spoken
    by_pronoun = words.language == "en" and others and _PRONOUNS[sex] not in others and not spoken & KIN[_OTHER[sex]]
    if by_pronoun or any(word not in words.facts for word in SEXED[_OTHER[sex]] & spoken):
        yield "sex_changed", sex


def _place_faults(words: CaseWords, turns: Sequence[Marked]) -> Iterator[tuple[str, str]]:
    """Yield a place of care that is not told with all its words, and so another or none."""
    setting, told = words.case.setting, Roots([turn.text for turn in turns], words.language)
    place = words_in(setting.name.get(words.language, "")) if setting else []
    if any(is_content(words, word, told) for word in place):
        yield "place_changed", ""
