"""Text of an XML file to a tree, without network, files, DTDs or guesses: whole, or a named refusal.

A recovering parser turns `5 &mgr;g` into `5 g` and cuts truncated files short without a word, so nothing is
recovered here. The DOCTYPE is rewritten: no external identifier is left to fetch, and the entities that the text
uses are declared from a bundled table, so that one in no table is an error. What the entities would expand to is
counted before libxml2 sees them. Comments and processing instructions are dropped. Not here: any meaning of elements.
"""

import re
from typing import NamedTuple

from lxml import etree

from sources.parse.entities import named_characters
from sources.parse.part import Unreadable
from sources.parse.xml_decode import decode_xml

MAX_DEPTH = 256
"""Levels of elements; libxml2's own default. Real articles stay under 60."""
MAX_EXPANSION_CHARS = 1_000_000
"""Characters that all entities of a file's own DOCTYPE may expand to together."""

_PREDEFINED = frozenset({"lt", "gt", "amp", "quot", "apos"})
_REFERENCE = re.compile(r"&([A-Za-z_:][\w:.-]*);")
# Possessive and anchored at the end of text, so that hostile input costs no more than one pass.
_UNPARSED = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)", re.S)
_DOCTYPE_OPENING = re.compile(r"(?:\s++|<!--.*?-->|<\?.*?\?>)*+<!DOCTYPE\s+", re.S)
_DOCTYPE = re.compile(
    r"""<!DOCTYPE\s+(?P<name>[^\s\[>]+)\s*
    (?:PUBLIC\s*(?:"[^"]*"|'[^']*')\s*(?:"[^"]*"|'[^']*')?|SYSTEM\s*(?:"[^"]*"|'[^']*'))?\s*
    (?:\[(?P<subset>(?>"[^"]*"|'[^']*'|<!--.*?-->|<\?.*?\?>|[^\]"'])*+)\]\s*)?>""",
    re.S | re.X,
)
_ENTITY = re.compile(
    r"""<!ENTITY\s+(?P<parameter>%\s+)?(?P<name>[^\s"'%]+)\s+
    (?:(?P<external>SYSTEM|PUBLIC)\b|"(?P<double>[^"]*)"|'(?P<single>[^']*)')""",
    re.X,
)


class _Entities(NamedTuple):
    values: dict[str, str]
    external: frozenset[str]


def parse_xml(body: bytes) -> etree._Element:
    """Return the root of an XML file; attributes and text are whole, entities expanded.

    Raises Unreadable: empty, not_xml, unknown_encoding, wrong_encoding, control_characters, external_entity,
    undefined_entity, entity_expansion, too_deep, truncated, malformed_xml.
    """
    return _parse(_self_contained(decode_xml(body)))


def _self_contained(text: str) -> str:
    """Return `text` with a DOCTYPE that declares every entity used, or none; nothing else is changed."""
    opening = _DOCTYPE_OPENING.match(text)
    doctype = _DOCTYPE.match(text, text.index("<!DOCTYPE", 0, opening.end())) if opening else None
    if opening and not doctype:
        raise Unreadable("malformed_xml" if ">" in text[opening.end() :] else "truncated", "DOCTYPE")
    rest = text[doctype.end() :] if doctype else text
    own = _declared((doctype["subset"] or "") if doctype else "")
    used = _used(rest)
    _check_expansion(used, own)
    # Values of attribute defaults may hold references too, so what the subset itself uses is declared as well.
    wanted = {*used, *(name for value in own.values.values() for name in _REFERENCE.findall(value))}
    declarations = [f'<!ENTITY {name} "{_escaped(own, name)}">' for name in sorted(wanted - _PREDEFINED)]
    if not declarations:
        return rest
    name = doctype["name"] if doctype else "article"
    return f"<!DOCTYPE {name} [{''.join(declarations)}]>{rest}"


def _used(text: str) -> list[str]:
    """Return the names of the entity references in markup and text, without the five of XML itself."""
    if _PREDEFINED.issuperset(_REFERENCE.findall(text)):
        return []
    return [name for name in _REFERENCE.findall(_UNPARSED.sub("", text)) if name not in _PREDEFINED]


def _declared(subset: str) -> _Entities:
    """Return the general entities of an internal subset (the first declaration of a name counts)."""
    subset = _UNPARSED.sub("", subset)
    values: dict[str, str] = {}
    external: set[str] = set()
    for match in _ENTITY.finditer(subset):
        name = match["name"]
        if match["parameter"] or name in values or name in external:
            continue
        if match["external"]:
            external.add(name)
        else:
            values[name] = match["double"] if match["double"] is not None else match["single"]
    if re.search(r"(?m)^\s*%[\w.-]+;", re.sub(r"<![^>]*>", "", subset)):
        raise Unreadable("external_entity", "the DOCTYPE refers to a parameter entity")
    return _Entities(values, frozenset(external))


def _escaped(own: _Entities, name: str) -> str:
    """Return the literal of an entity declaration for `name`."""
    if name in own.values:
        return own.values[name].replace('"', "&#34;")
    return "".join(f"&#38;#{ord(character)};" for character in named_characters()[name])


def _check_expansion(used: list[str], own: _Entities) -> None:
    """Refuse external, undefined, cyclic and exploding entities before anything is expanded."""
    sizes: dict[str, int] = {}
    total_chars = sum(_size(name, own, sizes, ()) for name in used)
    if total_chars > MAX_EXPANSION_CHARS:
        raise Unreadable("entity_expansion", f"{total_chars} characters; the limit is {MAX_EXPANSION_CHARS}")


def _size(name: str, own: _Entities, sizes: dict[str, int], within: tuple[str, ...]) -> int:
    """Return how many characters `name` expands to; `within` are the entities being expanded around it."""
    if name in sizes:
        return sizes[name]
    if name in within or len(within) > 40:
        raise Unreadable("entity_expansion", f"the entity {name[:40]} contains itself or is nested too deep")
    if name in own.external:
        raise Unreadable("external_entity", name[:40])
    if name not in own.values:
        if name not in _PREDEFINED and name not in named_characters():
            raise Unreadable("undefined_entity", name[:40])
        return 0 if name in _PREDEFINED else 1
    value = own.values[name]
    nested = sum(_size(inner, own, sizes, (*within, name)) for inner in _REFERENCE.findall(value))
    sizes[name] = len(value) + nested
    return sizes[name]


def _parser(*, huge: bool) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities="internal",  # type: ignore[arg-type]  # the stubs know lxml 4 only
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
        huge_tree=huge,
    )


def _parse(text: str) -> etree._Element:
    data = text.lstrip().encode()
    try:
        return etree.fromstring(data, _parser(huge=False))
    except etree.XMLSyntaxError as error:
        # Deep trees and text nodes over 10 MB need libxml2's larger limits; depth is then checked by us.
        if "XML_PARSE_HUGE" not in str(error):
            raise _refusal(error, text) from error
    try:
        root = etree.fromstring(data, _parser(huge=True))
    except etree.XMLSyntaxError as error:
        raise _refusal(error, text) from error
    if (depth := _depth(root)) > MAX_DEPTH:
        raise Unreadable("too_deep", f"{depth} levels; the limit is {MAX_DEPTH}")
    return root


def _refusal(error: etree.XMLSyntaxError, text: str) -> Unreadable:
    """Name the reason of a syntax error; libxml2's message is kept only where it cannot quote the document."""
    message = str(error)
    place = f"line {error.lineno}, column {error.offset}"
    if "depth" in message.lower():
        return Unreadable("too_deep", place)
    if "amplification" in message or "ntity loop" in message:
        return Unreadable("entity_expansion", place)
    if "Premature end" in message or "EndTag: '</' not found" in message or not text.rstrip().endswith(">"):
        return Unreadable("truncated", place)
    return Unreadable("malformed_xml", place)


def _depth(root: etree._Element) -> int:
    deepest = depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest
