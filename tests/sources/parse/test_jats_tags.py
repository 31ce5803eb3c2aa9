"""The tag library of JATS element by element: small fragments written for this test, and the text of each. Tier: push.

`inline` stands in a paragraph, `math` in a formula in one, `block` in the body, `back` and `front` in their places.
"""

import json
from pathlib import Path

import pytest
from test_jats import REFS, one

TAGS: dict[str, list[list[str]]] = json.loads((Path(__file__).parent / "test_jats_tags.json").read_text("utf-8"))
FLAT = [(place, *case) for place, cases in TAGS.items() for case in cases]


def text_of(place: str, fragment: str) -> str:
    if place == "back":
        return one(body="<p>x</p>", back=f"<back>{fragment}</back>").text
    if place == "front":
        return one(fragment, "<p>x</p>").text
    if place == "block":
        return one(body=fragment).text
    inner = f"<mml:math>{fragment}</mml:math>" if place == "math" else fragment
    return one(body=f"<p>{inner}</p>", back=REFS).text


@pytest.mark.parametrize(("place", "element", "fragment", "wanted"), FLAT, ids=[f"{c[0]}: {c[1]}" for c in FLAT])
def test_every_element_reads_as_it_should(place: str, element: str, fragment: str, wanted: str) -> None:
    assert text_of(place, fragment) == wanted, element
