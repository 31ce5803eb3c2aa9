"""Block elements of running text: sections, lists, definitions, quotations, speech, verse, code.

Each handler takes an element and gives Markdown blocks. Labels that the file gives are kept as they are; where it
gives none, the kind of list decides. Sections make headings by their depth. Not here: floats and tables.
"""

import re

from lxml import etree

from sources.parse.jats_element import all_text, children_of, every, first, has_own_text, local, stray_texts
from sources.parse.jats_text import Block, Heading, flat
from sources.parse.jats_walk import Walk

_LABEL_TITLE = frozenset({"label", "title"})
_MARKER = re.compile(r"(?:- |\d+\. |[a-zA-Z]{1,6}\. )")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"))
_ROMAN_LOW = ((9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


def heading_text(walk: Walk, element: etree._Element) -> str:
    """Return label and title of an element as one line."""
    found = sorted(element.iterchildren("{*}label", "{*}title"), key=local)  # labels come first by the alphabet too
    return " ".join(filter(None, map(walk.line, found)))


def section(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a section: its heading, its content one level deeper, and the way back up."""
    return titled(walk, element, heading_text(walk, element))


def titled(walk: Walk, element: etree._Element, title: str, skip: frozenset[str] = frozenset()) -> list[Block]:
    """Return the content of `element` under a heading `title`; without a title the level stays."""
    depth = walk.depth
    if not title:
        return walk.flow(element, _LABEL_TITLE | skip)
    walk.depth = depth + 1
    content = walk.flow(element, _LABEL_TITLE | skip)
    walk.depth = depth
    return [Heading(depth, title), *content, Heading(depth, "")]


def bold_title(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a title that heads no section: a bold line."""
    text = walk.line(element)
    return [f"**{text}**"] if text else []


def list_block(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a list as one Markdown block, items with labels or by list type, inner lists indented."""
    lead = heading_text(walk, element)
    count = walk.list_ends.get(element.get("continued-from") or "", 0)
    lines: list[str] = []
    others: list[str] = []
    for child in children_of(element):
        if local(child) == "list-item":
            count += 1
            label = " ".join(filter(None, (walk.line(found) for found in every(child, "label"))))
            mark = f"{element.get('prefix-word', '')} {_ordinal(element.get('list-type') or '', count)}".lstrip()
            lines.append(_item(walk, child, label or mark))
        elif local(child) not in _LABEL_TITLE:
            others += flat(walk.flow(child))
    if element.get("id"):
        walk.list_ends[element.get("id") or ""] = count
    others += stray_texts(element)
    return [*([lead] if lead else []), *others, *(["\n".join(lines)] if lines else [])]


def _item(walk: Walk, item: etree._Element, mark: str) -> str:
    blocks = flat(walk.flow(item, frozenset({"label"})))
    bullet = mark if _MARKER.fullmatch(f"{mark} ") else f"- {mark}".rstrip()
    return hanging(bullet, blocks)


def hanging(bullet: str, blocks: list[str]) -> str:
    """Return a list item: its first block after the bullet, the others indented below."""
    if not blocks:
        return bullet
    indent = " " * (len(bullet) + 1 if bullet[0] != "-" else 2)
    text = blocks[0]
    for block in blocks[1:]:
        text += f"\n{block}" if _MARKER.match(block) else f"\n\n{block}"
    return f"{bullet} " + re.sub(r"\n(?!\n)", f"\n{indent}", text)


def _ordinal(kind: str, number: int) -> str:
    """Return the mark of the n-th item (from 1) of a list without labels."""
    if kind == "order":
        return f"{number}."
    if kind.startswith("alpha") and number <= 26:
        letter = "abcdefghijklmnopqrstuvwxyz"[number - 1]
        return f"{letter.upper() if kind.endswith('upper') else letter}."
    if kind.startswith("roman"):
        roman = _roman(number)
        return f"{roman.upper() if kind.endswith('upper') else roman}."
    return f"{number}." if kind.startswith("alpha") else "-"


def _roman(number: int) -> str:
    text = ""
    for value, letters in (*_ROMAN, *_ROMAN_LOW):
        text += letters * (number // value)
        number %= value
    return text


def definitions(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a definition list, one `- term: definition` an item; its head terms open it."""
    heads = [walk.line(found) for name in ("term-head", "def-head") for found in every(element, name)]
    title = heading_text(walk, element)
    lines: list[str] = []
    others: list[str] = []
    for child in children_of(element):
        name = local(child)
        if name == "def-item":
            lines.append(_definition(walk, child))
        elif name not in {"label", "title", "term-head", "def-head"}:
            others += flat(walk.flow(child) if name != "def-list" else definitions(walk, child))
    lead: list[Block] = [f"**{title}**"] if title else []
    others += stray_texts(element)
    head = ": ".join(text for text in heads if text)
    return [*lead, *([f"**{head}**"] if head else []), *(["\n".join(lines)] if lines else []), *others]


def _definition(walk: Walk, item: etree._Element) -> str:
    label, *terms = (", ".join(filter(None, map(walk.line, every(item, name)))) for name in ("label", "term"))
    blocks: list[str] = []
    for child in children_of(item):
        if local(child) not in {"label", "term"}:
            blocks += flat(walk.flow(child))
    term = " ".join(text for text in (label, *terms) if text)
    if not blocks:
        return hanging("-", [term])
    return hanging("-", [f"{term}{'' if term.endswith(':') else ':'} {blocks[0]}" if term else blocks[0], *blocks[1:]])


def quotation(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a displayed quotation, every line after `> `."""
    title = heading_text(walk, element)
    blocks = [*([f"**{title}**"] if title else []), *flat(walk.flow(element, _LABEL_TITLE))]
    lines = "\n\n".join(blocks).split("\n")
    return ["\n".join(f"> {line}".rstrip() for line in lines)] if blocks else []


def speech(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a turn of a conversation: the speaker, a colon, what was said."""
    speaker = " ".join(walk.line(found) for found in every(element, "speaker"))
    blocks = flat(walk.flow(element, frozenset({"speaker"})))
    if not speaker:
        return list(blocks)
    lead = speaker if speaker.endswith((":", ".")) else f"{speaker}:"
    return [" ".join([lead, *blocks[:1]]), *blocks[1:]]


def statement(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a theorem, proof, question or answer: bold label and title, then the content."""
    title = heading_text(walk, element)
    return [*([f"**{title}**"] if title else []), *flat(walk.flow(element, _LABEL_TITLE))]


def verse(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a stanza, one line a verse."""
    lines: list[str] = []
    for child in children_of(element):
        if (name := local(child)) not in _LABEL_TITLE:
            lines += flat(walk.blocks[name](walk, child) if name in {"attrib", "verse-group"} else walk.flow(child))
    lines += stray_texts(element)
    lead = heading_text(walk, element)
    return [*([f"**{lead}**"] if lead else []), *(["\n".join(filter(None, lines))] if any(lines) else [])]


def preformatted(walk: Walk, element: etree._Element) -> list[Block]:
    """Return code or preformatted text between fences, its white space untouched."""
    text = all_text(element).strip("\n")
    fence = "```"
    while fence in text:
        fence += "`"
    language = element.get("language") or ""
    return [f"{fence}{language if language.isalnum() else ''}\n{text}\n{fence}"] if text.strip() else []


def attribution(walk: Walk, element: etree._Element) -> list[Block]:
    """Return the source of a quotation or figure as a line of its own."""
    text = walk.line(element)
    return [f"— {text}" if has_own_text(element) and not text.startswith(("—", "(")) else text] if text else []


def question_group(walk: Walk, element: etree._Element) -> list[Block]:
    """Return an option or answer with its label in front of its first paragraph."""
    label = walk.line(first(element, "label"))
    blocks = flat(walk.flow(element, frozenset({"label"})))
    return [" ".join([label, *blocks[:1]]), *blocks[1:]] if label else list(blocks)
