"""HL7 structured product labels (SPL, as DailyMed publishes them) to one Part each.

A label says things three times: as product data, as highlights of half a page, and in full. Each stands under a
heading of its own, in this order, so that a summary is never read as a second recommendation, and nothing is said
twice. Sections keep their titles and depth; one without a title is headed by what its LOINC code means. Not here: the
marks within the narrative (`spl_narrative`), product data (`spl_product`) and tables (`html_table`).
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from sources.parse.html_blocks import blocks_of
from sources.parse.html_inline import settle_inline
from sources.parse.html_markdown import markdown
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.spl_narrative import plain, settle_narrative
from sources.parse.spl_product import generic_name, product_lines, product_name, products
from sources.parse.xml_safe import parse_xml
from sources.parse.xml_tags import as_html, strip_namespaces

HIGHLIGHTS = "Highlights"
PRODUCTS = "Product data"
BOXED_WARNING = "34066-1"
LOINC = {
    BOXED_WARNING: "Boxed warning", "34067-9": "Indications and usage", "34068-7": "Dosage and administration",
    "34069-5": "How supplied", "34070-3": "Contraindications", "34071-1": "Warnings", "34073-7": "Drug interactions",
    "34084-4": "Adverse reactions", "34088-5": "Overdosage", "34089-3": "Description",
    "34090-1": "Clinical pharmacology", "42228-7": "Pregnancy", "42232-9": "Precautions",
    "43678-2": "Dosage forms and strengths", "43684-0": "Use in specific populations",
    "43685-7": "Warnings and precautions", "51945-4": "Package label",
}  # fmt: skip
"""What a code means where the label does not say it: the sections that doses and warnings stand in."""
_NOTICE = re.compile(
    r"These highlights do not include.*?\.(?:\s+See full prescribing information for .*?\.)?(?=\s|$)\s*", re.I | re.S
)
_APPROVAL = re.compile(r"\s*\b(Initial (?:U\.?S\.?|United States) Approval:?\s*(?:\d{4})?)\s*", re.I)


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
    facts = product_lines(document)
    labeler = plain(document.find("author/assignedEntity/representedOrganization/name"))
    settle_narrative(document)
    for element in document.iter("title"):
        settle_inline(element)
    codes = [code for section in document.iter("section") if (code := _code(section))]
    title, notices = _title(document)
    page = etree.Element("div")
    _add(page, "h1", title)
    _add_facts(page, facts, labeler)
    _add_highlights(page, document, notices)
    if not _add_sections(page, document):
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


def _title(document: etree._Element) -> tuple[str, list[str]]:
    """Return the title of a label, and what its title element says besides: the notice and year of approval.

    The product is named first where the title does not name it ("Drug Facts").
    """
    said = plain(document.find("title"))
    notices: list[str] = []
    if notice := _NOTICE.match(said):
        said, notices = said[notice.end() :], [notice[0].strip()]
    if approval := _APPROVAL.search(said):
        said = f"{said[: approval.start()]} {said[approval.end() :]}".strip()
        notices.append(approval[1].strip())
    names = list(dict.fromkeys(product_name(p) or generic_name(p) for p in products(document)))
    missing = [name for name in names[:3] if name and name.casefold() not in said.casefold()]
    named = ", ".join(missing) if len(missing) == len(names[:3]) else ""
    return ": ".join(part for part in (named, said) if part), notices


def _add_facts(page: etree._Element, facts: list[str], labeler: str) -> None:
    if not facts and not labeler:
        return
    _add(page, "h2", PRODUCTS)
    listed = etree.SubElement(page, "ul")
    for fact in [*facts, *([f"Labeler: {labeler}"] if labeler else [])]:
        _add(listed, "li", fact)


def _add_highlights(page: etree._Element, document: etree._Element, notices: list[str]) -> None:
    """Take the excerpts out of the sections and put them under one heading, with the notice that they are no more."""
    found = [(s, e.findall(".//text")) for s in document.iter("section") for e in s.findall("excerpt")]
    if not notices and not any(plain(text) for _, texts in found for text in texts):
        return
    _add(page, "h2", HIGHLIGHTS)
    for notice in notices:
        _add(page, "p", notice)
    for section, texts in found:
        kept = [text for text in texts if plain(text)]
        if kept:
            _add(page, "h3", _heading(section))
        page.extend(kept)


def _add_sections(page: etree._Element, document: etree._Element) -> bool:
    """Add heading and text of every section, as deep as sections are nested; say whether there was any text."""
    found = False
    for section in list(document.find("component/structuredBody").iter("section")):  # type: ignore[union-attr]
        text = section.find("text")
        heading = _heading(section)
        is_said = bool(plain(text))
        if heading and (is_said or plain(section.find("title")) or _has_text_below(section)):  # a title may say it all
            depth = sum(1 for above in section.iterancestors("section"))
            _add(page, f"h{min(6, depth + 2)}", heading)
        if text is not None and is_said:
            found = True
            page.append(text)
    return found


def _has_text_below(section: etree._Element) -> bool:
    return any(plain(text) for text in section.iterfind(".//component/section/text"))


def _heading(section: etree._Element) -> str:
    code = section.find("code")
    meant = (code.get("displayName") or "" if code is not None else "").strip()
    meant = re.sub(r"\s+section$", "", meant, flags=re.IGNORECASE)
    if "unclassified" in meant.lower():
        meant = ""
    meant = meant or LOINC.get(_code(section), "")
    title = plain(section.find("title"))
    if _code(section) == BOXED_WARNING and title and "boxed" not in title.lower():
        return f"{LOINC[BOXED_WARNING]}: {title}"
    return title or meant


def _add(parent: etree._Element, tag: str, text: str) -> None:
    if text:
        etree.SubElement(parent, tag).text = text


def _code(section: etree._Element) -> str:
    code = section.find("code")
    return (code.get("code") or "") if code is not None else ""


def _attribute(document: etree._Element, tag: str, name: str) -> str | None:
    element = document.find(tag)
    return (element.get(name) or "").strip() or None if element is not None else None


def _language(document: etree._Element) -> str | None:
    return (_attribute(document, "languageCode", "code") or "").replace("_", "-") or None


def _date(element: etree._Element | None) -> str | None:
    """Return the ISO date of an HL7 time (`YYYY[MM[DD...]]`), None when it is none."""
    found = re.match(r"(\d{4})(\d\d)?(\d\d)?", element.get("value") or "" if element is not None else "")
    return "-".join(part for part in found.groups() if part) if found else None
