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
_FURNITURE_TAGS = frozenset({"nav", "footer", "dialog", "menu", "search", "form"})
_FURNITURE_ROLES = frozenset({
    "navigation", "banner", "contentinfo", "search", "dialog", "alertdialog", "menu", "menubar",
    "toolbar", "tablist",
})  # fmt: skip
_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_FURNITURE_NAME = re.compile(
    r"(?:^|[\s-])(?:nav|navbar|navigation|menu|breadcrumbs?|footer|sidebar|cookies?|consent|share|sharing|social|"
    r"subscribe|newsletter|related|recommended|advert|advertisement|ads?|promo|banner|pagination|pager|login|"
    r"toolbar|comments?|trending|sign-?up|skip|print-only|modal|popup|tags?|byline|toc)(?:$|[\s-])"
)
_SURE_NAME = re.compile(
    r"(?:^|[\s-])(?:navbar|breadcrumbs?|cookies?|consent|subscribe|newsletter|advert|advertisement|ads?|pagination|"
    r"pager|login|sign-?up|byline)(?:$|[\s-])"
)
"""Names of furniture that stay so wherever the element stands and whatever it says."""
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\n\r\f\v\xa0]{2,}|[\t\n\r\f\v\xa0]")
_BREAK = "\x1e"
"""Stands for <br> in a run of text: no tree holds this character."""


@dataclass(slots=True)
class Block:
    """One stretch of text: Markdown `text`, its kind, and what it takes to judge and find it."""

    text: str
    kind: str
    """heading, paragraph, item, definition, preformatted or table."""
    parent: etree._Element
    anchor: tuple[etree._Element, bool]
    """Its first text node: (element, True for the element's tail)."""
    level: int = 0
    """1-6 for a heading, nesting for an item."""
    prefix: str = ""
    """What is written before the text: bullet, number, indent."""
    link_chars: int = 0
    furniture: etree._Element | None = None
    """The innermost menu, footer, dialog or the like that the block stands in."""


def blocks_of(root: etree._Element) -> list[Block]:
    """Return the blocks of `root` in document order. `settle_inline` and `remove_invisible` come before."""
    return _Walk().run(root)


class _Walk:
    """The state of one walk: the run of inline text being gathered, and the lists and links it stands in."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.run_text: list[str] = []
        self.run_links = 0
        self.anchor: tuple[etree._Element, bool] | None = None
        self.open: list[etree._Element] = []
        self.open_furniture: list[etree._Element | None] = []
        self.lists: list[int | None] = []
        self.marker = ""
        self.in_link = 0
        self.preformatted = False

    def run(self, root: etree._Element) -> list[Block]:
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            tag = element.tag
            if not isinstance(tag, str):
                continue
            if event == "start":
                if tag == "table" and is_data_table(element):
                    self.table(element)
                    walk.skip_subtree()
                else:
                    self.start(element, tag)
            else:
                self.end(element, tag)
                if element is not root:
                    self.add(element.tail, element, is_tail=True)
        self.flush()
        return self.blocks

    def start(self, element: etree._Element, tag: str) -> None:
        if tag in BLOCKS:
            self.open_block(element, tag)
        elif tag == "a":
            self.in_link += 1
        elif tag == "br":
            self.run_text.append(_BREAK)
        elif tag == "q":
            self.run_text.append("“")
        self.add(element.text, element, is_tail=False)

    def end(self, element: etree._Element, tag: str) -> None:
        if tag in BLOCKS:
            if self.open and self.open[-1] is element:
                self.close_block(tag)
        elif tag == "a":
            self.in_link -= 1
        elif tag == "q":
            self.run_text.append("”")

    def open_block(self, element: etree._Element, tag: str) -> None:
        self.flush()
        self.open_furniture.append(element if is_furniture(element) else self.in_furniture())
        self.open.append(element)
        self.preformatted = tag == "pre"
        if tag in LISTS:
            self.lists.append(_first_number(element))
        elif tag == "li":
            self.marker = self.next_marker(element)
        elif tag == "dd":
            self.marker = ": "

    def close_block(self, tag: str) -> None:
        self.flush()
        self.open.pop()
        self.open_furniture.pop()
        self.preformatted = bool(self.open) and self.open[-1].tag == "pre"
        if tag in LISTS:
            self.lists.pop()
        if tag in ("li", "dd"):
            self.marker = ""

    def add(self, text: str | None, element: etree._Element, *, is_tail: bool) -> None:
        if not text:
            return
        if self.anchor is None and not text.isspace():
            self.anchor = (element, is_tail)
        if self.in_link:
            self.run_links += len(text.strip())
        if self.run_text or self.anchor or self.preformatted:
            self.run_text.append(text)

    def in_furniture(self) -> etree._Element | None:
        return self.open_furniture[-1] if self.open_furniture else None

    def flush(self) -> None:
        """Close the run of inline text as one block of the innermost open element."""
        if not self.run_text:
            return
        lines = "".join(self.run_text).split(_BREAK)
        if self.preformatted:
            text = "\n".join(lines).strip("\n").rstrip()
        else:
            text = "\n".join(_SPACE.sub(" ", line).strip(" ") for line in lines).strip()
        if text and self.anchor and self.open:
            self.blocks.append(self.block(text, self.anchor))
        self.run_text, self.run_links, self.anchor = [], 0, None

    def block(self, text: str, anchor: tuple[etree._Element, bool]) -> Block:
        parent = self.open[-1]
        block = Block(text, "paragraph", parent, anchor, link_chars=self.run_links, furniture=self.in_furniture())
        level = next((HEADINGS[e.tag] for e in reversed(self.open[-4:]) if e.tag in HEADINGS), 0)
        if level:
            block.kind, block.level, block.text = "heading", level, text.replace("\n", " ")
        elif self.preformatted:
            block.kind = "preformatted"
        elif parent.tag in ("dt", "dd"):
            block.kind, block.prefix = "definition", self.marker
            self.marker = ""
        elif self.lists:
            block.kind, block.level = "item", len(self.lists)
            block.prefix = "  " * min(len(self.lists) - 1, MAX_INDENT) + (self.marker or "  ")
            self.marker = ""
        return block

    def table(self, element: etree._Element) -> None:
        self.flush()
        text, anchor, link_chars = table_markdown(element)
        if anchor:
            furniture = element if is_furniture(element) else self.in_furniture()
            self.blocks.append(Block(text, "table", element, anchor, link_chars=link_chars, furniture=furniture))

    def next_marker(self, item: etree._Element) -> str:
        if not self.lists or self.lists[-1] is None:
            return "- "
        number = _integer(item.get("value"), self.lists[-1])
        self.lists[-1] = number + 1
        return f"{number}. "


def is_furniture(element: etree._Element) -> bool:
    """Say whether an element declares or names itself menu, footer, dialog or other surroundings."""
    if element.tag in ("body", "html", "main", "article"):
        return False
    return element.tag == "aside" or _is_complement(element) or is_surely_furniture(element) or _is_named(element)


def is_surely_furniture(element: etree._Element) -> bool:
    """Say whether an element is furniture by its tag, role or style, or by a name that never means body text."""
    if element.tag in _FURNITURE_TAGS or (element.get("role") or "").lower() in _FURNITURE_ROLES:
        return True
    if element.get("hidden") is not None or _HIDDEN.search(element.get("style") or ""):
        return True
    return bool(_SURE_NAME.search(_name_words(element)))


def _is_complement(element: etree._Element) -> bool:
    return (element.get("role") or "").lower() == "complementary"


def _is_named(element: etree._Element) -> bool:
    return bool(_FURNITURE_NAME.search(_name_words(element)))


def _name_words(element: etree._Element) -> str:
    """Return the classes and the id of an element as words between spaces and hyphens, in lower case."""
    name = f"{element.get('class') or ''} {element.get('id') or ''}"
    return _CASE.sub("-", name).replace("_", "-").lower() if name != " " else ""


def _first_number(element: etree._Element) -> int | None:
    return _integer(element.get("start"), 1) if element.tag == "ol" else None


def _integer(value: str | None, default: int) -> int:
    text = (value or "").strip()
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 10 else default
