"""Small questions about an XML element: its name without namespace, its text, its language, its children.

JATS comes with and without namespaces, and tables and formulae have their own, so names are compared without.
Not here: anything that decides how an element reads.
"""

import re
from collections.abc import Iterator, Sequence

from lxml import etree

_STRUCK = re.compile(r"line-?through|strike|struck", re.I)
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"


def local(element: etree._Element) -> str:
    """Return the name of an element without its namespace."""
    tag: str = element.tag
    return tag if tag[0] != "{" else tag[tag.index("}") + 1 :]


def role(element: etree._Element) -> str:
    """Return the name to read an element by: its own, but `strike` for styled content that is struck out."""
    name = local(element)
    return "strike" if name == "styled-content" and _struck(element) else name


def _struck(element: etree._Element) -> bool:
    styles = f"{element.get('style', '')} {element.get('style-type', '')}"
    return _STRUCK.search(styles) is not None


def first(element: etree._Element | None, *path: str) -> etree._Element | None:
    """Return the first descendant along a path of child names, or None."""
    for name in path:
        if element is None:
            return None
        element = next(element.iterchildren(f"{{*}}{name}"), None)
    return element


def every(element: etree._Element | None, name: str) -> list[etree._Element]:
    """Return all child elements called `name`."""
    return [] if element is None or not len(element) else list(element.iterchildren(f"{{*}}{name}"))


def children_of(element: etree._Element) -> list[etree._Element]:
    """Return the child elements; lxml makes the list in half the time that its iterator takes."""
    return element[:]  # type: ignore[index, return-value]  # the stubs know single places only


def children_by_name(element: etree._Element) -> dict[str, list[etree._Element]]:
    """Return the child elements by their names, those of one name in order."""
    found: dict[str, list[etree._Element]] = {}
    for child in children_of(element):
        found.setdefault(local(child), []).append(child)
    return found


def descendants(element: etree._Element | None, *names: str) -> Iterator[etree._Element]:
    """Yield the descendants with one of `names`, in document order."""
    if element is not None:
        yield from element.iter(*(f"{{*}}{name}" for name in names))


def all_text(element: etree._Element) -> str:
    """Return all text within an element as it stands."""
    return etree.tostring(element, encoding="unicode", method="text", with_tail=False)


def plain_text(element: etree._Element | None) -> str:
    """Return all text within an element with white space collapsed; empty for None."""
    if element is None:
        return ""
    text = all_text(element) if len(element) else element.text or ""
    return text if text.isalnum() else " ".join(text.split())


def has_text(element: etree._Element) -> bool:
    """Say whether there is any text within an element."""
    text = all_text(element) if len(element) else element.text or ""
    return bool(text) and not text.isspace()


def stray_texts(element: etree._Element) -> list[str]:
    """Return the texts that stand between child elements where only elements belong (invalid, but real)."""
    texts = [element.text, *(child.tail for child in children_of(element))]
    return [" ".join(text.split()) for text in texts if text and not text.isspace()]


def has_own_text(element: etree._Element, children: Sequence[etree._Element] | None = None) -> bool:
    """Say whether an element holds text beside its child elements; `children` are those, where they are known."""
    if element.text and not element.text.isspace():
        return True
    for child in children_of(element) if children is None else children:
        tail = child.tail
        if tail and not tail.isspace():
            return True
    return False


def language_of(element: etree._Element) -> str | None:
    """Return the BCP 47 language declared on an element or the nearest one around it."""
    node: etree._Element | None = element
    while node is not None:
        declared = (node.get(XML_LANG) or "").strip()
        if declared:
            primary, _, region = declared.replace("_", "-").partition("-")
            return primary.lower() + (f"-{region.upper() if len(region) == 2 else region}" if region else "")
        node = node.getparent()
    return None
