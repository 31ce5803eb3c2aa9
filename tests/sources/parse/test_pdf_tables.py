"""Tables of PDFs: every value under its own column, or no columns at all. Cases lie in JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from test_pdf import BODY, column, read

CASES = json.loads((Path(__file__).parent / "test_pdf_tables_cases.json").read_text(encoding="utf-8"))


def _ops(cells: list[Any]) -> list[Any]:
    return [(x, y, 10, text) for x, y, text in cells]


def _ids(case: Any) -> Any:
    return case["why"]


@pytest.mark.parametrize("case", CASES["aligned"], ids=_ids)
def test_columns_of_white_space(case: Any) -> None:
    assert case["text"] in read([[*_ops(case["cells"]), *column(50, 500, BODY.split(), 9)]]).text


@pytest.mark.parametrize("case", CASES["ruled"], ids=_ids)
def test_ruled_grids(case: Any) -> None:
    xs, ys = case["xs"], case["ys"]
    rules = [("rule", xs[0], y, xs[-1], y) for y in ys] + [("rule", x, ys[0], x, ys[-1]) for x in xs]
    assert case["text"] in read([[*rules, *_ops(case["cells"]), *column(50, 500, BODY.split(), 9)]]).text


@pytest.mark.parametrize("case", CASES["spans"], ids=_ids)
def test_rules_that_are_no_plain_grid(case: Any) -> None:
    rules = [("rule", *rule) for rule in case["rules"]]
    assert case["text"] in read([[*rules, *_ops(case["cells"]), *column(50, 500, BODY.split(), 9)]]).text


def test_a_ruled_table_in_one_column_stays_in_its_place() -> None:
    left, right = [f"left{i:03d}" for i in range(60)], [f"right{i:03d}" for i in range(60)]
    rules = [("rule", 320, y, 480, y) for y in (730, 715, 700)] + [("rule", x, 730, x, 700) for x in (320, 400, 480)]
    cells = _ops([[325, 719, "Zinc"], [405, 719, "10 mg"], [325, 704, "Iron"], [405, 704, "60 mg"]])
    text = read([[*rules, *cells, *column(50, 730, left, 5), *column(320, 680, right, 5)]]).text
    assert (
        text.index("left059") < text.index("| Zinc | 10 mg |\n| --- | --- |\n| Iron | 60 mg |") < text.index("right000")
    )


def test_cells_drawn_as_boxes_make_a_grid() -> None:
    boxes = [("box", x, y, x + 100, y + 20) for x in (50, 150) for y in (690, 670)]
    cells = _ops([[55, 695, "Age"], [155, 695, "Drops"], [55, 675, "newborn"], [155, 675, "2"]])
    text = read([[*boxes, *cells, *column(50, 500, BODY.split(), 9)]]).text
    assert "| Age | Drops |\n| --- | --- |\n| newborn | 2 |" in text
