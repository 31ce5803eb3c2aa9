"""Kinds of publication and GAP's score on facts written for this test, and agreement with own labels on real articles.

The labels (key and kind, nothing else) were given by reading title and design, not by the rules: they may be wrong
where a title says little, and where it says nothing the rules must say `other`, never something stronger.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipelines.stages.consolidate import Consolidate, ConsolidateConfig
from pipelines.stages.evidence import Evidence, EvidenceConfig, facts_of, gap_score, level_of
from sources.document import Document, to_table
from sources.parse.jats import parse
from sources.parse.part import Part

CASES = json.loads((Path(__file__).parent / "cases" / "evidence.json").read_text("utf-8"))
DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent")) / "jats"
LEAST_AGREEMENT = 0.75
STRONG = {"guideline", "systematic_review", "randomised_trial", "clinical_trial"}


@pytest.mark.parametrize("case", CASES["levels"], ids=[case[0] for case in CASES["levels"]])
def test_level(case: list[Any]) -> None:
    _, extra, title, wanted = case
    assert level_of(facts_of(title, extra)) == wanted


@pytest.mark.parametrize("case", CASES["scores"], ids=[case[0] for case in CASES["scores"]])
def test_score(case: list[Any]) -> None:
    _, extra, published, wanted = case
    facts = facts_of("Zinc", extra)
    assert gap_score(facts, level_of(facts), published, EvidenceConfig(reviewed_journals=("The Lancet",))) == wanted


def document(number: int, **named: Any) -> Document:
    fields = {"kind": "article", "source": "s", "key": str(number), "text": "t", **named}
    return Document(id=f"{number:032x}", **fields)


def test_rows_stand_beside_their_documents() -> None:
    trial = json.dumps({"publication_types": ["Randomized Controlled Trial"]})
    rows = [
        document(1, extra=trial, published="2000"),
        document(2, extra=trial, published="2000", retracted=True),
        document(3, kind="label"),
        document(4, kind="guideline", title="Fever", published="2022-03-01"),
    ]
    found = Evidence(EvidenceConfig()).apply(to_table(rows)).table.to_pylist()
    assert [row["id"] for row in found] == [row.id for row in rows]
    assert [row["evidence"] for row in found] == ["randomised_trial", "randomised_trial", None, "guideline"]
    assert [row["gap_score"] for row in found] == [0.5, None, None, 2.0]
    assert [row["gap_repeats"] for row in found[1:]] == [0, None, 3]


def test_repeats_round_by_chance_but_always_the_same_way() -> None:
    trial = json.dumps({"publication_types": ["Randomized Controlled Trial"]})
    table = to_table([document(number, extra=trial, published="2000") for number in range(1000)])
    first, again = (Evidence(EvidenceConfig()).apply(table).table["gap_repeats"].to_pylist() for _ in range(2))
    assert first == again
    assert set(first) == {1, 2}
    assert 1450 < sum(first) < 1550


def test_consolidate_writes_level_and_repeats_into_the_document() -> None:
    facts = json.dumps({"journal": "J", "publication_types": ["Practice Guideline"]})
    table = to_table([document(1, extra=facts, published="2000"), document(2, kind="label")])
    attributes = {"evidence": Evidence(EvidenceConfig()).apply(table).table}
    guideline, label = Consolidate(ConsolidateConfig()).apply(table, attributes, {}).table["extra"].to_pylist()
    assert json.loads(guideline) == json.loads(facts) | {"evidence": "guideline", "gap_repeats": 2}
    assert label == ""


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA is unset or has no jats folder")
def test_agreement_with_own_labels(capsys: pytest.CaptureFixture[str]) -> None:
    agreed, wrong = 0, []
    for name, label in CASES["real"].items():
        (path,) = [path for path in DATA.glob(f"{name}.*") if path.suffix in {".xml", ".nxml"}]
        part = next(part for part in parse(path.read_bytes(), name, {}) if isinstance(part, Part))
        level = level_of(facts_of(part.title, part.extra))
        agreed += level == label
        wrong += [] if level == label else [(name, label, level)]
    with capsys.disabled():
        print(f"\nevidence: {agreed} of {len(CASES['real'])} labels agree", *wrong, sep="\n  ")
    assert len(CASES["real"]) >= 60
    assert agreed >= LEAST_AGREEMENT * len(CASES["real"])
    assert [case for case in wrong if case[2] in STRONG] == []
