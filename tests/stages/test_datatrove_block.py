"""Datatrove's blocks as stages: their verdicts, reasons, statistics and edits are ours, and no field is lost."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from datatrove.data import Document as DatatroveDocument
from datatrove.pipeline import filters

from pipelines.engine.errors import ConfigError
from pipelines.stages import datatrove_block
from pipelines.stages.datatrove_block import DatatroveStage, blocks, line_map
from pipelines.stages.datatrove_settings import DatatroveConfig
from sources.datatrove_document import from_datatrove, to_datatrove
from sources.datatrove_reader import parse, read_datatrove
from sources.document import Document, estimate_tokens, from_table, to_table
from sources.parse.part import Fault, Part, Unreadable
from sources.rights import rights_from

CASES = json.loads((Path(__file__).parent / "cases" / "datatrove.json").read_text())
SENTENCE = "The child should be given fluids after each loose stool, and the mother should be told how to do that."
TEXTS = [
    " ".join(f"{SENTENCE} Repeat number {i} of the advice for the family at home." for i in range(4)),
    "buy now " * 80,
    "CD4 <200",
    "\n".join(["Accept all cookies to read on."] * 20),
    "Lorem ipsum dolor sit amet, and so on and on. " * 4,
]
needs_spacy = pytest.mark.skipif(find_spec("spacy") is None, reason="needs the extra datatrove-filters")


def document(text: str, id: str = "1", **fields: Any) -> Document:
    return Document(**{"id": id, "kind": "article", "source": "s", "key": id, "text": text, "tokens": 9, **fields})


def stage(block: str, **args: Any) -> DatatroveStage:
    return DatatroveStage(DatatroveConfig(block=block, args=args))


def formatted(case: dict[str, Any], text: str) -> str:
    batch = stage(case["block"], **case.get("args", {})).apply(to_table([document(text)]))
    return from_table(batch.table)[0].text if batch.table.num_rows else ""


@pytest.mark.parametrize(
    "block", ["GopherRepetitionFilter", "GopherQualityFilter", "FineWebQualityFilter", "C4QualityFilter"]
)
@needs_spacy
def test_verdicts_and_reasons_are_those_of_the_block_itself(block: str) -> None:
    documents = [document(text, str(i)) for i, text in enumerate(TEXTS)]
    ours = stage(block)
    batch = ours.apply(to_table(documents))
    expected = {}
    for row, text in enumerate(TEXTS):
        verdict = getattr(filters, block)().filter(DatatroveDocument(text=text, id="1"))
        if verdict is not True:
            expected[row] = f"datatrove.{verdict[1]}"
    assert expected
    assert {row: why.reason for row, why in batch.rejected.items()} == expected
    assert set(expected.values()) <= ours.reasons
    assert [d.id for d in from_table(batch.table)] == [str(row) for row in range(len(TEXTS)) if row not in expected]
    assert ours.counters["total"] == len(TEXTS)
    assert ours.counters["dropped"] == len(expected)


def test_a_reason_that_is_not_declared_is_given_as_detail() -> None:
    batch = stage("C4ParagraphFilter").apply(to_table([document("short")]))
    assert (batch.rejected[0].reason, batch.rejected[0].detail) == ("datatrove.filtered", "< 3 paragraphs")


def test_a_filter_by_pattern_keeps_documents_as_they_were() -> None:
    documents = [document("kept", "1", title="T", identifiers={"doi": "x"}), document("Lorem IPSUM", "2")]
    batch = stage("RegexFilter", regex_exp="(?i)lorem ipsum").apply(to_table(documents))
    assert from_table(batch.table) == documents[:1]
    assert list(batch.rejected) == [1]


@pytest.mark.parametrize("case", CASES["must_not_change"], ids=lambda c: c["block"])
def test_must_not_change(case: dict[str, Any]) -> None:
    assert [formatted(case, text) for text in case["texts"]] == case["texts"]


@pytest.mark.parametrize("case", CASES["must_change"], ids=lambda c: ascii(c["before"])[:30])
def test_must_change(case: dict[str, Any]) -> None:
    assert formatted(case, case["before"]) == case["after"]


@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda c: ascii(c["text"])[:30])
@pytest.mark.xfail(strict=True, reason="known failure, kept in sight")
def test_known_failure(case: dict[str, Any]) -> None:
    assert formatted(case, case["text"]) == case["text"], case["why"]


def test_a_changed_text_leaves_an_edit_and_sections_follow() -> None:
    text = "Dose\n5 Âµg â€“ oral\nNotes\nnone"
    sections = [{"path": "Notes", "start": text.index("Notes"), "end": len(text)}]
    (done,) = from_table(stage("FTFYFormatter").apply(to_table([document(text, sections=sections)])).table)
    assert done.text == "Dose\n5 µg – oral\nNotes\nnone"
    assert done.text[done.sections[0]["start"] : done.sections[0]["end"]] == "Notes\nnone"
    assert done.tokens == estimate_tokens(done.text)
    assert [(e["stage"], e["names"]) for e in done.edits] == [("datatrove-FTFYFormatter", ["FTFYFormatter"])]


def test_chat_turns_are_judged_but_not_written_into_the_text() -> None:
    messages = [{"role": "user", "content": "the patientâ€™s dose", "trained": False}]
    row = document("", messages=messages)
    assert from_table(stage("FTFYFormatter").apply(to_table([row])).table) == [row]


def test_rows_stand_alone_also_for_blocks_that_remember() -> None:
    table = to_table([document("mail a@hospital.org", "1"), document("mail b@hospital.org", "2")])
    args = {"remove_ips": False, "email_replacement": ["x@example.com", "y@example.com"]}
    whole = stage("PIIFormatter", **args).apply(table).table
    alone = [stage("PIIFormatter", **args).apply(table.slice(row, 1)).table for row in range(2)]
    assert whole.to_pylist() == [row for part in alone for row in part.to_pylist()]


@pytest.mark.parametrize(
    ("block", "args", "message"),
    [
        ("GopherQualtyFilter", {}, "nearest: GopherQualityFilter"),
        ("LambdaFilter", {}, "it takes code"),
        ("SamplerFilter", {"rate": 0.5}, "sample in the mixture"),
        ("FTFYFormatter", {"normalization": "NFKC"}, "turn 10³ into 103"),
        ("PIIFormatter", {}, "set remove_ips: false"),
        ("RegexFilter", {"regex": "x"}, "it accepts regex_exp"),
        ("JsonlReader", {}, "no datatrove filter or formatter"),
    ],
)
def test_what_cannot_be_a_stage_is_told_at_once(block: str, args: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        stage(block, **args)


def test_a_missing_word_splitter_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datatrove_block, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"install medmix\[datatrove-filters\]"):
        stage("GopherQualityFilter")


def test_blocks_are_filters_and_formatters_only() -> None:
    assert {"FTFYFormatter", "C4QualityFilter"} <= blocks().keys()
    assert not {"LambdaFilter", "BaseFilter", "JsonlReader"} & blocks().keys()


def test_a_document_survives_the_way_there_and_back() -> None:
    full = document(
        "text",
        title="T",
        rights=rights_from("CC-BY-4.0", "https://example.org", attribution="WHO"),
        sections=[{"path": "A", "start": 0, "end": 4}],
        identifiers={"doi": "10.1/x"},
        links=[{"relation": "corrects", "target": "y"}],
        messages=[{"role": "user", "content": "q", "trained": False}],
        mcq={"question": "q", "options": ["a"], "gold": [0], "explanation": None, "split": None, "subject": None},
        teacher={"model": "m", "revision": "r", "prompt": "p", "sampling": "s", "attempt": 1},
        extra='{"a": 1}',
    )
    assert from_datatrove(to_datatrove(full)) == full
    sent = to_datatrove(full)
    sent.metadata["score"] = 0.5
    assert json.loads(from_datatrove(sent).extra) == {"a": 1, "datatrove": {"score": 0.5}}
    with pytest.raises(KeyError, match="lacks"):
        from_datatrove(DatatroveDocument(text="x", id="1"))


def test_offsets_follow_changed_lines() -> None:
    offsets = line_map("a\nbb\nc\n", "a\nBBBB\nc\n")
    assert [offsets(place) for place in (0, 2, 5, 7)] == [0, 2, 7, 9]


def test_a_reader_gives_parts_and_a_fault_for_each_thing_it_skips() -> None:
    body = b'{"text": "one", "id": "x", "url": "u", "n": 1}\n{"text": ""}\n{broken\n{"text": "two"}\n'
    found = list(parse(body, "a.jsonl", {"reader": "JsonlReader"}))
    assert [(p.text, p.name, p.url, p.extra) for p in found if isinstance(p, Part)] == [
        ("one", "x", "u", {"datatrove": {"n": 1}}),
        ("two", "3", None, {}),
    ]
    assert sorted(f.reason for f in found if isinstance(f, Fault)) == ["no_text", "reader_warning"]


def test_a_reader_that_fails_quarantines_the_item() -> None:
    with pytest.raises(Unreadable, match="reader_failed"):
        list(parse(b"not parquet", "a.parquet", {"reader": "ParquetReader"}))
    with pytest.raises(ValueError, match="nearest: JsonlReader"):
        list(read_datatrove(b"", "a.jsonl", "JsonReader", {}))
