"""What a site answers, read strictly: an HTML page with its base address, JSON, or XML.

Everything that a connector reads comes through here, so that a hostile answer is refused in one place: depth and
truncation by `html_tree` and `xml_safe`, duplicate keys and odd numbers by `strict_json`. An answer of another kind
than expected is a change of structure, told with what was expected and what came. Not here: what the answer means.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree
from lxml.html import HtmlElement

from sources.connectors.address import absolute
from sources.parse.charset import declared, decode
from sources.parse.html_tree import parse_tree, without_controls
from sources.parse.part import Unreadable
from sources.parse.strict_json import Written, loads
from sources.parse.xml_safe import parse_xml


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML page and the address that its links are relative to."""

    tree: HtmlElement
    base: str

    def address(self, href: str) -> str | None:
        """Return what a link on this page leads to, None when it is no web address."""
        return absolute(href, self.base)


def html_of(body: bytes, key: str, options: dict[str, Any]) -> Page:
    """Return the page; its first usable `<base href>` counts. Raises Unreadable as `decode` and `parse_tree` do."""
    text, _ = decode(body, declared({"media_type": options.get("media_type")}), html=True)
    tree = parse_tree(without_controls(text))
    given = next((href for node in tree.iter("base") if (href := node.get("href"))), "")
    return Page(tree, (absolute(given, key) if given else None) or key)


def json_of(body: bytes) -> Any:
    """Return the value of a JSON answer. Raises Unreadable: structure_changed, invalid_json."""
    if body.lstrip()[:1] == b"<":
        raise changed("an answer in JSON", "markup")
    try:
        return loads(body)
    except ValueError as error:
        raise Unreadable("invalid_json", str(error)) from None


def xml_of(body: bytes) -> etree._Element:
    """Return the root of an XML answer. Raises Unreadable as `parse_xml` does, structure_changed for an HTML page."""
    head = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        raise changed("an answer in XML", "an HTML page")
    return parse_xml(body)


def local(element: etree._Element) -> str:
    """Return the name of an element without its namespace: sites declare wrong ones, or none."""
    return str(element.tag).rpartition("}")[2]


def named(parent: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the children of `parent` with the local name `name`."""
    return (child for child in parent if local(child) == name)


def child_text(parent: etree._Element, name: str) -> str:
    """Return the text of the first child of that local name, on one line, or an empty string."""
    child = next(named(parent, name), None)
    return " ".join("".join(str(text) for text in child.itertext()).split()) if child is not None else ""


def at(value: Any, *path: str) -> Any:
    """Return what lies at `path` in nested JSON objects, None when there is nothing."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def listed(value: Any, *path: str) -> list[Any]:
    """Return the list at `path`. Raises Unreadable structure_changed when there is none."""
    found = at(value, *path)
    if not isinstance(found, list):
        raise changed(f"a list at {'.'.join(path) or 'the root'}", kind_of(found))
    return found


def text_at(value: Any, *path: str) -> str:
    """Return the text or number at `path` as it stands in the answer, else an empty string."""
    found = at(value, *path)
    if isinstance(found, Written):
        return found.literal
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def whole_at(value: Any, *path: str) -> int | None:
    """Return the whole number at `path`, also when it is written as a text, else None."""
    text = text_at(value, *path)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def kind_of(value: Any) -> str:
    """Name the kind of a JSON value, for messages."""
    if value is None:
        return "nothing"
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return names.get(type(value), "a number")


def changed(expected: str, measured: str) -> Unreadable:
    """Return the refusal of a page that is not built as declared."""
    return Unreadable("structure_changed", f"expected {expected}, found {measured}")
