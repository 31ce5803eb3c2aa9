"""No number, unit, sign or range of real structured guidance is lost: a walk of the test's own against the parsers.

The main part is what the test's own walk of the format says it is; references, titles and dates that a parser gives
apart from the text count as kept. Every loss is listed in the failure.
"""

import csv
import gzip
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree, html
from plain_numbers import lost, numbers, words_of
from ruamel.yaml import YAML

from sources.parse import fhir, records, spl, structured, text, xml_fields
from sources.parse.part import Fault, Parser, Part, Unreadable

DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent")) / "guidelines_structured"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA names no structured guidelines"),
]
MAX_LOST = 0.001
HL7 = "{urn:hl7-org:v3}"


def body_of(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def label_words(body: bytes) -> str:
    """Titles, narrative and excerpts of every section, and the strengths of ingredients."""
    root = etree.fromstring(body)
    title = root.find(f"{HL7}title")
    said = [words_of(title)] if title is not None else []
    for section in root.iter(f"{HL7}section"):
        said += [words_of(part) for name in ("title", "text", "excerpt") for part in section.findall(HL7 + name)]
    for numerator in root.iterfind(f".//{HL7}ingredient/{HL7}quantity/{HL7}numerator"):
        said.append(f"{numerator.get('value')} {numerator.get('unit')}")
    return "\n".join(said)


def pdq_words(body: bytes) -> str:
    return words_of(etree.fromstring(body), ("summarymetadata", "sectmetadata", "alttitle"))


def ngc_words(body: bytes) -> str:
    """The HTML in every field; a field that the record gives twice counts once, and the disclaimer not at all."""
    fields: dict[tuple[str, str], str] = {}
    for field in etree.fromstring(body).iterfind("Section/Field"):
        values = [value.get("Value") or "" for value in field.iter("FieldValue")]
        if field.getparent().get("Name") != "Disclaimer" and any(value.strip() for value in values):
            fields[field.get("Name"), "".join(values)] = "\n".join(html_words(value) for value in values)
    return "\n".join(fields.values())


def medquad_words(body: bytes) -> str:
    pairs = etree.fromstring(body).iter("QAPair")
    return "\n".join(words_of(pair) for pair in pairs if (pair.findtext("Answer") or "").strip())


def json_words(body: bytes) -> str:
    return tree_words(json.loads(body, parse_float=str, parse_int=str))


def fhir_words(body: bytes) -> str:
    """All strings but those under fields that FHIR defines for machines; what an element says twice counts once."""
    return tree_words(_for_people(json.loads(body, parse_float=str, parse_int=str)))


MACHINE = {"id", "url", "system", "reference", "linkId", "version", "date", "name", "identifier", "code", "library"}


def _for_people(node: Any) -> Any:
    if isinstance(node, dict):
        coded = {key for key, value in node.items() if key in MACHINE and isinstance(value, str)}
        links = {key for key, value in node.items() if isinstance(value, str) and value.startswith("http")}
        names = {"expression"} if node.get("language") == "text/cql-identifier" else set()
        left = coded | links | names | {"library", "identifier", "trigger", "relatedAction"}
        kept = {key: value for key, value in node.items() if key not in left}
        once = {value.strip(): key for key, value in reversed(kept.items()) if isinstance(value, str)}
        again = {key for key, value in kept.items() if isinstance(value, str) and once[value.strip()] != key}
        return {key: _for_people(value) for key, value in kept.items() if key not in again}
    return [_for_people(value) for value in node] if isinstance(node, list) else node


def yaml_words(body: bytes) -> str:
    return tree_words(YAML(typ="base", pure=True).load(body))


def tree_words(tree: Any) -> str:
    pieces: list[str] = []
    stack = [tree]
    while stack:
        value = stack.pop()
        if isinstance(value, dict | list):
            stack += reversed(list(value.values()) if isinstance(value, dict) else value)
        elif value is not None:
            pieces.append(html_words(str(value)) if "</" in str(value) else str(value))
    return "\n".join(pieces)


def html_words(value: str) -> str:
    return words_of(html.fromstring(f"<div>{value}</div>"), ("style", "script")) if value.strip() else ""


def text_words(body: bytes) -> str:
    """The text below a front matter."""
    words = body.decode("utf-8").replace("\r\n", "\n")
    return words.partition("\n---\n")[2] if words.startswith("---\n") else words


def csv_words(body: bytes) -> str:
    return "\n".join(row["text"] for row in csv.DictReader(body.decode("utf-8-sig").splitlines(keepends=True)))


def csv_rows(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    return records.parse(body, key, {**options, "fields": {"text": "text"}})


KINDS: dict[str, tuple[Callable[[bytes], str], Parser]] = {
    "spl_labels/*.xml": (label_words, spl.parse),
    "nci_pdq_xml/*.xml": (pdq_words, xml_fields.parse),
    "ngc_xml/*.xml": (ngc_words, xml_fields.parse),
    "medquad/*.xml": (medquad_words, xml_fields.parse),
    "who_smart_anc/*.json": (fhir_words, fhir.parse),
    "uspstf_guidelines.json": (json_words, structured.parse),
    "nigeria_stg_2022.json.gz": (json_words, structured.parse),
    "nci_yaml/*.gz": (yaml_words, structured.parse),
    "nigeria_stg_txt/*.txt": (text_words, text.parse),
    "cdc_covid_snapshots/*.txt": (text_words, text.parse),
    "mmwr_supplement_md/*.md": (text_words, text.parse),
    "nci_markdown/*.md": (text_words, text.parse),
    "nhs_markdown/*.md": (text_words, text.parse),
    "nhs_conditions_small_sample.csv": (csv_words, csv_rows),
    "who_smart_anc/*.md": (text_words, text.parse),
}


@pytest.mark.parametrize("pattern", KINDS)
def test_numbers_of_real_files_are_kept(pattern: str) -> None:
    walk, parser = KINDS[pattern]
    total, losses = 0, Counter[tuple[str, str, str, str]]()
    for path in sorted(DATA.glob(pattern)):
        body = body_of(path)
        try:
            parts = [part for part in parser(body, path.name.removesuffix(".gz"), {}) if isinstance(part, Part)]
        except Unreadable:  # which files are refused, and why, is told by the tests of each parser
            continue
        apart = [fact for part in parts for fact in (part.title, part.published, part.version, *part.references)]
        said = walk(body)
        total += sum(numbers(said).values())
        losses += lost(said, "\n".join([*(part.text for part in parts), *(fact or "" for fact in apart)]))
    assert total > 50, "the walk saw no numbers"
    listed = ", ".join(f"{key} x {times}" for key, times in sorted(losses.items())[:50])
    print(f"{pattern}: {sum(losses.values())} of {total} lost")
    assert sum(losses.values()) <= MAX_LOST * total, f"{sum(losses.values())} of {total} lost: {listed}"
