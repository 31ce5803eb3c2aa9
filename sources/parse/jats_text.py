"""Blocks of Markdown to one text with its sections: the last step of the JATS parser.

The walk gives a flat list of blocks: paragraphs, lists, tables as plain strings, and `Heading`s. Here they are
joined by blank lines and each stretch under a heading becomes a `Section` with its path and offsets. Not here:
anything about XML.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from sources.parse.part import Section

MAX_MARKS = 6
GAP = "\x1f"
"""Stands for an element that printed nothing until its line is whole; XML has no such character, and it is space."""
_BLANKS = re.compile("  +")
_GAP_BETWEEN = re.compile(r"\x1f(?<![\s(\[]\x1f)\x1f*(?!\s|[.,;:)\]](?!\d)|\Z)")


class Heading(NamedTuple):
    """A heading `depth` sections deep (0 = top, written `##`); an empty title only ends the sections below it."""

    depth: int
    title: str


Block = str | Heading


def tidy(text: str) -> str:
    """Return `text` with each run of XML white space as one blank; other Unicode spaces are kept as they are."""
    if "\n" in text:
        text = text.replace("\n", " ")
    if "\t" in text:
        text = text.replace("\t", " ")
    if "\r" in text:
        text = text.replace("\r", " ")
    if "  " in text:
        text = _BLANKS.sub(" ", text)
    return text.strip(" ")


def close_gaps(text: str) -> str:
    """Return `text` with a blank for each gap between two signs, so that `5` and `10` beside a picture stay two.

    After an opening bracket, and before a stop or closing bracket that no digit follows, a gap leaves nothing.
    """
    return _GAP_BETWEEN.sub(" ", text).replace(GAP, "")


def flat(blocks: Iterable[Block]) -> list[str]:
    """Return blocks for a place that has no sections (list, box, cell): headings become bold lines."""
    return [
        block if isinstance(block, str) else f"**{block.title}**"
        for block in blocks
        if isinstance(block, str) or block.title
    ]


def assemble(title: str, blocks: Iterable[Block], body_name: str) -> tuple[str, list[Section]]:
    """Return the text and its sections, in order and apart; text under no heading is in section `body_name`."""
    pieces = [f"# {title}"] if title else []
    starts: list[tuple[str, int]] = []
    ends: list[int] = []
    position = len(pieces[0]) if pieces else 0
    path: list[str] = []
    started = False
    for block in blocks:
        if isinstance(block, Heading):
            path = [*path[: block.depth], block.title] if block.title else path[: block.depth]
            started = False
            if not block.title:
                continue
            block = f"{'#' * min(block.depth + 2, MAX_MARKS)} {block.title}"
        start = position + 2 if pieces else 0
        position = start + len(block)
        pieces.append(block)
        if started:
            ends[-1] = position
        else:
            starts.append((" > ".join(path) or body_name, start))
            ends.append(position)
            started = True
    sections = [Section(name, start, end) for (name, start), end in zip(starts, ends, strict=True)]
    return "\n\n".join(pieces), sections
