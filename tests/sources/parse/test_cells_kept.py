"""Table cells and list items of real labels, PDQ summaries and NGC summaries are in the document, word for word.

Each cell and item without another inside is looked for as a run of letters and digits, whatever marks stand around it.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import etree, html

from sources.parse import spl, xml_fields
from sources.parse.part import Parser, Part, Unreadable

DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent")) / "guidelines_structured"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA names no structured guidelines"),
]
MIN_KEPT = 0.999
HL7 = "{urn:hl7-org:v3}"
CELLS = {"td", "th", "li", "item", "entry", "ListItem"}
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", "01234567890123456789abcdefghijklmnoprstuvwxyz")


def run_of(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.replace("<br>", " ").translate(RAISED)).casefold()


def leaves(root: etree._Element) -> Iterator[str]:
    """Yield the text of cells and items; a footnote is no part of its cell."""
    for footnote in root.iter(f"{HL7}footnote"):
        tail = footnote.tail
        footnote.clear()
        footnote.tail = tail
    for element in root.iter():
        if isinstance(element.tag, str) and etree.QName(element).localname in CELLS:
            inside = (etree.QName(e).localname for e in element.iterdescendants() if isinstance(e.tag, str))
            if CELLS.isdisjoint(inside):
                yield "".join(map(str, element.itertext()))


def ngc_leaves(root: etree._Element) -> Iterator[str]:
    for value in root.iterfind("Section[@Name]/Field/FieldValue"):
        section = next(value.iterancestors("Section"))
        if section.get("Name") != "Disclaimer" and (value.get("Value") or "").strip():
            yield from leaves(html.fromstring(f"<div>{value.get('Value')}</div>"))


def pdq_leaves(root: etree._Element) -> Iterator[str]:
    for apart in [*root.iter("ReferenceSection", "SummaryMetaData")]:
        apart.clear()
    yield from leaves(root)


KINDS: dict[str, tuple[Callable[[etree._Element], Iterator[str]], Parser]] = {
    "spl_labels": (leaves, spl.parse),
    "nci_pdq_xml": (pdq_leaves, xml_fields.parse),
    "ngc_xml": (ngc_leaves, xml_fields.parse),
}


@pytest.mark.parametrize("folder", KINDS)
def test_cells_and_items_of_real_files_are_kept(folder: str) -> None:
    walk, parser = KINDS[folder]
    total, lost = 0, []
    for path in sorted((DATA / folder).glob("*.xml")):
        try:
            parts = [part for part in parser(path.read_bytes(), path.name, {}) if isinstance(part, Part)]
        except Unreadable:  # which files are refused, and why, is told by the tests of each parser
            continue
        said = run_of(re.sub(r"(?<=\S)\[[a-z]{1,2}\]", "", "\n".join(part.text for part in parts)))
        found = [run_of(cell) for cell in walk(etree.fromstring(path.read_bytes()))]
        total += sum(1 for cell in found if cell)
        lost += [f"{path.name}: {cell[:60]}" for cell in found if cell and cell not in said]
    assert total > 100, "the walk saw no cells"
    assert len(lost) <= (1 - MIN_KEPT) * total, f"{len(lost)} of {total} lost: {lost[:20]}"
    print(f"{folder}: {total - len(lost)} of {total} cells and items kept")
