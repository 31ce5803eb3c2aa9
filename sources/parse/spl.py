"""HL7 structured product labels (SPL, as DailyMed publishes them) to one Part each.

The text is that of `spl_page`; beside it stand what the label says of itself: set id, version, date, labeler, product
codes, and the LOINC codes of its sections. Follows HL7 SPL release 4 and later, older element names included. Not
here: packages of labels, which are archives.
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from sources.parse.html_blocks import blocks_of
from sources.parse.html_inline import settle_inline
from sources.parse.html_markdown import markdown
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.spl_narrative import plain
from sources.parse.spl_page import code_of, page_of
from sources.parse.spl_product import products
from sources.parse.xml_safe import parse_xml
from sources.parse.xml_tags import as_html, strip_namespaces


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield the Part of a label. No options.

    Raises Unreadable: those of `parse_xml`, not_spl when it is no label, no_text when it holds no text.
    """
    document = parse_xml(body)
    strip_namespaces(document)
    yield label_part(document)


def is_label(root: etree._Element) -> bool:
    """Say whether the root of a file, whose elements have no namespaces, is a label."""
    return root.tag == "document" and root.find("component/structuredBody") is not None


def label_part(document: etree._Element) -> Part:
    """Return the Part of a label whose elements have no namespaces; `document` is used up. Raises Unreadable."""
    if not is_label(document):
        raise Unreadable("not_spl", f"<{document.tag}> without a structured body")
    labeler = plain(document.find("author/assignedEntity/representedOrganization/name"))
    codes = [code for section in document.iter("section") if (code := code_of(section))]
    page, title = page_of(document, labeler)
    if page is None:
        raise Unreadable("no_text", "a label without text in its sections")
    as_html(page)
    edits = settle_inline(page)
    text, sections = markdown(blocks_of(page))
    return Part(
        text=text,
        title=title or None,
        sections=sections,
        language=_language(document),
        published=_date(document.find("effectiveTime")),
        version=_attribute(document, "versionNumber", "value"),
        identifiers={
            name: value
            for name, tag in (("spl_set_id", "setId"), ("spl_id", "id"))
            if (value := _attribute(document, tag, "root"))
        },
        extra=_extra(document, labeler, codes) | ({"edits": edits} if edits else {}),
    )


def _extra(document: etree._Element, labeler: str, codes: list[str]) -> dict[str, Any]:
    ndc = [code.get("code") for p in products(document) if (code := p.find("code")) is not None and code.get("code")]
    found = {
        "labeler": labeler,
        "label_type": _attribute(document, "code", "displayName"),
        "ndc": list(dict.fromkeys(ndc)),
        "loinc": list(dict.fromkeys(codes)),
    }
    return {name: value for name, value in found.items() if value}


def _attribute(document: etree._Element, tag: str, name: str) -> str | None:
    element = document.find(tag)
    return (element.get(name) or "").strip() or None if element is not None else None


def _language(document: etree._Element) -> str | None:
    return (_attribute(document, "languageCode", "code") or "").replace("_", "-") or None


def _date(element: etree._Element | None) -> str | None:
    """Return the ISO date of an HL7 time (`YYYY[MM[DD...]]`), None when it is none."""
    found = re.match(r"(\d{4})(\d\d)?(\d\d)?", element.get("value") or "" if element is not None else "")
    return "-".join(part for part in found.groups() if part) if found else None
