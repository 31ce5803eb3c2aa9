"""A text as words and marks, each with its place and the sentence that it stands in.

A sentence ends at a full stop, a question or exclamation mark, a semicolon or the end of a line; a number keeps its
decimals. Not here: what the words mention (`mentions`).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from sources.teacher.lexicon import fold

_TOKEN = re.compile(r"[^\W_]+(?:[.,]\d+)?|[.!?;\n,]")
_STOPS = frozenset(".!?;\n")


class Token(NamedTuple):
    """A word, folded, or a mark, with its place; `sentence` counts them; `plain` keeps accents: "né" is no "ne"."""

    word: str
    plain: str
    start: int
    end: int
    sentence: int


_SIGNS = {
    "en": ((r"<\s*(?=\d)", "less than "), (r">\s*(?=\d)", "more than "), (r"≥\s*(\d+ \w+)", r"\1 or more")),
    "fr": ((r"<\s*(?=\d)", "moins de "), (r">\s*(?=\d)", "plus de "), (r"≥\s*(\d+ \w+)", r"\1 ou plus")),
}


def spelled(text: str, language: str) -> str:
    """Return a text with signs of comparison before numbers in words, as a base has them."""
    for sign, words in _SIGNS[language]:
        text = re.sub(sign, words, text)
    return text


def tokens_of(text: str) -> Iterator[Token]:
    """Yield the words and marks of a text."""
    sentence = 0
    for match in _TOKEN.finditer(text):
        word = match[0]
        yield Token(fold(word), word.casefold(), match.start(), match.end(), sentence)
        if word in _STOPS:
            sentence += 1
