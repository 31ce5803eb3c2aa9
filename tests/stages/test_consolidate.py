"""The policy drops for the reason that holds first, keeps the rest in order, and notes what it edits."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.engine.stage import Rejected
from pipelines.stages.consolidate import REASONS, Consolidate, ConsolidateConfig
from pipelines.stages.drop_sections import drop_sections
from pipelines.stages.language import Language, LanguageConfig
from pipelines.stages.quality import Quality, QualityConfig
from sources.document import Document, estimate_tokens, from_table, to_table
from sources.rights import Rights, rights_from

TEXT = "Give oral amoxicillin twice a day for five days, and reassess the child after two days of treatment."
OPEN = rights_from("CC-BY-4.0", "https://example.org")


def document(id: str = "1", **fields: Any) -> Document:
    return Document(
        **{"id": id, "kind": "article", "source": "s", "key": f"k{id}", "text": TEXT, "rights": OPEN, **fields}
    )


def why(row: Document, losers: dict[str, Rejected] | None = None, **config: Any) -> tuple[str, str] | None:
    table = to_table([row])
    attributes = {
        "language": Language(LanguageConfig()).apply(table).table,
        "quality": Quality(QualityConfig()).apply(table).table,
    }
    batch = Consolidate(ConsolidateConfig(**config)).apply(table, attributes, losers or {})
    assert batch.table.num_rows + len(batch.rejected) == 1
    assert all(not rejected.quarantine and rejected.reason in REASONS for rejected in batch.rejected.values())
    return (batch.rejected[0].reason, batch.rejected[0].detail) if batch.rejected else None


def test_an_ordinary_document_goes_on() -> None:
    assert why(document()) is None


@pytest.mark.parametrize(
    ("fields", "config", "expected"),
    [
        ({"text": " \n"}, {}, ("empty", "")),
        ({"retracted": True}, {}, ("retracted", "")),
        ({"extra": json.dumps({"reference_only": True})}, {}, ("reference_only", "")),
        ({"extra": json.dumps({"robots": "index, NOAI"})}, {}, ("removal_requested", "robots: noai")),
        ({"extra": json.dumps({"robots": "googlebot: noindex"})}, {}, ("removal_requested", "robots: noindex")),
        ({"identifiers": {"doi": "10.1/x"}}, {"removed": ("10.1/x",)}, ("removal_requested", "named in the run file")),
        ({"rights": Rights()}, {"profile": "open"}, ("rights", "LicenseRef-unknown under open")),
        ({"rights": rights_from("CC-BY-NC-4.0")}, {"profile": "open"}, ("rights", "CC-BY-NC-4.0 under open")),
        ({"rights": rights_from("CC-BY-4.0", tdm_reserved=True)}, {}, ("rights", "CC-BY-4.0 under research-internal")),
        ({}, {"languages": ("fr",)}, ("language", "en")),
        ({}, {"min_tokens": 1000}, ("too_short", f"{estimate_tokens(TEXT)} tokens")),
        ({"text": "lorem ipsum dolor sit amet"}, {}, ("quality.lorem_ipsum", "")),
        ({"text": "", "retracted": True, "rights": Rights()}, {}, ("retracted", "")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_dropped_for(fields: dict[str, Any], config: dict[str, Any], expected: tuple[str, str]) -> None:
    assert why(document(**fields), **config) == expected


def test_a_duplicate_names_its_survivor() -> None:
    assert why(document(), {"1": Rejected("duplicate", "7")}) == ("duplicate", "7")


@pytest.mark.parametrize(
    ("fields", "config"),
    [
        ({"rights": Rights()}, {}),
        ({"rights": rights_from("CC-BY-NC-4.0")}, {"profile": "open-noncommercial"}),
        ({"retracted": True}, {"drop_retracted": False}),
        ({"text": "lorem ipsum"}, {"drop_flags": ()}),
        ({"text": "CD4 <200"}, {"languages": ("fr",)}),
        ({"language": "fr-CA", "text": "5 mg"}, {"languages": ("fr",)}),
        ({"extra": json.dumps({"robots": "index, follow, max-snippet:-1"})}, {}),
        ({"text": "", "messages": [{"role": "user", "content": "Dose?", "trained": False}]}, {}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_kept_all_the_same(fields: dict[str, Any], config: dict[str, Any]) -> None:
    assert why(document(**fields), **config) is None


def test_rows_keep_their_order_and_a_found_language_is_filled_in() -> None:
    table = to_table([document("1"), document("2", retracted=True), document("3", language="en-GB")])
    attributes = {"language": Language(LanguageConfig()).apply(table).table}
    batch = Consolidate(ConsolidateConfig()).apply(table, attributes, {})
    assert [(d.id, d.language) for d in from_table(batch.table)] == [("1", "en"), ("3", "en-GB")]
    assert {row: why.reason for row, why in batch.rejected.items()} == {1: "retracted"}
    assert batch.table.schema == table.schema


def test_attributes_of_other_rows_are_refused() -> None:
    one, other = to_table([document("1")]), to_table([document("2")])
    attributes = {"language": Language(LanguageConfig()).apply(other).table}
    with pytest.raises(ValueError, match="the rows of 'language'"):
        Consolidate(ConsolidateConfig()).apply(one, attributes, {})


def test_no_rows_are_no_trouble() -> None:
    assert Consolidate(ConsolidateConfig()).apply(to_table([]), {}, {}).table.num_rows == 0


def test_unwanted_sections_leave_an_edit_and_the_others_move() -> None:
    text = "Dose\n\n5 mg\n\nFunding\n\nNone.\n\nSources\n\nA\n\nNotes\n\nReassess if RR >30"
    spans = {name: text.index(name) for name in ("Dose", "Funding", "Sources", "Notes")}
    ends = [spans["Funding"], spans["Sources"], spans["Notes"], len(text)]
    paths = ["Dose", "Funding", "Funding > Sources", "Notes"]
    sections = [
        {"path": path, "start": start, "end": end} for path, start, end in zip(paths, spans.values(), ends, strict=True)
    ]
    table = to_table([document(text=text, sections=sections)])
    batch = Consolidate(ConsolidateConfig(drop_sections="funding|references")).apply(table, {}, {})
    (done,) = from_table(batch.table)
    assert done.text == "Dose\n\n5 mg\n\nNotes\n\nReassess if RR >30"
    assert [(s["path"], done.text[s["start"] : s["end"]]) for s in done.sections] == [
        ("Dose", "Dose\n\n5 mg\n\n"),
        ("Notes", "Notes\n\nReassess if RR >30"),
    ]
    assert done.tokens == estimate_tokens(done.text)
    assert [(e["stage"], e["names"]) for e in done.edits] == [("consolidate", ["drop_sections"])]


def test_a_document_of_unwanted_sections_only_is_empty() -> None:
    sections = [{"path": "References", "start": 0, "end": len(TEXT)}]
    assert why(document(sections=sections), drop_sections="References") == ("empty", "")


@given(st.text("ab\n", max_size=30), st.data())
def test_what_is_not_unwanted_stays(text: str, data: st.DataObject) -> None:
    bounds = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    sections = [
        {"path": data.draw(st.sampled_from(["Keep", "Drop", "Keep > Drop"])), "start": start, "end": end}
        for start, end in data.draw(st.lists(bounds, max_size=4))
    ]
    gone: set[int] = set()
    for section in sections:
        if "Drop" in section["path"]:
            gone.update(range(section["start"], section["end"]))
    kept = "".join(c for place, c in enumerate(text) if place not in gone)
    done, left = drop_sections(text, sections, re.compile("drop", re.IGNORECASE))
    assert done.replace("\n", "") == kept.replace("\n", "")
    assert all(0 <= s["start"] <= s["end"] <= len(done) and s["path"] == "Keep" for s in left)


@pytest.mark.parametrize(
    ("config", "message"),
    [({"drop_flags": ["not_languag"]}, "did you mean 'not_language'"), ({"drop_sections": "("}, "not a regular")],
    ids=["flag", "pattern"],
)
def test_a_wrong_setting_is_told(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ConsolidateConfig(**config)
