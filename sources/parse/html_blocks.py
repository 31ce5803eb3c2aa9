"""A tree of HTML to the list of its text blocks in document order: headings, paragraphs, list items, tables.

One iterative walk (pages nest deeper than Python recurses) that loses nothing: every visible character is in
exactly one block, inline elements join without a space, blocks never do. Each block knows what a selector needs
to judge it (text in links, whether it stands in a menu or footer) and where its first text lies in the tree.
Bullets and numbers are written as Markdown; quotations get no ">" mark, because "> 5 mg" would say something
else. Not here: which blocks are the main text (`html_select`), and tables (`html_table`).
"""

import re
from dataclasses import dataclass

from lxml import etree

from sources.parse.html_furniture import is_furniture
from sources.parse.html_table import is_data_table, table_markdown

BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "dir",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "frame", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "option", "p",
    "pre", "search", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul",
})  # fmt: skip
LISTS = frozenset({"ul", "ol", "menu", "dir"})
MAX_INDENT = 9
HEADINGS = {f"h{level}": level for level in range(1, 7)}
_STATEFUL = LISTS | HEADINGS.keys() | {"li", "dd"}
"""Elements whose beginning and end say how the text in them is written."""
_SPACES = re.compile("  +")
_MARKED = frozenset({"a", "br", "q"})
Anchor = tuple[etree._Element, bool]
"""A text node: (element, True for the element's tail)."""
_BREAK = "\x1e"
"""Stands for <br> in a run of text: no tree holds this character."""


@dataclass(slots=True)
class Block:
    """One stretch of text: Markdown `text`, its kind, and what it takes to judge and find it."""

    text: str
    kind: str
    """heading, paragraph, item, definition, preformatted or table."""
    parent: etree._Element
    anchor: Anchor
    """Its first text node."""
    level: int = 0
    """1-6 for a heading, nesting for an item."""
    prefix: str = ""
    """What is written before the text: bullet, number, indent."""
    link_chars: int = 0
    furniture: etree._Element | None = None
    """The innermost menu, footer, dialog or the like that the block stands in."""
    list: etree._Element | None = None
    """The innermost list of an item."""


def blocks_of(root: etree._Element) -> list[Block]:
    """Return the blocks of `root` in document order. `settle_inline` and `remove_invisible` come before."""
    return _Walk().run(root)


class _Walk:
    """The state of one walk: the run of inline text being gathered, and the lists and links it stands in."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.run_text: list[str] = []
        self.run_links = 0
        self.anchor: Anchor | None = None
        self.open: list[etree._Element] = []
        self.open_furniture: list[etree._Element | None] = [None]
        self.open_headings = 0
        self.lists: list[_List] = []
        self.marker = ""
        self.in_link = 0
        self.preformatted = False

    def run(self, root: etree._Element) -> list[Block]:
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            tag = element.tag
            if event == "start":
                if tag == "table" and is_data_table(element):
                    self.table(element)
                    walk.skip_subtree()
                    continue
                if tag in BLOCKS:
                    self.open_block(element, tag)
                elif tag in _MARKED:
                    self.open_mark(tag)
                if text := element.text:
                    self.add(text, element, is_tail=False)
            else:
                self.end(element, tag)
                if (text := element.tail) and element is not root:
                    self.add(text, element, is_tail=True)
        self.flush()
        return self.blocks

    def end(self, element: etree._Element, tag: str) -> None:
        if tag in BLOCKS:
            if self.open and self.open[-1] is element:
                self.close_block(tag)
        elif tag in _MARKED:
            self.close_mark(tag)

    def open_mark(self, tag: str) -> None:
        if tag == "a":
            self.in_link += 1
        else:
            self.run_text.append(_BREAK if tag == "br" else "“")

    def close_mark(self, tag: str) -> None:
        if tag == "a":
            self.in_link = max(self.in_link - 1, 0)
        elif tag == "q":
            self.run_text.append("”")

    def open_block(self, element: etree._Element, tag: str) -> None:
        if self.run_text:
            if self.in_link and self.run_links:
                self.in_link = 0  # a link that began within a line ends with it, closed or not
            self.flush()
        self.open_furniture.append(element if is_furniture(element) else self.open_furniture[-1])
        self.open.append(element)
        self.preformatted = tag == "pre"
        if tag not in _STATEFUL:
            return
        if tag in LISTS:
            self.lists.append(_List(element))
        elif tag == "li":
            self.marker = self.lists[-1].next_marker(element) if self.lists else "- "
        elif tag == "dd":
            self.marker = ": "
        elif tag in HEADINGS:
            self.open_headings += 1

    def close_block(self, tag: str) -> None:
        if self.run_text:
            self.flush()
        self.open.pop()
        self.open_furniture.pop()
        self.preformatted = bool(self.open) and self.open[-1].tag == "pre"
        if tag not in _STATEFUL:
            return
        if tag in LISTS:
            self.lists.pop()
        elif tag in ("li", "dd"):
            self.marker = ""
        elif tag in HEADINGS:
            self.open_headings -= 1

    def add(self, text: str, element: etree._Element, *, is_tail: bool) -> None:
        if self.anchor is None:
            if not text.isspace():
                self.anchor = (element, is_tail)
            elif not self.run_text and not self.preformatted:
                return
        self.run_text.append(text)
        if self.in_link:
            self.run_links += len(text.strip())

    def flush(self) -> None:
        """Close the run of inline text as one block of the innermost open element."""
        if self.anchor and self.open:
            text = "".join(self.run_text)
            if self.preformatted:
                text = text.replace(_BREAK, "\n").strip("\n").rstrip()
            elif _BREAK in text:
                text = "\n".join(map(tidy, text.split(_BREAK))).strip()
            else:
                text = tidy(text)
            if text:
                self.blocks.append(self.block(text, self.anchor))
        self.run_text, self.run_links, self.anchor = [], 0, None

    def block(self, text: str, anchor: Anchor) -> Block:
        parent = self.open[-1]
        block = Block(text, "paragraph", parent, anchor)
        block.link_chars, block.furniture = self.run_links, self.open_furniture[-1]
        level = self.heading_level() if self.open_headings else 0
        if level:
            block.kind, block.level, block.text = "heading", level, text.replace("\n", " ")
        elif self.preformatted:
            block.kind = "preformatted"
        elif parent.tag in ("dt", "dd") or (parent.tag == "p" and self.open[-2:][0].tag in ("dt", "dd")):
            block.kind, block.prefix = "definition", self.marker
            self.marker = ""
        elif self.lists:
            block.kind, block.level, block.list = "item", len(self.lists), self.lists[-1].element
            block.prefix = "  " * min(len(self.lists) - 1, MAX_INDENT) + (self.marker or "  ")
            self.marker = ""
        return block

    def heading_level(self) -> int:
        return next((HEADINGS[e.tag] for e in reversed(self.open[-4:]) if e.tag in HEADINGS), 0)

    def table(self, element: etree._Element) -> None:
        if self.run_text:
            self.flush()
        text, anchor, link_chars = table_markdown(element)
        if anchor:
            furniture = element if is_furniture(element) else self.open_furniture[-1]
            self.blocks.append(Block(text, "table", element, anchor, link_chars=link_chars, furniture=furniture))


class _List:
    """An open list and the number of its next item; None when its items are not numbered."""

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        self.number = _integer(element.get("start"), 1) if element.tag == "ol" else None

    def next_marker(self, item: etree._Element) -> str:
        if self.number is None:
            return "- "
        number = _integer(item.get("value"), self.number)
        self.number = number + 1
        return f"{number}. "


def tidy(line: str) -> str:
    """Return a line with each run of white space as one space, none at its ends; narrow spaces stay as they are."""
    if line.isascii():
        return " ".join(line.split())
    for space in "\xa0\n\t\r\f\v":
        if space in line:
            line = line.replace(space, " ")
    return (_SPACES.sub(" ", line) if "  " in line else line).strip(" ")


def _integer(value: str | None, default: int) -> int:
    text = (value or "").strip()
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 10 else default
