"""JSON and XML are many formats: which one an item is, and what a wiki's dump leaves in the account."""

from pathlib import Path

import pytest
from test_extract import ran, stage

from sources.catalog import parser_for


@pytest.mark.parametrize(
    ("suffix", "media_type", "head", "parser"),
    [
        (".json", None, b'{"id": "a", "resourceType": "PlanDefinition"}', "fhir"),
        (".json", None, b'{"rows": [{"resourceType": "PlanDefinition"}]}', "records"),
        ("", "application/json", b' {\n "resourceType" : "Bundle"', "fhir"),
        ("", "application/json", b'[{"text": "resourceType: x"}]', "records"),
        ("", "application/fhir+json; charset=utf-8", b"{}", "fhir"),
        ("", "application/fhir+xml", b"<Bundle/>", "fhir"),
        (".xml", None, b'<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir">', "fhir"),
        (".xml", None, b'<document xmlns="urn:hl7-org:v3">', "xml"),
        (".xml", None, b'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/">', "mediawiki"),
        (".jsonl", None, b'{"resourceType": "Patient"}', "records"),
    ],
)
def test_the_parser_of_a_format_within_json_or_xml(
    suffix: str, media_type: str | None, head: bytes, parser: str
) -> None:
    assert parser_for(suffix, media_type, head) == parser


def test_redirects_of_a_dump_are_dropped_and_accounted_for(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pages = "".join(
        f"<page><title>{title}</title><ns>{ns}</ns><id>{n}</id><revision><text>{text}</text></revision></page>"
        for n, (title, ns, text) in enumerate(
            [("Iron", 0, "Give 5 mg."), ("Fe", 0, "#REDIRECT [[Iron]]"), ("Talk:Iron", 1, "hm"), ("Empty", 0, "")]
        )
    )
    (folder / "dump.xml").write_text(f"<mediawiki>{pages}</mediawiki>")
    found = ran(stage(folder), tmp_path / "out")
    assert [document.text for document in found.documents.values()] == ["Give 5 mg."]
    assert found.reasons() == {
        "dump.xml#1": "redirect",
        "dump.xml#2": "other_namespace",
        "dump.xml#3": "no_text",
    }
    total = found.manifest.ledger.total()
    assert (total.records_in, total.records_kept, total.dropped.total(), total.quarantined.total()) == (4, 1, 2, 1)
