"""Each connector on small pages, case by case: what it lists, what it says of bad entries, what it refuses and why."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from sources.parse.part import Fault, Unreadable

FOLDER = Path(__file__).parent / "cases"
CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("connector", "case"), CASES)
def test_case(connector: str, case: dict[str, Any]) -> None:
    key = case.get("key", "https://site.example.org/list")
    told = {"url": key, "role": "index", "step": case.get("step", ""), "fields": case.get("fields", {})}
    options = {"connector": case["options"], "link": told, "media_type": case.get("media_type", "")}
    expand = import_module(f"sources.connectors.{connector}").expand
    if "refused" in case:
        reason, words = case["refused"]
        with pytest.raises(Unreadable) as refusal:
            list(expand(case["body"].encode(), key, options))
        assert refusal.value.reason == reason
        assert words in refusal.value.detail
        return
    found = list(expand(case["body"].encode(), key, options))
    links = [one for one in found if not isinstance(one, Fault)]
    assert [link.url for link in links if link.role == "item"] == case["items"]
    assert [link.url for link in links if link.role == "index"] == case["index"]
    assert [one.reason for one in found if isinstance(one, Fault)] == case["faults"]
    assert all(link.fields.items() >= case.get("fields", {}).items() for link in links)


def test_every_expanding_connector_has_cases() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} >= {
        "sitemap", "html_index", "dspace7", "mediawiki", "oai_pmh", "api_json", "spl", "fhir_ig", "git_tree"
    }  # fmt: skip
