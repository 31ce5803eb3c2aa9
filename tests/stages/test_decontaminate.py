"""Planted items are found however they leak, clean text is not touched, and every decision rests on words."""

import json
import random
import re
from pathlib import Path
from typing import Any
from unicodedata import category

import numpy as np
import pyarrow as pa
import pytest
from contamination_canaries import KINDS, document, findings, hits, judge_of, part, plant
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.errors import InputError
from pipelines.stages import contamination_scan
from pipelines.stages.contamination_evidence import Judge
from pipelines.stages.contamination_files import Reference, read_reference
from pipelines.stages.contamination_index import from_arrow, ordered, to_arrow
from pipelines.stages.contamination_items import STEM, Item, Part, item_of
from pipelines.stages.contamination_scan import propose
from pipelines.stages.contamination_words import fold, word_list
from pipelines.stages.decontaminate_match import MatchRows
from sources.document import to_table

CASES = json.loads((Path(__file__).parent / "cases" / "contamination.json").read_text())
ARTICLES = CASES["articles"]


def read(rows: list[Any], name: str = "authored", sha256: str = "a" * 64, **settings: Any) -> list[Item]:
    body = "\n".join(map(json.dumps, rows)).encode()
    return read_reference(Reference(path=f"{name}.jsonl", **settings), memoryview(body), sha256).items


ITEMS = read(CASES["items"])
BY_KEY = {item.key: item for item in ITEMS}


@pytest.fixture(scope="module")
def judge() -> Judge:
    return judge_of(ITEMS)


@pytest.mark.parametrize("kind", KINDS)
def test_planted_items_are_found(judge: Judge, kind: str) -> None:
    draw = random.Random(kind)
    planted = [(item.key, text) for item in ITEMS for _ in range(3) if (text := plant(kind, item, draw, ARTICLES))]
    assert len(planted) >= 9
    found = hits(judge, [text for _, text in planted])
    assert [key for (key, _), keys in zip(planted, found, strict=True) if key not in keys] == []


def test_clean_text_is_not_touched(judge: Judge) -> None:
    whole = "\n\n".join(ARTICLES)
    assert hits(judge, [*ARTICLES, whole]) == [set()] * 9


def test_a_long_document_does_not_collect_an_item_by_chance(judge: Judge) -> None:
    words = part(BY_KEY["vignette-1"], STEM).split()
    pieces = [" ".join(words[at : at + 6]) for at in range(0, len(words), 6)]
    scattered = "\n\n".join(f"{piece}. {ARTICLES[0]} {ARTICLES[1]} {ARTICLES[2]}" for piece in pieces)
    assert hits(judge, [scattered]) == [set()]


# --- the four defects of an earlier pipeline -------------------------------------------------------------------------


def test_a_run_that_was_judged_before_is_judged_again(judge: Judge) -> None:
    text = plant("stem inside an article", BY_KEY["vignette-2"], random.Random(1), ARTICLES)
    assert text
    first = findings(judge, [document("1", text)])
    assert first == findings(judge, [document("1", text)])
    assert first == findings(judge_of(ITEMS), [document("1", text)])
    assert first[0]


def test_two_references_of_one_name_are_both_honoured() -> None:
    one, other = read(CASES["items"][:1], sha256="a" * 64), read(CASES["items"][1:2], sha256="b" * 64)
    both = judge_of([*one, *other])
    texts = [part(item, STEM) for item in (*one, *other)]
    found = findings(both, [document(str(n), text) for n, text in enumerate(texts)])
    assert [{(f["benchmark"], f["reference"], f["item"]) for f in row if f["part"] == STEM} for row in found] == [
        {("authored", "a" * 12, "vignette-1")},
        {("authored", "b" * 12, "vignette-2")},
    ]


def test_short_items_and_the_last_words_of_an_item_count(judge: Judge) -> None:
    eight = read([{"id": "eight", "question": "Bitter herb chewed by highland herders against altitude headache"}])
    assert hits(judge_of(eight), [part(eight[0], STEM)]) == [{"eight"}]
    words = part(BY_KEY["vignette-1"], STEM).split()
    half = len(words) // 2
    assert "vignette-1" in hits(judge, [" ".join(words[half - 8 :])])[0]


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_every_turn_is_looked_at(judge: Judge, turn: int) -> None:
    said = ["May I ask something?", "Of course.", "Thank you.", "You are welcome."]
    said[turn] = part(BY_KEY["vignette-2"], "explanation")
    turns = [
        {"role": "user" if n % 2 == 0 else "assistant", "content": text, "trained": n % 2 == 1}
        for n, text in enumerate(said)
    ]
    (found,) = findings(judge, [document("1", kind="dialogue", messages=turns)])
    assert {(one["unit"], one["item"]) for one in found} == {(f"messages.{turn}", "vignette-2")}


def test_a_question_is_found_without_the_passage_it_came_with(judge: Judge) -> None:
    item = BY_KEY["abstract-1"]
    question, passage = part(item, STEM), part(item, "passage")
    assert len(passage.split()) > 4 * len(question.split())
    assert hits(judge, [question, passage, f"{ARTICLES[1]}\n\n{question}"]) == [{"abstract-1"}] * 3


# --- what a match is -------------------------------------------------------------------------------------------------


def test_numbers_are_kept(judge: Judge) -> None:
    doses = judge_of(
        read([{"id": "5", "question": "Give morphine 5 mg now"}, {"id": "50", "question": "Give morphine 50 mg now"}])
    )
    assert hits(doses, ["Give morphine 5 mg now", "Give morphine 50 mg now", "Give morphine 0.5 mg now"]) == [
        {"5"},
        {"50"},
        set(),
    ]
    stem = part(BY_KEY["vignette-1"], STEM)
    same, changed = (
        next(one for one in row if one["part"] == STEM)
        for row in findings(judge, [document("1", stem), document("2", re.sub(r"\d", "7", stem))])
    )
    assert (same["score"], same["numbers"]) == (1, 1)
    assert changed["score"] == 1
    assert float(str(changed["numbers"])) < 0.5


def test_options_are_a_set_and_short_ones_a_list(judge: Judge) -> None:
    options = ["Ethosuximide", "Phenytoin", "Carbamazepine", "Gabapentin"]
    listed = [
        "\n".join(options),
        "\n".join(reversed(options)),
        "A) Gabapentin B) Ethosuximide C) Phenytoin D) Carbamazepine",
    ]
    assert hits(judge, listed) == [{"short-1"}] * 3
    prose = "Ethosuximide was stopped; phenytoin followed, then carbamazepine for a year and at last gabapentin."
    assert hits(judge, [prose, "\n".join(options[:3])]) == [set(), set()]


@pytest.mark.parametrize(
    ("stem", "text", "is_found"),
    [
        ("Koplik spots are", "What would you say Koplik spots are in children who do not have measles?", False),
        ("Koplik spots are", "Q1. Koplik spots are:\nA. grey", True),
        ("Scurvy:", "Scurvy:", True),
        ("Scurvy:", "Scurvy is rare in this region.", False),
    ],
)
def test_a_short_stem_counts_where_it_stands_by_itself(stem: str, text: str, is_found: bool) -> None:
    short = judge_of(read([{"id": "s", "question": stem, "options": ["grey", "red", "white"], "answer": "grey"}]))
    assert bool(hits(short, [text])[0]) is is_found


def test_what_many_items_share_is_set_aside() -> None:
    rows = [
        {
            "id": f"i{n}",
            "question": f"Which of the following is the most likely diagnosis of patient {chr(97 + n) * 3}?",
        }
        for n in range(12)
    ]
    assert hits(
        judge_of(read(rows)), ["He asked which of the following is the most likely diagnosis of patient zed."]
    ) == [set()]


def test_ids_that_tell_are_matched() -> None:
    name = "0f8fad5b-d9cb-469f-a165-70867728950e"
    known = judge_of(
        read([{"id": name, "question": "q?"}, {"pmid": "123", "question": "Q?"}, {"id": "17", "question": "r?"}])
    )
    rows = [
        document("1", key=f"set.jsonl#{name}"),
        document("2", identifiers={"pmid": "123"}),
        document("3", key="set.jsonl#17"),
    ]
    assert [[one["rule"] for one in row] for row in findings(known, rows)] == [["id"], ["id"], []]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Caf\u00e9 10mg", "CAFE\u0301 10 mg"),
        ("0\u00b75 mg", "0.5 mg"),
        ("\u0665 \u0645\u0644\u063a", "5 \u0645\u0640\u0640\u0644\u063a"),
        ("Stra\u00dfe", "STRASSE"),
        ("hypo\u00adkalaemia", "hypokalaemia"),
        ("10 \u00b5g", "10 \u03bcg"),
        ("\ud55c\uad6d", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
    ],
)
def test_words_are_the_same_however_they_are_written(one: str, other: str) -> None:
    assert word_list(one) == word_list(other)
    hashes = [
        contamination_scan.split_words(np.frombuffer(t.encode(), np.uint8), contamination_scan.folding()).hashes
        for t in (one, other)
    ]
    assert hashes[0].tolist() == hashes[1].tolist()


@pytest.mark.parametrize(
    ("one", "other"), [("5 mg", "50 mg"), ("0.5 mg", "5 mg"), ("a\u00f1o", "ano"), ("1,000", "1.000")]
)
def test_words_that_mean_something_else_differ(one: str, other: str) -> None:
    assert word_list(one) != word_list(other)


def plain_words(text: str) -> list[str]:
    """Split by Unicode categories alone, as slowly as need be; texts without spaces between words are left out."""
    kinds = [
        "d" if c[0] == "N" else "w" if c[0] == "L" else "m" if c[0] == "M" or c == "Cf" else " "
        for c in map(category, text)
    ]
    words, last = [], " "
    for at, (char, kind) in enumerate(zip(text, kinds, strict=True)):
        if last == "d" and char in ".,\u00b7" and kinds[at + 1 : at + 2] == ["d"]:
            kind = "d"
        if kind == " " or (kind == "m" and last == " "):
            last = " "
            continue
        if kind not in ("m", last):
            words.append("")
            last = kind
        words[-1] += char
    return list(filter(None, map(fold, words)))


@given(
    st.text(
        st.characters(codec="utf-8", max_codepoint=0x24F) | st.sampled_from("0.5,1 \u0301\u00b7\u200d"), max_size=60
    )
)
def test_words_are_those_of_a_plain_reading(text: str) -> None:
    assert [word for word in word_list(text)[0] if word] == plain_words(text)


def test_a_collision_of_hashes_never_makes_a_finding(judge: Judge) -> None:
    """Whatever the scan proposes, words decide: proposals that a collision would make come to nothing."""
    arrays = judge.references.arrays
    text = ARTICLES[2]
    forged = [[rule, part, 0, len(text.encode())] for rule in range(5) for part in range(len(arrays.part_words))]
    assert judge.evidence(text, forged) == []


def test_the_order_of_items_and_batches_changes_nothing(judge: Judge) -> None:
    draw = random.Random(3)
    planted = [plant(kind, item, draw, ARTICLES) for kind in KINDS for item in ITEMS]
    rows = [document(str(n), text) for n, text in enumerate(planted) if text]
    shuffled = draw.sample(ITEMS, len(ITEMS))
    assert to_arrow(ordered(shuffled)).equals(to_arrow(ordered(ITEMS)))
    table = to_table(rows)
    whole = MatchRows(judge).apply(table).table
    parts = [MatchRows(judge).apply(table.slice(at, 7)).table for at in range(0, len(rows), 7)]
    assert whole.equals(pa.concat_tables(parts).combine_chunks())


def test_the_index_comes_back_as_it_was() -> None:
    items = ordered(ITEMS)
    again = from_arrow(to_arrow(items))
    assert again.items == items
    assert len(propose(pa.array([part(items[0], STEM)], pa.large_string()), again.arrays))


# --- reading references ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "expected"), [(case["row"], case["parts"]) for case in CASES["rows"]])
def test_rows_of_published_sets_are_read(row: dict[str, Any], expected: list[str]) -> None:
    (item,) = read([row])
    assert [one.text for one in item.parts] == expected


def test_fields_may_be_named() -> None:
    (item,) = read([{"a": {"b": "stem"}, "c": "x"}], fields={"question": "a.b", "answer": "c"})
    assert item.parts == (Part("stem", "stem"), Part("answer", "x"))


def test_a_reference_without_an_item_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"reference 'boards'.*not one of its 2 rows holds an item"):
        read([{"x": 1}, {"y": 2}], name="boards")
    with pytest.raises(InputError, match=r"reference 'boards'.*cannot be read as json"):
        read_reference(Reference(path="boards.json"), memoryview(b"{"), "0" * 64)


def test_documents_for_reference_are_items() -> None:
    mcq = {"question": "q", "options": ["x", "y"], "gold": [1], "explanation": "e", "split": "test", "subject": None}
    row = {"source": "s", "key": "k", "text": "", "messages": None, "mcq": mcq, "identifiers": None}
    item = item_of({**row, "extra": json.dumps({"reference_only": True})})
    assert item
    assert [(one.kind, one.text) for one in item.parts] == [
        ("stem", "q"), ("option", "x"), ("option", "y"), ("answer", "y"), ("explanation", "e"),
    ]  # fmt: skip
    assert item_of({**row, "extra": "{}"}) is None
