"""Equal texts have one survivor, chosen by rule; clinical differences are never equal; wiped-out sources are told."""

import json
import random
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.stages.dedup_exact import SCHEMA, ExactConfig, ExactKeys, key_digest, resolve, wipe_out
from sources.document import Document, to_table
from sources.rights import rights_from

CASES = json.loads((Path(__file__).parent / "cases" / "dedup_exact.json").read_text())


def document(id: str, text: str = "same text", **fields: Any) -> Document:
    return Document(**{"id": id, "kind": "article", "source": "a", "key": id, "text": text, "tokens": 1, **fields})


def keys(*documents: Document) -> pa.Table:
    return ExactKeys(ExactConfig()).apply(to_table(documents)).table


def losers(*documents: Document, **priorities: int) -> dict[str, str]:
    table = resolve(keys(*documents), priorities)
    assert set(table.column("reason").to_pylist()) <= {"duplicate"}
    return dict(zip(table.column("id").to_pylist(), table.column("survivor").to_pylist(), strict=True))


@pytest.mark.parametrize("group", CASES["equal"], ids=lambda g: ascii(g[0])[:30])
def test_white_space_alone_makes_no_difference(group: list[str]) -> None:
    assert len({key_digest(text, None, None) for text in group}) == 1


@pytest.mark.parametrize("group", CASES["different"], ids=lambda g: ascii(g[0])[:30])
def test_clinical_differences_are_never_equal(group: list[str]) -> None:
    for one, other in combinations(group, 2):
        assert key_digest(one, None, None) != key_digest(other, None, None)


@given(st.text(max_size=30), st.text(max_size=30))
def test_keys_are_equal_only_when_the_words_are(one: str, other: str) -> None:
    same = one.split() == other.split()
    assert (key_digest(one, None, None) == key_digest(other, None, None)) == same


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        ({"retracted": True}, {"source": "b"}),
        ({"extra": json.dumps({"reference_only": True})}, {"source": "b"}),
        ({"extra": json.dumps({"robots": "noai, noindex"})}, {"source": "b"}),
        ({"rights": rights_from("CC-BY-4.0")}, {"source": "b", "rights": rights_from("CC-BY-4.0", tdm_reserved=True)}),
        ({"source": "b"}, {"source": "a", "published": "2024"}),
        ({"published": "2024-05"}, {"published": "2023-12-31", "version": "9"}),
        ({"published": "2020"}, {"published": None}),
        ({"version": "2"}, {"version": "1"}),
        ({"text": "same  \n text"}, {"text": "same text"}),
        ({"id": "0"}, {}),
    ],
    ids=[
        "retracted",
        "for reference",
        "asks to leave",
        "rights",
        "priority",
        "date",
        "date known",
        "version",
        "length",
        "id",
    ],
)
def test_the_survivor_is_chosen_in_order(winner: dict[str, Any], loser: dict[str, Any]) -> None:
    one, other = document("1", **loser), document(**{"id": "2", **winner})
    assert losers(one, other, a=1, b=2) == {"1": other.id}
    assert losers(other, one, a=1, b=2) == {"1": other.id}


def test_an_open_profile_keeps_the_copy_that_it_may_use() -> None:
    closed, free = document("1", source="b"), document("2", rights=rights_from("CC-BY-4.0"))
    for profile, survivor in (("open", "2"), ("research-internal", "1")):
        table = ExactKeys(ExactConfig(profile=profile)).apply(to_table([closed, free])).table
        assert resolve(table, {"b": 1}).column("survivor").to_pylist() == [survivor]


def test_titles_do_not_count_but_turns_and_answers_do() -> None:
    mcq = {"question": "q", "options": ["a", "b"], "gold": [0], "explanation": None, "split": "train", "subject": None}
    turn = {"role": "user", "content": "q", "trained": False}
    assert losers(document("1", title="One"), document("2", title="Two")) == {"2": "1"}
    assert losers(document("1", mcq=mcq), document("2", mcq={**mcq, "gold": [1]})) == {}
    assert losers(document("1", mcq=mcq), document("2", mcq={**mcq, "split": "test"})) == {"2": "1"}
    assert losers(document("1", messages=[turn]), document("2", messages=[{**turn, "role": "assistant"}])) == {}


def test_documents_without_words_are_no_duplicates() -> None:
    assert losers(document("1", ""), document("2", " \n")) == {}


def test_nothing_in_nothing_out() -> None:
    assert resolve(SCHEMA.empty_table(), {}).num_rows == 0
    assert losers(document("1")) == {}


def test_order_and_chunks_do_not_matter() -> None:
    rows = [document(f"{i:03}", f"text {i % 7}", source="abc"[i % 3], published=str(2000 + i % 5)) for i in range(60)]
    expected = losers(*rows, b=1)
    random.Random(1).shuffle(rows)
    chunked = pa.concat_tables([keys(*rows[:20]), keys(*rows[20:])])
    table = resolve(chunked, {"b": 1})
    assert table.column("id").to_pylist() == sorted(expected)
    assert dict(zip(*(table.column(n).to_pylist() for n in ("id", "survivor")), strict=True)) == expected


def test_a_source_that_is_nearly_wiped_out_raises_an_alarm_with_figures() -> None:
    rows = [document(f"b{i}", f"text {i}", source="b") for i in range(4)]
    rows += [document(f"a{i}", f"text {i}") for i in range(3)] + [document("a9", "its own")]
    rows += [document("a8", "text 1", kind="guideline")]
    table = keys(*rows)
    alarms = wipe_out(table, resolve(table, {"b": 1}), limit=0.5)
    assert [(a.source, a.kind, a.records, a.lost) for a in alarms] == [("a", "article", 4, 3), ("a", "guideline", 1, 1)]
    assert "source 'a' (article): 3 of 4 documents (75%)" in str(alarms[0])
    assert wipe_out(table, resolve(table, {"b": 1}), limit=1.0) == []
