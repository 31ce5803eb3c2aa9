"""Lines of rendered wikitext to HTML blocks: paragraphs, nested lists, definitions.

Wikitext tells its blocks by how lines begin and by empty lines between them. The renderer marks list signs, and puts
blocks that are finished (tables, headings, quotations) aside under a number, so that this pass need not look into them.
Not here: what a line holds (`wikitext`).
"""

import re

MARK = "\x01"
"""Before each list sign at the beginning of a line."""
ASIDE = "\x02"
"""Around the number of a finished block."""
MAX_NESTING = 30
"""Lists within lists that are shown; deeper ones stand at this depth."""
_ASIDE = re.compile(f"{ASIDE}(\\d+){ASIDE}")
_SIGNS = re.compile(f"(?:{MARK}[*#:;] *)+")
_LISTS = {"*": ("ul", "li"), "#": ("ol", "li"), ":": ("dl", "dd"), ";": ("dl", "dt")}


class Lines:
    """HTML being made of lines: the paragraph and the lists that are open."""

    def __init__(self, aside: list[str]) -> None:
        self._aside = aside
        self._html: list[str] = []
        self._paragraph: list[str] = []
        self._signs = ""

    def run(self, text: str) -> str:
        """Return the HTML of all lines."""
        for line in text.split("\n"):
            pieces = _ASIDE.split(line)
            for at, piece in enumerate(pieces):
                if at % 2:
                    self._flush(keep_lists=bool(self._signs) and not piece)
                    self._html.append(self._aside[int(piece)])
                elif piece.strip() or len(pieces) == 1:
                    self._line(piece)
        self._flush()
        return "".join(self._html)

    def _line(self, line: str) -> None:
        signs = _SIGNS.match(line)
        if signs:
            self._item(signs[0].replace(MARK, "").replace(" ", "")[:MAX_NESTING], line[signs.end() :])
        elif line.strip():
            self._close("")
            self._paragraph.append(line.strip().replace(MARK, ""))
        else:
            self._flush()

    def _item(self, signs: str, words: str) -> None:
        """Open and close lists until those of `signs` are open, and begin an item of the innermost one."""
        self._end_paragraph()
        same = 0
        while same < min(len(signs), len(self._signs)) and _kind(signs[same]) == _kind(self._signs[same]):
            same += 1
        if same == len(signs):  # another item of an open list: all lists within it end, and its last item
            self._close(self._signs[:same])
            self._html.append(f"</{_LISTS[self._signs[-1]][1]}>")
            self._signs = self._signs[:-1]
            self._begin(signs[-1], is_new=False)
        else:
            self._close(self._signs[:same])
            for sign in signs[same:]:
                self._begin(sign, is_new=True)
        term, separator, meaning = words.partition(MARK + ":") if signs[-1] == ";" else (words, "", "")
        self._html.append(term.strip().replace(MARK, ""))
        if separator:
            self._html.append("</dt><dd>" + meaning.strip().replace(MARK, ""))
            self._signs = f"{self._signs[:-1]}:"

    def _begin(self, sign: str, *, is_new: bool) -> None:
        outer, inner = _LISTS[sign]
        self._html.append(f"<{outer}><{inner}>" if is_new else f"<{inner}>")
        self._signs += sign

    def _close(self, signs: str) -> None:
        """Close lists until as many are open as `signs` has."""
        while len(self._signs) > len(signs):
            outer, inner = _LISTS[self._signs[-1]]
            self._html.append(f"</{inner}></{outer}>")
            self._signs = self._signs[:-1]

    def _end_paragraph(self) -> None:
        if self._paragraph:
            self._html.append(f"<p>{' '.join(self._paragraph)}</p>")
            self._paragraph = []

    def _flush(self, *, keep_lists: bool = False) -> None:
        self._end_paragraph()
        if not keep_lists:
            self._close("")


def _kind(sign: str) -> str:
    return _LISTS[sign][0]
