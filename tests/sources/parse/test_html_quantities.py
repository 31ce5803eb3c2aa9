"""Every threshold, dose, unit and range that a plain walk sees in a page's main part is in the document.

The main part is found by `html_reference_walk`, which never asks the extractor. NGC summaries carry their HTML in
attributes of XML; every value but the disclaimer is main text there. The walk itself is tested on invented pages.
"""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree
from lxml.html import HTMLParser, document_fromstring

from sources.parse import html, xml_fields
from sources.parse.part import Part
from tests.sources.parse.html_reference_walk import items, main_part, pages, plain_text, quantities, rows, words

ROOT = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
PAGES = pages(ROOT / "guidelines_html")
SUMMARIES = sorted(ROOT.glob("guidelines_structured/ngc_xml/*.xml"))
MAX_LOST_SHARE = 0.001
MIN_KEPT_SHARE = 0.95
WITHOUT_DATA = not PAGES or not SUMMARIES
REASON = "MEDMIX_DATA names no folder with guidelines_html and guidelines_structured"


def document(path: Path) -> str:
    (part,) = html.parse(path.read_bytes(), path.name, {})
    assert isinstance(part, Part)
    return part.text


def refuse_losses(wanted: int, lost: dict[str, Counter[str]]) -> None:
    missing = sum(counted.total() for counted in lost.values())
    listed = "\n".join(f"  {name}: {dict(counted)}" for name, counted in lost.items() if counted)
    assert missing <= MAX_LOST_SHARE * wanted, f"{missing} of {wanted} quantities lost:\n{listed}"


@pytest.mark.real
@pytest.mark.skipif(WITHOUT_DATA, reason=REASON)
def test_quantities_of_all_guideline_pages_are_in_their_documents() -> None:
    total, lost = 0, {}
    for path in PAGES:
        wanted = quantities(plain_text(main_part(path.read_bytes())))
        total += wanted.total()
        lost[f"{path.parent.name}/{path.name}"] = wanted - quantities(document(path))
    assert total > 5000
    refuse_losses(total, lost)


@pytest.mark.real
@pytest.mark.skipif(WITHOUT_DATA, reason=REASON)
def test_quantities_of_html_in_attributes_are_in_their_documents() -> None:
    total, lost = 0, {}
    for path in SUMMARIES:
        values = etree.parse(str(path)).xpath("//Section[not(@Name='Disclaimer')]//FieldValue/@Value")
        texts = dict.fromkeys(plain_text(fragment(str(value))) for value in values if str(value).strip())
        wanted = quantities("\n".join(texts))  # a field that is written again in another section counts once
        parts = [part for part in xml_fields.parse(path.read_bytes(), path.name, {}) if isinstance(part, Part)]
        total += wanted.total()
        lost[path.name] = wanted - quantities("\n".join(f"{part.title}\n{part.text}" for part in parts))
    assert total > 1000
    refuse_losses(total, lost)


@pytest.mark.real
@pytest.mark.skipif(WITHOUT_DATA, reason=REASON)
def test_quantities_of_known_bodies_are_in_their_documents() -> None:
    gold = ROOT / "guidelines_html" / "extraction_gold" / "aeb"
    total, lost = 0, {}
    for name, page in json.loads((gold / "ground_truth.json").read_text("utf-8")).items():
        wanted = quantities(str(page["articleBody"]))
        total += wanted.total()
        lost[name] = wanted - quantities(document(gold / name))
    refuse_losses(total, lost)


def fragment(value: str) -> etree._Element:
    return document_fromstring(f"<div>{value}</div>".encode(), parser=HTMLParser(encoding="utf-8"))


@pytest.mark.real
@pytest.mark.skipif(WITHOUT_DATA, reason=REASON)
@pytest.mark.parametrize("family", ["ngc", "cdc_pcd", "cdc_other_languages", "who_phc_0to18", "who_smart_ig"])
def test_cells_and_items_of_guideline_pages_are_in_their_documents(family: str) -> None:
    counts, lost = Counter[str](), []
    for path in PAGES:
        if path.parent.name == family:
            main, there = main_part(path.read_bytes()), f" {words(document(path))} "
            for row in rows(main):
                counts["cells"] += len(row)
                counts["lost"] += 0 if f" {' '.join(row)} " in there else len(row)
                lost += [] if f" {' '.join(row)} " in there else [f"{path.name}: {row}"]
            gone = [item for item in items(main) if f" {item} " not in there]
            counts["items"] += sum(1 for _ in items(main))
            counts["lost"] += len(gone)
            lost += [f"{path.name}: {item}" for item in gone]
    assert counts["items"] + counts["cells"] > 100
    kept = 1 - counts["lost"] / (counts["items"] + counts["cells"])
    assert kept >= MIN_KEPT_SHARE, "\n".join(lost[:40])


def test_the_walk_reads_quantities_with_their_sign_range_and_unit() -> None:
    found = quantities("Give 5 mg or 10 – 20 mL/kg if SpO2 <90 % (10³ cells) on 3 May, room 12.\n7\nmg")
    assert found == Counter(["5mg", "10-20ml/kg", "<90%", "103cells"])


def test_the_walk_finds_the_main_part_by_its_container_or_its_running_text() -> None:
    prose = "<p>Assess every child who is brought to the clinic and ask what was seen at home before treatment.</p>"
    menu = "<div><ul><li><a href='/'>Dose of 9 mg</a></li></ul></div>"
    named = f"<body>{menu}<main>{prose}<nav>9 mg</nav><p>5 mg</p></main><p>8 mg</p></body>"
    assert quantities(plain_text(main_part(named.encode()))) == Counter(["5mg"])
    unnamed = f"<body>{menu}<div>{prose}{prose}<p hidden>7 mg</p><p>5<img>6 mg</p></div><p>8 mg</p></body>"
    assert quantities(plain_text(main_part(unnamed.encode()))) == Counter(["6mg"])
