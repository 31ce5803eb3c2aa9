"""Marks in what a teacher tells: `[3: a late period]` says that these words tell fact 3.

With marks a text need not be understood to be checked: of each fact it is known which words tell it, and what stands
outside must tell nothing. They are taken out before anybody trains on the text. Not here: what must stand in a mark
(`fact_words`) and around it (`marked_case`, `marked_answer`).
"""

import re
from typing import NamedTuple

_MARK = re.compile(r"\[(\d+)\s?:\s*([^\[\]]*?)\s*\]")
_BRACKET = re.compile(r"[\[\]]")


class Mark(NamedTuple):
    """The words that tell a fact, at [start, end) of the text without marks."""

    fact: int
    words: str
    start: int
    end: int


class Marked(NamedTuple):
    """A text without its marks, and where they were."""

    text: str
    marks: tuple[Mark, ...]

    @property
    def outside(self) -> str:
        """The text with a comma and blanks for all that was marked: same places, and no word next to another's."""
        text = self.text
        for mark in self.marks:
            text = text[: mark.start] + ",".ljust(mark.end - mark.start) + text[mark.end :]
        return text


def unmark(marked: str) -> Marked | None:
    """Return a text without its marks, None when a bracket is left over or a mark is empty."""
    parts: list[str] = []
    marks: list[Mark] = []
    at = length = 0
    for match in _MARK.finditer(marked):
        before, words = marked[at : match.start()], match[2]
        if not words:
            return None
        start = length + len(before)
        marks.append(Mark(int(match[1]), words, start, start + len(words)))
        parts += [before, words]
        at, length = match.end(), start + len(words)
    text = "".join(parts) + marked[at:]
    return None if _BRACKET.search(text) else Marked(text, tuple(marks))
