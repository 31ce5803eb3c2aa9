"""Cut documents into passages: what a teacher is shown, each with the id of its document and where it stands in it.

A passage is one stretch of the text of one section, whole paragraphs of it as far as they fit; a longer paragraph is
cut between sentences, and only a sentence longer than a passage is cut at a space. So `text[start:end]` of the document
is the passage, to the character. Stretches of a few words (headings, captions) hold no evidence and are passed over;
passages that speak to a model are left out and counted (`injection`). Not here: finding passages (`retrieve`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sources.teacher.injection import speaks_to_a_model

MOST_CHARS = 1200
LEAST_CHARS = 60
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE = re.compile(r"(?<=[.!?;:|])\s+")


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch [start, end) in code points of a document's text; `path` is that of its section, outermost first."""

    document: str
    start: int
    end: int
    title: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The passages of a document, and how many were left out, by the family of what they said to a model."""

    passages: tuple[Passage, ...]
    left_out: Mapping[str, int]


def cut(row: Mapping[str, Any]) -> Cut:
    """Return the passages of a document, in its order; `row` has `id`, `title`, `text` and `sections`."""
    text = str(row["text"])
    kept: list[Passage] = []
    left_out: dict[str, int] = {}
    for path, first, last in _stretches(text, row["sections"] or []):
        for start, end in _windows(text, first, last):
            said = speaks_to_a_model(text[start:end])
            if said:
                left_out[said] = left_out.get(said, 0) + 1
            elif end - start >= LEAST_CHARS:
                kept.append(Passage(row["id"], start, end, row["title"] or "", path, text[start:end]))
    return Cut(tuple(kept), left_out)


def sections_in(row: Mapping[str, Any]) -> Iterator[Passage]:
    """Yield the sections of a document as passages of any length, blank ones left out."""
    text = str(row["text"])
    for path, first, last in _stretches(text, row["sections"] or []):
        for start, end in _trimmed(text, first, last):
            yield Passage(row["id"], start, end, row["title"] or "", path, text[start:end])


def _stretches(text: str, sections: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int, int]]:
    """Yield (path, start, end) so that each character is in one stretch, under the last section that begins before."""
    opened = sorted((max(0, one["start"]), one["path"]) for one in sections if one["start"] < len(text))
    marks = [(0, ""), *opened, (len(text), "")]
    for (start, path), (end, _) in pairwise(marks):
        if start < end:
            yield path, start, end


def _windows(text: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield stretches of at most `MOST_CHARS`, trimmed of blanks at both ends."""
    begin = end = first
    for start, stop in _pieces(text, first, last):
        if end > begin and stop - begin > MOST_CHARS:
            yield from _trimmed(text, begin, end)
            begin = start
        end = stop
    yield from _trimmed(text, begin, end)


def _pieces(text: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield paragraphs, long ones as sentences, long sentences as stretches that end at a space where there is one."""
    for start, stop in _split(_PARAGRAPH, text, first, last):
        sentences = [(start, stop)] if stop - start <= MOST_CHARS else _split(_SENTENCE, text, start, stop)
        for low, high in sentences:
            while high - low > MOST_CHARS:
                space = text.rfind(" ", low + 1, low + MOST_CHARS)
                middle = space if space > low else low + MOST_CHARS
                yield low, middle
                low = middle
            yield low, high


def _split(mark: re.Pattern[str], text: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    at = first
    for found in mark.finditer(text, first, last):
        yield at, found.start()
        at = found.end()
    yield at, last


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
