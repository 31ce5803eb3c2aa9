"""Repeated boilerplate goes, by edits that can be replayed; what is clinical stays, however often it is repeated."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.given import Given, planned
from fakes.runs import digests, run_inline

from pipelines.engine.disk import LocalDisk
from pipelines.stages.boilerplate import (
    BoilerplateConfig,
    BoilerplateKeys,
    boilerplate_steps,
    replay,
    resolve,
    without,
)
from pipelines.stages.boilerplate_find import family_of, find, key_of
from pipelines.stages.exchange import RunFacts
from sources.document import Document, estimate_tokens, to_table

CASES = json.loads((Path(__file__).parent / "cases" / "boilerplate.json").read_text(encoding="utf-8"))
LICENCE = CASES["must_change"][0][1]
DISCLAIMER = CASES["must_change"][3][1]
DOSES = CASES["must_not_change"][1]


def document(number: int, *paragraphs: str, source: str = "site", **fields: Any) -> Document:
    text = "\n\n".join(paragraphs)
    values = {"id": f"{source}-{number:03}", "kind": "guideline", "source": source, "key": str(number), "text": text}
    return Document(**{**values, "tokens": estimate_tokens(text), **fields})


def body(number: int) -> str:
    return f"Page {number} tells how to look after a person who cannot sleep, and what to ask in visit {number}."


def cleaned(folder: Path, documents: list[Document], rows: int = 4, **config: Any) -> dict[str, dict[str, Any]]:
    line = {"boilerplate": boilerplate_steps(BoilerplateConfig(**config), RunFacts())}
    manifests = run_inline(LocalDisk(folder), planned(Given(tuple(documents), rows), line))
    refs = manifests["boilerplate"].files()
    return {row["id"]: row for ref in refs for row in pq.read_table(folder / ref.path).to_pylist()}


@pytest.mark.parametrize(("family", "paragraph"), CASES["must_change"])
def test_boilerplate_goes_when_it_is_repeated(family: str, paragraph: str) -> None:
    assert family_of(paragraph) == family
    text = f"First words.\n\n{paragraph}\n\nLast words."
    assert without(text, {key_of(paragraph)})[0] == "First words.\n\nLast words."


@pytest.mark.parametrize("paragraph", CASES["must_not_change"])
def test_clinical_and_plain_paragraphs_stay_however_often_they_are_repeated(paragraph: str) -> None:
    assert family_of(paragraph) is None
    assert without(f"First words.\n\n{paragraph}", {key_of(paragraph)})[0].endswith(paragraph)


@pytest.mark.parametrize(("what", "paragraph"), CASES["known_failure"])
@pytest.mark.xfail(strict=True, reason="a known failure: it stays")
def test_known_failures(what: str, paragraph: str) -> None:
    assert family_of(paragraph)


def test_a_paragraph_must_stand_in_many_documents_of_its_source(tmp_path: Path) -> None:
    many = [document(n, body(n), LICENCE) for n in range(10)]
    few = [document(n, body(n), LICENCE, source="other") for n in range(9)]
    rows = cleaned(tmp_path, [*many, *few])
    assert {rows[one.id]["text"] for one in many} == {body(n) for n in range(10)}
    assert all(rows[one.id]["text"] == one.text and rows[one.id]["edits"] == one.edits for one in few)


def test_a_share_of_a_large_source_is_asked_too() -> None:
    documents = [document(n, body(n), *[LICENCE] * (n < 12)) for n in range(400)]
    keys = BoilerplateKeys().apply(to_table(documents)).table
    assert resolve(keys, BoilerplateConfig(min_share=0.03)).num_rows == 1
    assert resolve(keys, BoilerplateConfig(min_share=0.031)).num_rows == 0


def test_repeated_dosing_advice_stays(tmp_path: Path) -> None:
    documents = [document(n, DOSES, body(n), *CASES["must_not_change"][2:]) for n in range(30)]
    rows = cleaned(tmp_path, documents, min_documents=2)
    assert all(rows[one.id]["text"] == one.text for one in documents)


def test_edits_name_what_went_and_replay_it(tmp_path: Path) -> None:
    documents = [document(n, LICENCE, body(n), DISCLAIMER) for n in range(12)]
    rows = cleaned(tmp_path, documents)
    for one in documents:
        row = rows[one.id]
        (edit,) = row["edits"]
        assert (edit["stage"], edit["names"]) == (
            "boilerplate",
            [f"remove_licence:{key_of(LICENCE)}", f"remove_disclaimer:{key_of(DISCLAIMER)}"],
        )
        assert row["text"] == replay(one.text, edit["names"])
        assert row["tokens"] == estimate_tokens(row["text"])
    with pytest.raises(KeyError):
        replay(documents[0].text, ["redact_email:1"])


def test_the_list_tells_how_often_and_where() -> None:
    documents = [document(n, body(n), LICENCE, LICENCE) for n in range(20)]
    keys = BoilerplateKeys().apply(to_table(documents)).table
    (row,) = resolve(keys, BoilerplateConfig()).to_pylist()
    assert row == {
        "source": "site", "key": key_of(LICENCE), "family": "licence", "documents": 20, "of": 20, "example": "site-000",
    }  # fmt: skip
    backwards = pa.concat_tables([keys.slice(n, 1) for n in reversed(range(20))])
    assert resolve(backwards, BoilerplateConfig()) == resolve(keys, BoilerplateConfig())


def test_dates_and_addresses_do_not_tell_paragraphs_apart_and_other_numbers_do() -> None:
    assert key_of("Page last reviewed: March 4, 2015") == key_of("page last  reviewed: June 30, 2021")
    assert key_of("Cite as https://a.example.org/1") == key_of("Cite as https://a.example.org/2")
    assert key_of("Room 12. All rights reserved.") != key_of("Room 13. All rights reserved.")


def _section(path: str, start: int, end: int) -> dict[str, Any]:
    return {"path": path, "start": start, "end": end}


def test_sections_move_with_the_text(tmp_path: Path) -> None:
    before, heading, after = LICENCE, "## Sleep", "Ask about noise and light."
    text = "\n\n".join((before, heading, after))
    start = text.index(heading)
    sections = [_section("Sleep", start, len(text)), _section("Rights", 0, len(before))]
    documents = [document(n, before, heading, after, sections=sections) for n in range(10)]
    row = cleaned(tmp_path, documents)["site-003"]
    (section,) = row["sections"]
    assert row["text"][section["start"] : section["end"]] == f"{heading}\n\n{after}"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"{LICENCE}", ""),
        (f"{LICENCE}\n\n\n  Indented words.", "  Indented words."),
        (f"Words.\n\n{LICENCE}\n", "Words."),
        (f"Words.\n\n{LICENCE}\n\n{DISCLAIMER}\n\nMore.", "Words.\n\nMore."),
        (f"Words.\n{LICENCE}\n\nMore.", "More."),
    ],
    ids=["nothing left", "indent", "at the end", "two in a row", "a block with other lines"],
)
def test_blank_lines_go_with_a_paragraph(text: str, left: str) -> None:
    keys = {one.key for one in find(text)}
    assert without(text, keys)[0] == left


def test_the_same_bytes_for_any_shards_and_once_is_enough(tmp_path: Path) -> None:
    documents = [document(n, LICENCE, body(n), DISCLAIMER if n % 2 else DOSES) for n in range(24)]
    one, other = cleaned(tmp_path / "a", documents, rows=24), cleaned(tmp_path / "b", documents, rows=5)
    assert one == other
    cleaned(tmp_path / "c", documents, rows=5)
    assert digests(LocalDisk(tmp_path / "b")) == digests(LocalDisk(tmp_path / "c"))
    again = [document(int(row["key"]), row["text"]) for row in one.values()]
    assert all(row["text"] == one[name]["text"] for name, row in cleaned(tmp_path / "d", again).items())
