"""Licence statements of every sort: the right key, or none. What is narrower than it seems is never wrongly open."""

import json
from pathlib import Path

import pytest
from lxml import etree

from sources.licence_code import under_code
from sources.parse.jats_licence import licence_in, licence_of

CASES = json.loads((Path(__file__).parent / "licence_statements.json").read_text(encoding="utf-8"))
CODES = json.loads((Path(__file__).parent / "licence_codes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["statement"][:60])
def test_a_statement_in_words_or_by_address(case: dict[str, str | None]) -> None:
    assert licence_in(case["statement"] or "").spdx == case["spdx"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["statement"][:60])
@pytest.mark.parametrize("element", ["license-p", "ali:license_ref", "copyright-statement"])
def test_the_same_statement_in_an_article(case: dict[str, str | None], element: str) -> None:
    statement = etree.Element("p")
    statement.text = case["statement"]
    inner = etree.tostring(statement, encoding="unicode").removeprefix("<p>").removesuffix("</p>")
    node = f"<{element}>{inner}</{element}>"
    if element != "copyright-statement":
        node = f"<license>{node}</license>"
    ali = "http://www.niso.org/schemas/ali/1.0/"
    meta = etree.fromstring(f'<article-meta xmlns:ali="{ali}"><permissions>{node}</permissions></article-meta>')
    assert licence_of(meta).spdx == case["spdx"]


@pytest.mark.parametrize("case", CODES, ids=lambda case: f"{case['stated']} under {case['code']}")
def test_the_narrower_of_the_article_and_the_code_wins(case: dict[str, str | None]) -> None:
    statement = case["stated"] or case.get("statement") or ""
    assert under_code(case["stated"], statement, case["code"] or "") == case["spdx"]


@pytest.mark.parametrize("word", ["mining", "MINING", "MİNİNG", "mınıng"])
def test_mining_is_reserved_in_any_case(word: str) -> None:
    statement = f"CC BY 4.0. Text and data {word} is not permitted."
    assert licence_in(statement).mining_reserved
    assert licence_in(statement).spdx is None


def test_there_are_enough_of_them() -> None:
    assert len({case["statement"] for case in CASES}) >= 90
