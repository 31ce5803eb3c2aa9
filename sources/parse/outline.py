"""Markdown being written block by block, with the sections that its headings open.

Formats that are trees of fields rather than pages (JSON, YAML, FHIR) are written through this: headings as deep as the
tree, paragraphs, and nested items. Nothing is dropped here but a heading under which nothing came.
"""

from sources.parse.html_markdown import sections_of
from sources.parse.part import Section

MAX_HEADING = 6


class Outline:
    """Blocks of Markdown in order. Levels of headings count from 1 and may exceed 6, which is all Markdown can show."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._marks: list[tuple[int, int, str]] = []

    def is_empty(self) -> bool:
        """Say whether nothing was added."""
        return not self._blocks

    def size(self) -> int:
        """Return how many blocks there are."""
        return len(self._blocks)

    def add(self, text: str) -> None:
        """Append a block, unless it is empty."""
        if text:
            self._blocks.append(text)

    def add_item(self, text: str, depth: int = 0) -> None:
        """Append an item of a list, `depth` lists within another; items that follow one another stand line on line."""
        if not text:
            return
        indent = "  " * depth
        item = f"{indent}- " + text.replace("\n", f"\n{indent}  ")
        if self._blocks and self._blocks[-1].lstrip().startswith("- ") and not self._is_heading(len(self._blocks) - 1):
            self._blocks[-1] += f"\n{item}"
        else:
            self._blocks.append(item)

    def add_heading(self, level: int, words: str) -> None:
        """Open a section."""
        line = " ".join(words.split())
        self._marks.append((len(self._blocks), level, line))
        self._blocks.append(f"{'#' * min(level, MAX_HEADING)} {line}")

    def drop_heading(self) -> None:
        """Take back the last heading when nothing was added under it."""
        if self._marks and self._is_heading(len(self._blocks) - 1):
            self._blocks.pop()
            self._marks.pop()

    def _is_heading(self, index: int) -> bool:
        return bool(self._marks) and self._marks[-1][0] == index

    def finish(self) -> tuple[str, list[Section]]:
        """Return the text and its sections, paths from the outermost heading."""
        starts: list[int] = []
        at = 0
        for block in self._blocks:
            starts.append(at)
            at += len(block) + 2
        text = "\n\n".join(self._blocks)
        return text, sections_of([(level, words, starts[first]) for first, level, words in self._marks], len(text))
