"""The facts of a case as a teacher is shown them, numbered, and whether the words in a mark tell one of them.

Fact 0 is who the patient is. The words of a mark must be those of the fact: of one of its wordings all that tells
something, every word and number of its values, and nothing beyond these but small words; and they must say that it is
there, or is not, as the case has it. Not here: what may stand around marks (`marked_case`, `marked_answer`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sources.teacher.differential_ages import SEXED
from sources.teacher.differential_values import NUMBER_WORDS
from sources.teacher.knowledge import Evidence, Knowledge
from sources.teacher.lexicon import Lexicon, fold, lexicon_of
from sources.teacher.patients import Observation
from sources.teacher.roots import Roots, lemma, root, words_in
from sources.teacher.tokens import spelled
from sources.teacher.vocabulary import is_everyday, may_stand, vocabulary

_OF_AGE = frozenset({"aged", "age", "agee", "old", "sexe", "sex"})
"""Words of a person that may be left out ("a man of 61 years")."""
_YEARS, _OTHER_UNITS = frozenset({"year", "an"}), re.compile(r"\b(?:month|week|day|mois|semaine|jour)", re.IGNORECASE)
"""And the unit of an age, where no other is named ("a man aged 61")."""
_PERSONS = frozenset[str]().union(*SEXED.values())
_LEAST_LETTERS = 2
_NO_LACK = re.compile(r"\b(?:no|not|without|pas|sans|aucune?)\s+(?:any\s+|de\s+)?(?:lack|manque)\b", re.IGNORECASE)
_ONLY = re.compile(r"\bn(?:e |['’])(?:(?!pas|plus|jamais|ni\b)\w+ ){1,3}?(?=qu(?:e\b|['’]))", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


class Wording(NamedTuple):
    """One way to say that an evidence is there, or is not."""

    text: str
    present: bool
    denied: bool
    """It holds a denial itself."""
    whole: bool = False
    """Only all of its words tell it, everyday ones too: clothes, loose."""


class _Said(NamedTuple):
    wording: Wording
    every: frozenset[str]
    telling: frozenset[str]


@dataclass(frozen=True)
class Fact:
    """A fact of a case in one language: `say` is shown, `values` must be told, `wordings` are its other names."""

    number: int
    code: str
    present: bool
    say: str
    values: str
    wordings: tuple[Wording, ...]
    knowledge: Knowledge
    lexicon: Lexicon

    def fault(self, words: str, *, whole: bool) -> str:
        """Return why words do not tell this fact, empty when they do; but for `whole` a part of them is enough."""
        language = self.lexicon.language
        plain = _in_digits(spelled(words.replace("non plus", "non"), language), language)
        spoken = self._roots(plain)
        sayings = self._sayings(spoken, whole=whole)
        if any(not self._may_say(word, sayings) for word in words_in(plain)):
            return "value_changed" if self.values else "finding_invented"
        numbers = set(_NUMBER.findall(plain))
        if numbers - self._numbers or (whole and set(_NUMBER.findall(_in_digits(self.values, language))) - numbers):
            return "value_changed"
        spared = _OF_AGE if self.code or _OTHER_UNITS.search(plain) else _OF_AGE | _YEARS
        if whole and not self._roots(self.values) - spared <= spoken:
            return "value_changed"
        if any(other <= spoken for other in self._other_values):
            return "value_changed"
        return self._polarity_fault(plain, spoken, whole=whole)

    def _polarity_fault(self, plain: str, spoken: frozenset[str], *, whole: bool) -> str:
        """Return why words do not say it, or say it the other way, by the wordings of which most is said."""
        told = [one for one in self._said if one.telling <= spoken]
        if not told and whole and not (self.values and self._is_bare):
            return "finding_lost"
        told = told or [one for one in self._said if one.every & spoken]
        if not told and not spoken & self._roots(self.values):
            return "finding_lost"
        denied = is_denied(self.lexicon, plain)
        most = max((len(one.every & spoken) for one in told), default=0)
        closest = [one.wording for one in told if len(one.every & spoken) == most]
        meant = {one.present == (one.denied == denied) for one in closest} or {not denied}
        return "" if self.present in meant else "negation_flipped"

    @cached_property
    def _said(self) -> list[_Said]:
        """The wordings with their roots, and those that tell something: everyday words where there are no others."""
        found = []
        for one in self.wordings:
            every = self._roots(one.text)
            telling = self._roots(" ".join(w for w in words_in(one.text) if self._is_telling(w)))
            found.append(_Said(one, every, every if one.whole or not telling else frozenset(telling)))
        return [one for one in found if one.every]

    @property
    def _is_bare(self) -> bool:
        """Say whether its values alone tell it, as its clause holds everyday words only (has been ill for)."""
        return not any(self._is_telling(word) for word in words_in(self.wordings[0].text))

    @cached_property
    def _other_values(self) -> list[frozenset[str]]:
        """The roots of values of its evidence that this fact has not, but for those within the values that it has."""
        own, language = self._roots(self.values), self.lexicon.language
        given = self.knowledge.evidences[self.code].values.values() if self.values and self.code else ()
        others = (self._roots(words[language]) for words in given if language in words)
        return [other for other in others if other and not other <= own]

    @cached_property
    def _numbers(self) -> set[str]:
        texts = (self.say, self.values, *(one.text for one in self.wordings))
        return {n for text in texts for n in _NUMBER.findall(_in_digits(text, self.lexicon.language))}

    @cached_property
    def words(self) -> Roots:
        """The words of all that it is called by, and of its values, but for its sayings."""
        texts = (one.text for one in self.wordings if not one.whole)
        return Roots([self.say, self.values, *texts], self.lexicon.language)

    def _sayings(self, spoken: frozenset[str], *, whole: bool) -> Roots:
        """Return the words of the sayings that are told; by itself "hard" is a quality that nobody gave."""
        told = (one.wording.text for one in self._said if one.wording.whole and (not whole or one.every <= spoken))
        return Roots(told, self.lexicon.language)

    def _may_say(self, word: str, sayings: Roots) -> bool:
        """Say whether a word may stand among those of this fact: one of its own, or one that joins them."""
        language, folded = self.lexicon.language, fold(word)
        if len(folded) < _LEAST_LETTERS or word in self.words or self.words.has_kin_of(word) or word in sayings:
            return True
        if not self.code:
            return folded not in _PERSONS
        if folded in vocabulary(language)["joining"] or (folded in DEGREES and not DEGREES.isdisjoint(self.words.own)):
            return True
        if may_stand(word, ("quality", "kin"), language):
            return False
        return self.lexicon.is_small(folded) or folded in DENYING or may_stand(word, ("joining",), language)

    def _is_telling(self, word: str) -> bool:
        language = self.lexicon.language
        idle = is_everyday(word, language) or may_stand(word, ("ordinary",), language)
        return not idle and not self.lexicon.is_small(fold(word))

    def _roots(self, text: str) -> frozenset[str]:
        plain = _in_digits(text, self.lexicon.language)
        words = [w for w in words_in(plain) if not self.lexicon.is_small(fold(w)) and fold(w) not in DENYING]
        return frozenset(root(lemma(word, self.lexicon.language), self.lexicon.language) for word in words)


DEGREES = frozenset("very great strong tres grand grande fort forte".split())  # noqa: SIM905
"""Words of a high degree, folded, and their roots: one stands for another ("very tired", "great tiredness")."""
DENYING = frozenset(
    "non nil negative negatif absent absente absents absentes free nothing rien lack lacks lacking manque"  # noqa: SIM905
    " unchanged inchange inchangee kept preserved intact garde gardee conserve conservee preserve preservee".split()
)
"""Words that deny in a mark, folded, beside those of the lexicon, which also deny beyond one."""


def is_denied(lexicon: Lexicon, text: str) -> bool:
    """Say whether words hold a denial; "ne ... que" is none, nor is "no lack"."""
    text = _NO_LACK.sub(" ", _ONLY.sub(" ", text))
    return lexicon.is_denied(text) or any(fold(word) in DENYING for word in words_in(text))


def facts_of(knowledge: Knowledge, language: str, who: str, say: Sequence[tuple[Observation, str, str]]) -> list[Fact]:
    """Return the facts of a case; `say` has each observation as it is shown, and its values in words."""
    lexicon = lexicon_of(knowledge, language)
    facts = [Fact(0, "", True, who, who, (Wording(who, True, False),), knowledge, lexicon)]
    for number, (one, shown, values) in enumerate(say, 1):
        own = [Wording(shown.replace(values, " ") if values else shown, one.present, is_denied(lexicon, shown))]
        wordings = (*own, *wordings_of(knowledge.evidences[one.code], lexicon, terms=not values))
        facts.append(Fact(number, one.code, one.present, shown, values, wordings, knowledge, lexicon))
    return facts


def wordings_of(evidence: Evidence, lexicon: Lexicon, *, terms: bool) -> list[Wording]:
    """Return all that an evidence is called by in a language; its terms may hold other values than a case has."""
    language, first = lexicon.language, evidence.first_person
    there = [evidence.topic, evidence.present, first.get("present", {})]
    gone = [evidence.absent, first.get("absent", {})]
    texts = [(one[language], True) for one in there if language in one]
    texts += [(one[language], False) for one in gone if language in one]
    texts += [(text, True) for text in evidence.terms.get(language, ()) if terms or len(words_in(text)) == 1]
    texts += [(text, False) for text in evidence.terms.get(f"{language}-absent", ()) if terms]
    sayings = evidence.sayings.get(language, ()) if terms else ()
    return [
        *(Wording(text, present, is_denied(lexicon, text)) for text, present in texts),
        *(Wording(text, True, is_denied(lexicon, text), whole=True) for text in sayings),
    ]


def _in_digits(text: str, language: str) -> str:
    """Return a text with number words as digits."""
    known = {word: str(n) for n, word in enumerate(NUMBER_WORDS[language]) if n > 1}
    return re.sub(r"[^\W\d_]+", lambda word: known.get(fold(word[0]), word[0]), text)
