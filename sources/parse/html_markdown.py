"""Chosen blocks to one Markdown text with its sections.

Paragraphs stand apart by an empty line; items of one list and terms with their definitions follow line on line.
A section runs from its heading to the next heading of any level, and its path names the headings above it. Not
here: any change to the words.
"""

from collections.abc import Iterable

from sources.parse.html_blocks import Block
from sources.parse.part import Section

PATH_SEPARATOR = " > "
_TIGHT = ("item", "definition")


def markdown(blocks: Iterable[Block]) -> tuple[str, list[Section]]:
    """Return the text of `blocks`, in order, and the sections that its headings open."""
    pieces: list[str] = []
    opened: list[tuple[int, str, int]] = []
    length = 0
    previous = ""
    for block in blocks:
        gap = "" if not pieces else "\n" if block.kind == previous and block.kind in _TIGHT else "\n\n"
        length += len(gap)
        if block.kind == "heading":
            opened.append((block.level, block.text, length))
        text = _written(block)
        pieces += [gap, text]
        length += len(text)
        previous = block.kind
    return "".join(pieces), sections_of(opened, length)


def _written(block: Block) -> str:
    if block.kind == "heading":
        return f"{'#' * block.level} {block.text}"
    if block.kind == "item":
        indent = " " * len(block.prefix)
        return block.prefix + block.text.replace("\n", "\n" + indent)
    return block.prefix + block.text


def sections_of(opened: list[tuple[int, str, int]], end: int) -> list[Section]:
    """Return the sections that headings, given as (level, title, start) in order, open in a text that ends at `end`."""
    sections = []
    above: list[tuple[int, str]] = []
    starts = [start for _, _, start in opened] + [end]
    for index, (level, title, start) in enumerate(opened):
        above = [(other, name) for other, name in above if other < level]
        above.append((level, title))
        sections.append(Section(PATH_SEPARATOR.join(name for _, name in above), start, starts[index + 1]))
    return sections
