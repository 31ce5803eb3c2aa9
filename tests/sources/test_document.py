"""The record: what goes into Arrow comes out of it, whatever it holds; ids never move."""

import io
from dataclasses import fields, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.hashing import digest
from sources.document import (
    KINDS,
    SCHEMA,
    Document,
    document_id,
    estimate_tokens,
    from_table,
    is_encodable,
    to_table,
)
from sources.rights import rights_from

TEXT = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ["", "\x00", "CD4 <200", "10³ 5 µg", "\ufeff"]
)
MAYBE = st.none() | TEXT
INT32 = st.integers(-(2**31), 2**31 - 1)
SECTION = st.fixed_dictionaries({"path": TEXT, "start": INT32, "end": INT32})
MESSAGE = st.fixed_dictionaries({"role": TEXT, "content": TEXT, "trained": st.booleans()})
EDIT = st.fixed_dictionaries({"stage": TEXT, "version": TEXT, "config": TEXT, "names": st.lists(TEXT, max_size=2)})
MCQ = st.fixed_dictionaries(
    {
        "question": TEXT,
        "options": st.lists(TEXT, max_size=3),
        "gold": st.lists(INT32, max_size=2),
        "explanation": MAYBE,
        "split": MAYBE,
        "subject": MAYBE,
    }
)
TEACHER = st.fixed_dictionaries({"model": TEXT, "revision": TEXT, "prompt": TEXT, "sampling": TEXT, "attempt": INT32})
DOCUMENTS = st.builds(
    Document,
    id=TEXT,
    kind=st.sampled_from(KINDS),
    source=TEXT,
    key=TEXT,
    text=TEXT,
    rights=st.sampled_from([rights_from("CC-BY-4.0", "seen"), rights_from("LicenseRef-unknown", tdm_reserved=True)]),
    release=MAYBE,
    url=MAYBE,
    title=MAYBE,
    messages=st.none() | st.lists(MESSAGE, max_size=2),
    language=MAYBE,
    published=MAYBE,
    retrieved=MAYBE,
    version=MAYBE,
    supersedes=MAYBE,
    retracted=st.booleans(),
    sections=st.lists(SECTION, max_size=2),
    parents=st.lists(TEXT, max_size=2),
    edits=st.lists(EDIT, max_size=2),
    teacher=st.none() | TEACHER,
    mcq=st.none() | MCQ,
    links=st.lists(st.fixed_dictionaries({"relation": TEXT, "target": TEXT}), max_size=2),
    references=st.lists(TEXT, max_size=2),
    identifiers=st.dictionaries(TEXT, TEXT, max_size=2),
    item_sha256=MAYBE,
    tokens=st.integers(0, 2**63 - 1),
    extra=TEXT,
)
PLAIN = Document(id="1", kind="article", source="s", key="k", text="dose 5 µg")


def through_parquet(documents: list[Document]) -> list[Document]:
    sink = io.BytesIO()
    pq.write_table(to_table(documents), sink)
    return from_table(pq.read_table(pa.BufferReader(sink.getvalue())))


@settings(max_examples=60, deadline=None)
@given(st.lists(DOCUMENTS, max_size=4))
def test_documents_survive_parquet(documents: list[Document]) -> None:
    assert through_parquet(documents) == documents


def test_the_record_and_the_schema_have_the_same_fields() -> None:
    assert {field.name for field in fields(Document)} == set(SCHEMA.names)


def test_no_messages_and_none_said_differ_but_null_lists_come_back_empty() -> None:
    back = through_parquet([replace(PLAIN, messages=[]), PLAIN])
    assert (back[0].messages, back[1].messages) == ([], None)
    table = to_table([PLAIN])
    for name in ("sections", "parents", "edits", "links", "references"):
        table = table.set_column(SCHEMA.get_field_index(name), SCHEMA.field(name), pa.nulls(1, SCHEMA.field(name).type))
    assert from_table(table) == [PLAIN]


def test_a_text_of_ten_megabytes_keeps_every_character() -> None:
    text = "SpO2 <90% or RR >30; 5 µg\n" * 400_000
    document = replace(PLAIN, text=text, sections=[{"path": "a > b", "start": 0, "end": len(text)}])
    assert through_parquet([document]) == [document]


@pytest.mark.parametrize("name", [field.name for field in SCHEMA if not field.nullable and field.name != "rights"])
def test_a_missing_value_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"1 of 2 documents have no {name}"):
        to_table([PLAIN, replace(PLAIN, **{name: None})])


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("dose 5 µg 😀", True),
        ("half \ud83d pair", False),
        ("\udc80", False),
        ({"a": ["b", {"c": "\ud800"}]}, False),
        ({"\ud800": 1}, False),
        ((1, None, True, 2.5, "x"), True),
        ({"beyond 64 bits": 2**70}, True),
        ({"beyond 64 bits": 2**70, "and half": "\ud800"}, False),
        ([], True),
    ],
)
def test_half_a_surrogate_pair_is_seen_wherever_it_hides(value: Any, good: bool) -> None:
    assert is_encodable(value) is good


def test_half_a_surrogate_pair_never_reaches_a_file() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        to_table([replace(PLAIN, text="half \ud83d pair")])


def test_ids_are_those_of_the_first_release() -> None:
    assert document_id("who", "anc/1.html", None) == "380bea44f1d01dfa8744b58b08ba289a"
    assert document_id("who", "anc/1.html", "2") == "ca4b84d1cdb6b776951b49597eb35a0d"


@given(TEXT, TEXT, MAYBE)
def test_an_id_is_the_digest_of_canonical_json(source: str, key: str, version: str | None) -> None:
    assert document_id(source, key, version) == digest([source, key, version])[:32]


@given(st.tuples(TEXT, TEXT, MAYBE), st.tuples(TEXT, TEXT, MAYBE))
def test_ids_differ_when_source_key_or_version_do(
    one: tuple[str, str, str | None], other: tuple[str, str, str | None]
) -> None:
    assert (document_id(*one) == document_id(*other)) == (one == other)


@given(TEXT)
def test_the_estimate_is_a_quarter_of_the_bytes_rounded_up(text: str) -> None:
    assert estimate_tokens(text) == -(-len(text.encode()) // 4)
