"""Words outside marks that name what a mark beside them tells of: "As for the ribs, [5: no fullness under them]".

They are words of the fact that is marked in the same sentence, so they invent nothing; and with them a mark may be
whole ("The breathing is [2: fast for the age]"). Not here: denials outside marks, which are none of a topic's.
"""

from collections.abc import Mapping, Sequence

from sources.teacher.fact_words import Fact
from sources.teacher.marks import Mark
from sources.teacher.mentions import Reading
from sources.teacher.tokens import Token


class Topics:
    """The facts that each sentence of a text tells in marks; `outside` is the text without these."""

    def __init__(self, outside: Reading, marks: Sequence[Mark], facts: Mapping[int, Fact]) -> None:
        self._outside = outside
        self._sentence = {mark: _sentence_at(outside, mark.start) for mark in marks}
        self._facts: dict[int, list[Fact]] = {}
        for mark in marks:
            if (fact := facts.get(mark.fact)) and fact.code:
                self._facts.setdefault(self._sentence[mark], []).append(fact)

    def holds(self, token: Token) -> bool:
        """Say whether a word outside marks is one of a fact that its sentence tells."""
        return any(token.plain in fact.words for fact in self._facts.get(token.sentence, ()))

    def beside(self, mark: Mark, fact: Fact) -> str:
        """Return the words of a fact that stand outside marks in the sentence of its mark."""
        here = self._sentence[mark]
        own = (t for t in self._outside.tokens if t.sentence == here and t.word[0].isalpha())
        return " ".join(token.plain for token in own if token.plain in fact.words)


def _sentence_at(outside: Reading, place: int) -> int:
    """Return the sentence of a place; a mark between digits ("1[2: a]5") leaves no comma there, but a decimal."""
    return max((token.sentence for token in outside.tokens if token.start <= place), default=0)
