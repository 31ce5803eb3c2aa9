"""A text as words and marks, each with its place and the sentence that it stands in.

A sentence ends at a full stop, a question or exclamation mark, a semicolon or the end of a line; a number keeps its
decimals. Not here: what the words mention (`mentions`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sources.teacher.lexicon import fold

_TOKEN = re.compile(r"[^\W_]+(?:[.,]\d+)?|[.!?;\n,]")
_STOPS = frozenset(".!?;\n")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, folded, or a mark, with its place; `sentence` counts them; `plain` keeps accents: "né" is no "ne"."""

    word: str
    plain: str
    start: int
    end: int
    sentence: int


def tokens_of(text: str) -> Iterator[Token]:
    """Yield the words and marks of a text."""
    sentence = 0
    for match in _TOKEN.finditer(text):
        word = match[0]
        yield Token(fold(word), word.casefold(), match.start(), match.end(), sentence)
        if word in _STOPS:
            sentence += 1
