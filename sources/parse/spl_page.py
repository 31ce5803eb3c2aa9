"""A drug label as one page of HTML elements: product data, highlights, then the full text in its sections.

A label says things three times: as product data, as highlights of half a page, and in full. Each stands under a
heading of its own, in this order, so that a summary is never read as a second recommendation, and nothing is said
twice. Sections keep their titles and depth; one without a title is headed by what its LOINC code means. Not here: the
marks within the narrative (`spl_narrative`), product data (`spl_product`) and tables (`html_table`).
"""

import re

from lxml import etree

from sources.parse.html_inline import settle_inline
from sources.parse.spl_narrative import plain, settle_narrative
from sources.parse.spl_product import generic_name, product_lines, product_name, products

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


def page_of(document: etree._Element, labeler: str) -> tuple[etree._Element | None, str]:
    """Return the page of a label and its title; no page when its sections hold no text. `document` is used up."""
    facts = product_lines(document)
    settle_narrative(document)
    for element in document.iter("title"):
        settle_inline(element)
    title, notices = _title(document)
    page = etree.Element("div")
    _add(page, "h1", title)
    _add_facts(page, facts, labeler)
    _add_highlights(page, document, notices)
    return (page if _add_sections(page, document) else None), title


def code_of(section: etree._Element) -> str:
    """Return the LOINC code of a section, "" when it has none."""
    code = section.find("code")
    return (code.get("code") or "") if code is not None else ""


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
    meant = meant or LOINC.get(code_of(section), "")
    title = plain(section.find("title"))
    if code_of(section) == BOXED_WARNING and title and "boxed" not in title.lower():
        return f"{LOINC[BOXED_WARNING]}: {title}"
    return title or meant


def _add(parent: etree._Element, tag: str, text: str) -> None:
    if text:
        etree.SubElement(parent, tag).text = text
