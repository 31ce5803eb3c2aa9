"""FHIR resources (JSON or XML), as implementation guides and SMART guidelines publish them, to one Part each.

A bundle gives one Part for each resource in it, named by type and id. The canonical address is an identifier, not a
page that could be fetched, so it is kept as one; versions of a resource share it. Not here: how a resource is written
out (`fhir_text`), FHIR's other encodings (Turtle, bulk data as JSON lines), and resources that a server would expand.
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from sources.parse.as_written import load
from sources.parse.fhir_fields import title_of
from sources.parse.fhir_text import write_resource
from sources.parse.fhir_types import as_list, scalar
from sources.parse.jats_licence import spdx_of
from sources.parse.outline import Outline
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.xml_safe import parse_xml

FHIR = "{http://hl7.org/fhir}"
XHTML = "{http://www.w3.org/1999/xhtml}"
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?(?=$|T)")


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield one Part for each resource of a file. No options.

    Raises Unreadable: those of `load` and `parse_xml`, not_fhir when no resource is there, too_deep when it nests
    deeper than Python recurses.
    """
    try:
        yield from list(_parts(body, key))
    except RecursionError:
        raise Unreadable("too_deep", f"{len(body)} bytes") from None


def _parts(body: bytes, key: str) -> Iterator[Part | Fault]:
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        root = parse_xml(body)
        if not str(root.tag).startswith(FHIR):
            raise Unreadable("not_fhir", f"<{str(root.tag).rpartition('}')[2]}>")
        found: Any = {**_element(root), "resourceType": etree.QName(root).localname}
    else:
        found = load(body, key)
    resources = [resource for one in as_list(found) for resource in _resources(one)]
    if not resources:
        raise Unreadable("not_fhir", "no object with a resourceType")
    for index, resource in enumerate(resources):
        kind, own = resource["resourceType"], scalar(resource.get("id"))
        yield _part(resource, f"{kind}/{own or index}" if len(resources) > 1 else "")


def _resources(node: Any) -> Iterator[dict[str, Any]]:
    """Yield a resource, or those of a bundle; and those that one contains."""
    if not isinstance(node, dict) or not isinstance(node.get("resourceType"), str):
        return
    if node["resourceType"] == "Bundle":
        for entry in as_list(node.get("entry")):
            if isinstance(entry, dict):
                yield from _resources(entry.get("resource"))
        return
    yield node
    for inner in as_list(node.get("contained")):
        yield from _resources(inner)


def _part(resource: dict[str, Any], name: str) -> Part | Fault:
    outline = Outline()
    write_resource(resource, outline)
    if outline.is_empty():
        return Fault(reason="no_text", detail=f"a {resource['resourceType']} without words", name=name)
    text, sections = outline.finish()
    published = _DATE.match(scalar(resource.get("date")))
    said = scalar(resource.get("copyright")) or scalar(resource.get("license"))
    facts = {"resource_type": resource["resourceType"]}
    facts |= {field: value for field in ("status", "publisher") if (value := scalar(resource.get(field)))}
    canonical = scalar(resource.get("url"))
    return Part(
        text=text,
        title=title_of(resource),
        name=name,
        sections=sections,
        language=scalar(resource.get("language")) or None,
        published=published[0] if published else None,
        version=scalar(resource.get("version")) or None,
        spdx=spdx_of(said) if said else None,
        licence_text=said,
        identifiers={"fhir": canonical} if canonical else {},
        extra=facts,
    )


def _element(node: etree._Element) -> dict[str, Any]:
    """Return an XML element as JSON has it: repeated fields as lists, primitives by their `value`, narrative as text.

    A field that could repeat but stands once is no list; whoever reads it uses `as_list`.
    """
    found: dict[str, Any] = {}
    if node.get("url") is not None:
        found["url"] = node.get("url")
    for child in node:  # `parse_xml` leaves neither comments nor instructions
        name, value = etree.QName(child).localname, _value(child)
        if name in found and name != "url":
            found[name] = [*as_list(found[name]), value]
        else:
            found[name] = value
    return found


def _value(child: etree._Element) -> Any:
    if str(child.tag).startswith(XHTML):
        return etree.tostring(child, encoding="unicode", with_tail=False)
    if child.get("value") is not None:
        return child.get("value")
    inner = _element(child)
    first = next(iter(child), None)
    is_holder = etree.QName(child).localname in ("resource", "contained") and first is not None and len(inner) == 1
    if is_holder and first is not None:
        return {**_element(first), "resourceType": etree.QName(first).localname}
    return inner
