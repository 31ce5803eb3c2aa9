"""The words by which a case may be told, as it is told by these and no others: those of its own findings and its place.

Against a whole base a word such as "bleeding" could mean many findings. Within one case, whose findings are known, it
means the one that bleeds; and a clinical word that no finding of the case holds is an invention. Words are compared by
their `roots`. Not here: which of the words a text uses (`told`, `unexplained`).
"""

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache

from sources.teacher.case import Case
from sources.teacher.knowledge import Knowledge
from sources.teacher.lexicon import Lexicon, fold, lexicon_of, stem, synonyms
from sources.teacher.patients import Observation
from sources.teacher.person import person_of
from sources.teacher.roots import Roots, root, words_in
from sources.teacher.verbalise import grammar
from sources.teacher.vocabulary import is_everyday


@lru_cache(maxsize=1 << 14)
def _stems(text: str, language: str) -> frozenset[str]:
    return frozenset(stem(fold(word), language) for word in words_in(text))


class CaseWords:
    """The words of a case in one language."""

    def __init__(self, case: Case, knowledge: Knowledge, language: str) -> None:
        self.case, self.knowledge, self.language = case, knowledge, language
        self.lexicon: Lexicon = lexicon_of(knowledge, language)

    @cached_property
    def facts(self) -> Roots:
        """Words of what is told, of who it is, and where."""
        texts = [text for one in self.case.told for text in self._texts(one)]
        return Roots([*texts, *self.frame()], self.language)

    @cached_property
    def granted(self) -> Roots:
        """The same without words that only a finding's presence would be told by, where it is absent."""
        texts = [text for one in self.case.told for text in self._texts(one, granted=True)]
        return Roots([*texts, *self.frame()], self.language)

    @cached_property
    def answer(self) -> Roots:
        """Words of an answer: those of the facts, of the ranked conditions, and of the steps that can be taken."""
        return Roots(self._answer_texts(), self.language)

    @cached_property
    def answer_stems(self) -> frozenset[str]:
        """The same as stems, for words that must not be taken for others (tuberculin, tuberculosis)."""
        return frozenset[str]().union(*(_stems(text, self.language) for text in self._answer_texts()))

    def _answer_texts(self) -> list[str]:
        return [*(text for one in self.case.told for text in self._texts(one)), *self.frame(), *self.answer_names()]

    def answer_names(self) -> list[str]:
        """Return the names of the ranked conditions, what these are also called, and the next steps."""
        return [*self.disease_names(), *self.steps()]

    def disease_names(self) -> list[str]:
        """Return the names of the ranked conditions, and what these are also called."""
        names = [one.name.get(self.language, "") for one in self.case.conditions(self.knowledge)]
        return [*names, *self._other_names(names)]

    def _other_names(self, names: list[str]) -> list[str]:
        """Return what the ranked conditions are also called."""
        plain = fold(" ".join(names))
        return [others for word, others in synonyms(self.language).items() if fold(word) in plain]

    def steps(self) -> list[str]:
        """Return the names of the next steps."""
        return [test.name.get(self.language, "") for test in self.case.next_tests(self.knowledge)]

    def frame(self) -> list[str]:
        """Return who the patient is, and the place of care."""
        patient = self.case.patient
        who = person_of(patient.age_years, patient.sex, grammar(self.language), self.language).who
        return [who, *([self.case.setting.name.get(self.language, "")] if self.case.setting else [])]

    @cached_property
    def own(self) -> dict[str, Roots]:
        """Roots by which, in this case, one finding alone is known: its code to those that no other has.

        Everyday words are among them only where a finding has no others.
        """
        texts = {one.code: [*self.called(one.code), *self._values(one)] for one in self.case.told}
        spoken = {code: self._content(own) for code, own in texts.items()}
        place = Roots(self.frame(), self.language)
        others = {
            code: Roots([text for other, own in texts.items() if other != code for text in own], self.language)
            for code in texts
        }
        own = {}
        for code, roots in spoken.items():
            alone = {one for one in roots if not others[code].holds(one) and not place.holds(one)}
            telling = {one for one in alone if not is_everyday(one, self.language)}
            own[code] = Roots(telling or alone, self.language)
        return own

    @cached_property
    def names(self) -> dict[str, Roots]:
        """Roots by which, among the ranked conditions, one alone is named: its code to those that no other has."""
        named = {one.code: one.name.get(self.language, "") for one in self.case.conditions(self.knowledge)}
        spoken = {code: self._content([name]) for code, name in named.items()}
        others = {code: Roots([name for at, name in named.items() if at != code], self.language) for code in named}
        return {
            code: Roots((one for one in roots if not others[code].holds(one)), self.language)
            for code, roots in spoken.items()
        }

    def _content(self, texts: Iterable[str]) -> set[str]:
        words = [word for text in texts for word in words_in(text)]
        return {root(word, self.language) for word in words if not self.lexicon.is_small(fold(word))}

    def called(self, code: str) -> list[str]:
        """Return all that a finding is called by, but for its question and values."""
        return self.knowledge.evidences[code].called(self.language) if code in self.knowledge.evidences else []

    def _values(self, one: Observation) -> list[str]:
        values = self.knowledge.evidences[one.code].values
        return [values.get(value, {}).get(self.language, "") for value in one.values]

    def _texts(self, one: Observation, granted: bool = False) -> Iterator[str]:
        evidence = self.knowledge.evidences[one.code]
        if granted and not one.present:
            yield from (*evidence.denied(self.language), *self._values(one))  # a value may be what denies: nowhere
            return
        yield from (*self.called(one.code), *self.called(evidence.about), *self._values(one))
        yield from (evidence.question.get(self.language, ""), evidence.unit)
