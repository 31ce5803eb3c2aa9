"""What the listing of a crawl said of a page: it fills gaps, and never overrules the page or grants by guessing."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sources.archive import Item
from sources.assemble import Declared, Found, document_of
from sources.catalog import SourceConfig
from sources.parse.part import Part

CASES = json.loads((Path(__file__).parent / "listing_facts_cases.json").read_text())
URL = "https://guide.example.org/a"
CONFIG = SourceConfig.model_validate(
    {
        "name": "guide",
        "kind": "guideline",
        "rights": {"spdx": "CC0-1.0", "evidence": "https://guide.example.org/terms"},
        "web": {"connector": "urls", "hosts": ["guide.example.org"], "options": {"urls": [URL]}},
    }
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_facts_of_a_listing(case: dict[str, Any]) -> None:
    item = Item(URL, b"x", URL, "2030-01-01T00:00:00Z", "text/html", {"role": "item", "key": URL, **case["fields"]})
    part = {**asdict(Part(text="Give 5 mg.")), **case["part"]}
    document = document_of(Declared(CONFIG), Found(item, "0" * 64, "f.warc.gz", URL, {}), URL, part)
    assert (document.key, document.url, document.retrieved) == (URL, URL, "2030-01-01T00:00:00Z")
    assert {name: getattr(document, name) for name in case["document"]} == case["document"]
    assert {name: getattr(document.rights, name) for name in case["rights"]} == case["rights"]
