"""Words are split as the cases say; the statistics agree with their plain twin on any text, alone or in a batch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import quality_oracle as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.stages.quality_chars import class_table
from pipelines.stages.quality_scan import STATISTICS, scan
from pipelines.stages.quality_words import token_begins

CASES = json.loads((Path(__file__).parent / "cases" / "quality.json").read_text(encoding="utf-8"))["words"]

WORDS = st.sampled_from(
    ["the",
     "The", "of", "dose", "5", "0.5", "1,000", "140/90", "mg/kg", "<", "#", "##", "...", "....",
     "…", "{", "•", "-", "中文", "ยา", "ဆေး",
     "é", "e\u0301", "\ufffd", "🙂",
     "5-10", "HIV/AIDS", "q.i.d.", "e.g.,", "37.5°C.", "mg.kg-1", "(n=5)", "10mm²", "USA.", "IgG.", "CO₂.", "pain.The",
     "‘q’s", "+5", "++", "5+", "$5", "a--b", "a,b", "A:b", "www.a.org/b-c", "http://a.b/c-d.", "→x", "a…b", "%.",
     "...x", "\U000e0041", "٥", "5.", ".5", "\u200d", "x\u00ad", "\x00", "\u3000", "။", "de", "la"]
)  # fmt: skip
GAPS = st.sampled_from([" ", "", "\n", "\n\n", "\n\n\n", "  \n", "\t", "\u00a0"])
joined = st.lists(st.tuples(WORDS, GAPS), max_size=60).map(lambda pairs: "".join(w + g for w, g in pairs))
dense = st.lists(st.one_of(WORDS, st.sampled_from(list("abC5.,:;-/%+$'’’s°²{m<=*^~–—€é"))), max_size=12).map("".join)
texts = st.one_of(joined, dense, st.text(max_size=80))


def words(text: str) -> list[str]:
    data = text.encode()
    begins = np.flatnonzero(token_begins(np.frombuffer(data, np.uint8), class_table())).tolist()
    return [data[a:b].decode().strip() for a, b in zip(begins, [*begins[1:], len(data)], strict=True)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"])
def test_words_begin_where_they_should(case: dict[str, Any]) -> None:
    assert words(case["text"]) == case["words"], case["why"]


@given(texts)
@settings(deadline=None)
def test_agrees_with_the_plain_twin(text: str) -> None:
    expected = oracle.statistics(text)
    found = dict(zip(STATISTICS, scan(pa.array([text]))[0], strict=True))
    assert found == pytest.approx(expected, abs=1e-12)


@given(st.lists(texts, max_size=5))
@settings(deadline=None, max_examples=30)
def test_batching_and_slicing_do_not_matter(parts: list[str]) -> None:
    array = pa.array(["outside", *parts, "outside"], pa.string())
    whole = scan(array.slice(1, len(parts)))
    assert whole.tolist() == [scan(pa.array([part]))[0].tolist() for part in parts]


def test_all_statistics_are_in_the_twin() -> None:
    assert set(oracle.statistics("x")) == set(STATISTICS)
