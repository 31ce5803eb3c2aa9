"""The default thresholds flag what no reader could use, and leave clinical tables alone."""

import codecs
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.stages.quality import FLAGS, SCHEMA, Quality, QualityConfig
from sources.document import Document, to_table

CASES = json.loads((Path(__file__).parent / "cases" / "quality.json").read_text())


def judge(*texts: str, **config: Any) -> list[dict[str, Any]]:
    rows = [Document(id=str(i), kind="article", source="s", key=str(i), text=text) for i, text in enumerate(texts)]
    rows_out: list[dict[str, Any]] = Quality(QualityConfig(**config)).apply(to_table(rows)).table.to_pylist()
    return rows_out


def flags_of(case: dict[str, Any]) -> list[str]:
    text = codecs.encode(case["text"], "rot13") if case.get("rot13") else case["text"]
    flags: list[str] = judge(text)[0]["quality_flags"]
    return flags


@pytest.mark.parametrize("case", CASES["must_not_flag"], ids=lambda c: c["name"])
def test_clinical_text_is_not_flagged(case: dict[str, Any]) -> None:
    assert flags_of(case) == []


@pytest.mark.parametrize("case", CASES["must_flag"], ids=lambda c: c["name"])
def test_broken_text_is_flagged(case: dict[str, Any]) -> None:
    assert case["flag"] in flags_of(case)


@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda c: c["name"])
@pytest.mark.xfail(strict=True, reason="known failure, kept in sight")
def test_known_failure(case: dict[str, Any]) -> None:
    assert case["flag"] in flags_of(case), case["why"]


def test_every_flag_is_declared() -> None:
    flags = {flag for case in CASES["must_flag"] for flag in flags_of(case)}
    assert flags <= set(FLAGS)


def test_thresholds_of_the_papers_can_be_asked_for() -> None:
    table = CASES["must_not_flag"][0]["text"]
    (row,) = judge(table, min_terminal_line_fraction=0.12, min_alpha_word_fraction=0.8)
    assert row["quality_flags"] == ["no_letters", "no_sentences"]


def test_the_schema_holds_for_no_rows_and_rows_stand_alone() -> None:
    texts = [case["text"] for case in CASES["must_flag"]]
    assert Quality(QualityConfig()).apply(to_table([])).table.schema == SCHEMA
    alone = [judge(text)[0] for text in texts]
    assert [{**row, "id": ""} for row in judge(*texts)] == [{**row, "id": ""} for row in alone]


def test_chat_turns_are_judged_when_there_is_no_text() -> None:
    messages = [{"role": "user", "content": "Lorem ipsum", "trained": True}]
    row = Document(id="1", kind="dialogue", source="s", key="k", text="", messages=messages)
    table = Quality(QualityConfig()).apply(to_table([row])).table
    assert table.column("quality_flags").to_pylist() == [["lorem_ipsum"]]
    assert table.column("words").to_pylist() == [2]
