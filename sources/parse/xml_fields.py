"""XML guidance to Parts by a declared mapping of XPaths, or, without one, all its text in document order.

A mapping (options, a preset of `xml_presets`, or the preset that the root element tells) names where the title,
address, date and text of a record stand; text may be XML structure, HTML escaped in an attribute, or lines. All of
it becomes HTML elements (`xml_tags`) and then Markdown, like a web page. Not here: JATS and drug labels, which have
their own parsers (a label is handed over).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from lxml import etree

from sources.parse.html_blocks import blocks_of
from sources.parse.html_inline import settle_inline
from sources.parse.html_markdown import markdown
from sources.parse.html_meta import iso_date
from sources.parse.html_tree import parse_tree, remove_invisible, without_controls
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.spl import is_label, label_part
from sources.parse.xml_presets import DETECT, PRESETS
from sources.parse.xml_safe import parse_xml
from sources.parse.xml_tags import as_html, strip_namespaces

LABEL = "spl"
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_YEAR_FIRST = re.compile(
    r"((?:19|20)\d\d)(?:\s+(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?(?:\s+([12]?\d|3[01]))?)?"
)
_LANGUAGES = {"english": "en", "spanish": "es", "french": "fr", "german": "de", "portuguese": "pt"}


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield one Part for each record of an XML file.

    Options: `preset` (ngc, medquad, pdq, spl), or a mapping: `record`, `title`, `url`, `published`, `language`,
    `version`, `publisher`, `required`, `references` (XPaths), `identifiers` (name to XPath), `drop` (list of XPaths),
    `headings_from` (element to XPath), `text` (list of {xpath, heading, heading_xpath, value, html, lines}); `kind`.
    Raises Unreadable: those of `parse_xml`, no_text when no record holds text. A record without text is a Fault.
    """
    root = parse_xml(body)
    strip_namespaces(root)
    if _is_label(root, options):
        yield label_part(root)
        return
    mapping = _mapping(root, options)
    records = _nodes(root, mapping["record"]) if mapping.get("record") else [root]
    parts: list[Part | Fault] = []
    for number, record in enumerate(records):
        name = "" if len(records) == 1 else str(number)
        part = _part(record, mapping, name)
        parts.append(part or Fault(reason="no_text", detail="the record holds no text", name=name))
    if not any(isinstance(part, Part) for part in parts):
        raise Unreadable("no_text", f"{len(records)} records without text under <{root.tag}>")
    yield from parts


def _is_label(root: etree._Element, options: dict[str, Any]) -> bool:
    """Say whether a drug label is named or told by the root, so that its own parser reads it."""
    name = options.get("preset")
    return name == LABEL or (name is None and not options.keys() & {"text", "record"} and is_label(root))


def _mapping(root: etree._Element, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options, on top of the preset that they name or that the root element tells."""
    name = options.get("preset")
    if name is not None and name not in PRESETS:
        raise ValueError(f"preset {name!r} is not one of {', '.join(sorted([*PRESETS, LABEL]))}")
    own = {k: v for k, v in options.items() if k not in ("preset", "media_type", "charset")}
    if name is None and not own.keys() & {"text", "record"}:
        detected, proof = DETECT.get(str(root.tag), ("", "."))
        name = detected if detected and root.xpath(proof) else None
    return {**(PRESETS[name] if name else {}), **own}


def _part(record: etree._Element, mapping: dict[str, Any], name: str) -> Part | None:
    if mapping.get("required") and not _nodes(record, mapping["required"]):
        return None
    facts = {
        field: _string(record, mapping.get(field)) for field in ("title", "url", "published", "language", "version")
    }
    publisher = _string(record, mapping.get("publisher"))
    references = [" ".join(_value(node).split()) for node in _select(record, mapping.get("references"))]
    found = {key: _string(record, xpath) for key, xpath in (mapping.get("identifiers") or {}).items()}
    page, edits = _page(record, mapping)
    text, sections = markdown(blocks_of(page))
    if not text.strip():
        return None
    language = facts["language"]
    return Part(
        text=text,
        title=facts["title"],
        kind=mapping.get("kind"),
        name=name,
        sections=sections,
        language=_LANGUAGES.get(language.lower(), language) if language else None,
        published=_date(facts["published"]),
        url=facts["url"],
        version=facts["version"],
        identifiers={key: value for key, value in found.items() if value},
        references=[reference for reference in references if reference],
        extra=({"publisher": publisher} if publisher else {}) | ({"edits": edits} if edits else {}),
    )


def _page(record: etree._Element, mapping: dict[str, Any]) -> tuple[etree._Element, list[str]]:
    """Return the text of a record as one tree of HTML elements, and the names of the edits made."""
    for tag, xpath in (mapping.get("headings_from") or {}).items():
        _add_headings(record, tag, xpath)
    for xpath in mapping.get("drop") or []:
        for node in _nodes(record, xpath):
            _remove(node)
    page = etree.Element("div")
    if not mapping.get("text"):
        page.append(record)
        as_html(page)
    seen: set[tuple[str, str]] = set()
    for rule in mapping.get("text") or []:
        for node in _nodes(record, rule["xpath"]):
            _append(page, node, rule, seen)
    return page, settle_inline(page)


def _append(page: etree._Element, node: etree._Element, rule: dict[str, Any], seen: set[tuple[str, str]]) -> None:
    """Add the heading and value of one selected node; what a record says twice under one heading is added once."""
    heading = rule.get("heading") or _string(node, rule.get("heading_xpath")) or ""
    holder = etree.Element("div")
    for value in _select(node, rule.get("value")) if rule.get("value") else [node]:
        holder.append(_as_element(value, rule))
    content = " ".join(" ".join(str(text) for text in holder.itertext()).split())
    if not content or (heading and (heading, content) in seen):
        return
    seen.add((heading, content))
    if heading:
        etree.SubElement(page, "h2").text = heading
    page.append(holder)


def _as_element(value: Any, rule: dict[str, Any]) -> etree._Element:
    if rule.get("html"):
        return _fragment(_value(value))
    holder = etree.Element("div")
    if isinstance(value, etree._Element) and not rule.get("lines"):
        holder.append(value)
        as_html(holder)
        return holder
    for paragraph in _value(value).replace("\r\n", "\n").split("\n\n"):
        block = etree.SubElement(holder, "pre")
        block.text = "\n".join(line.strip() for line in paragraph.split("\n"))
    return holder


def _fragment(html: str) -> etree._Element:
    """Return HTML as one element; half of the values of guidance hold no markup, and need no parser."""
    html = without_controls(html)
    if "<" not in html and "&" not in html:
        plain = etree.Element("div")
        plain.text = html
        return plain
    tree = parse_tree(f"<html><body>{html}</body></html>")
    remove_invisible(tree)
    body = tree.find("body")
    fragment: etree._Element = body if body is not None else tree
    fragment.tag = "div"
    return fragment


def _add_headings(record: etree._Element, tag: str, xpath: str) -> None:
    """Give elements without a title the heading that `xpath` finds in them."""
    for element in list(record.iter(tag)):
        own = element.find("title")
        heading = _string(element, xpath)
        if heading and (own is None or not _value(own).strip()) and "unclassified" not in heading.lower():
            title = etree.Element("title")
            title.text = heading
            element.insert(0, title)


def _remove(node: etree._Element) -> None:
    """Remove an element and keep the text after it."""
    parent = node.getparent()
    if parent is None:
        return
    if node.tail:
        previous = node.getprevious()
        if previous is not None:
            previous.tail = (previous.tail or "") + node.tail
        else:
            parent.text = (parent.text or "") + node.tail
    parent.remove(node)


def _select(node: etree._Element, xpath: str | None) -> list[Any]:
    """Return what `xpath` selects, as a list. Raises ValueError for a wrong XPath."""
    if not xpath:
        return []
    try:
        found = _compiled(xpath)(node)
    except etree.XPathError as error:
        raise ValueError(f"XPath {xpath!r}: {error}") from error
    return found if isinstance(found, list) else [found]


@lru_cache(maxsize=512)
def _compiled(xpath: str) -> etree.XPath:
    return etree.XPath(xpath)


def _nodes(node: etree._Element, xpath: str) -> list[etree._Element]:
    return [found for found in _select(node, xpath) if isinstance(found, etree._Element)]


def _value(found: Any) -> str:
    return "".join(str(text) for text in found.itertext()) if isinstance(found, etree._Element) else str(found)


def _string(node: etree._Element, xpath: str | None) -> str | None:
    """Return the first value of `xpath` on one line, without HTML markup, else None."""
    found = _select(node, xpath)
    text = _value(found[0]) if found else ""
    if "<" in text and ">" in text:
        text = _value(_fragment(text))
    return " ".join(text.split()) or None


def _date(text: str | None) -> str | None:
    """Return the ISO date of a field: 20140113, "2002 Jul (revised 2013 Nov 19)" as revised, else by `iso_date`."""
    if text and re.match(r"\d{8}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:8]}"
    revised = re.search(r"\brevised\s+([^();]+)", text or "")
    said = (revised[1] if revised else (text or "").partition("(")[0]).strip()
    if not (parts := _YEAR_FIRST.fullmatch(said)):
        return iso_date(said)
    month = _MONTHS.find(parts[2].lower()) // 3 + 1 if parts[2] else None
    return "-".join([parts[1], *(f"{int(part):02d}" for part in (month, parts[3]) if part)])
