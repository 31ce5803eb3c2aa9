"""26 real articles chosen for what is hard in them, beside facts read in their XML by hand. Tier: real.

The facts hold no text of the articles: counts, levels, languages, dates, licences, relations, and digests of headings
and of single cells (table, row of the body, column), of which only letters and digits count.
"""

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jats_oracle_blocks import written_headings, written_tables
from test_jats_real import DATA, bulk_files, single_files

from sources.parse.jats import parse
from sources.parse.part import Part

HARD: list[dict[str, Any]] = json.loads((Path(__file__).parent / "test_jats_golden.json").read_text("utf-8"))
ITEM = re.compile(r"^[> ]*(?:- |\d+\. )", re.M)
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (DATA / "jats").is_dir(), reason="MEDMIX_DATA is unset or has no jats folder"),
]


def digest(run: str) -> str:
    return hashlib.sha256(run.encode()).hexdigest()[:8]


@cache
def files() -> dict[str, bytes]:
    wanted = {fact["file"] for fact in HARD}
    return {name: data for found in (single_files(), bulk_files()) for name, data in found if name in wanted}


def parts_of(fact: dict[str, Any]) -> list[Part]:
    data = files()[fact["file"]]
    assert hashlib.sha256(data).hexdigest() == fact["sha256"], "another file of this name: its facts are not known"
    return [part for part in parse(data, "k", {}) if isinstance(part, Part)]


@pytest.mark.parametrize("fact", HARD, ids=[fact["file"] for fact in HARD])
def test_what_the_front_says(fact: dict[str, Any]) -> None:
    parts = parts_of(fact)
    assert parts[0].spdx == fact["spdx"]
    assert parts[0].published == fact["published"]
    assert parts[0].kind == fact["kind"]
    assert not any(part.retracted for part in parts)
    said = [(part.name, part.language, part.extra.get("article_type"), len(part.references)) for part in parts]
    assert said == [(one["name"], one["language"], one["type"], one["references"]) for one in fact["parts"]]
    assert [[list(link) for link in part.links] for part in parts] == [one["links"] for one in fact["parts"]]


@pytest.mark.parametrize("fact", HARD, ids=[fact["file"] for fact in HARD])
def test_sections_tables_and_items(fact: dict[str, Any]) -> None:
    for part, one in zip(parts_of(fact), fact["parts"], strict=True):
        headings = [[level, digest(run)] for level, run in written_headings(part.text) if level]
        assert headings == one["headings"]
        tables = list(written_tables(part.text))
        assert [[len(rows), len(head)] for head, rows in tables] == one["tables"]
        for table, row, column, cell in one["cells"]:
            assert digest(tables[table][1][row][column]) == cell, (table, row, column)
        assert len(ITEM.findall(part.text)) == one["items"]
