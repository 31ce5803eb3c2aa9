"""The compiled statistics agree with their plain Python twin on any text, one by one or in a batch."""

import pyarrow as pa
import pytest
import quality_oracle as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.stages.quality_scan import STATISTICS, scan

WORDS = st.sampled_from(
    ["the",
     "The", "of", "dose", "5", "0.5", "1,000", "140/90", "mg/kg", "<", "#", "##", "...", "....",
     "…", "{", "•", "-", "中文", "ยา", "ဆေး",
     "é", "e\u0301", "\ufffd", "🙂",
     "\U000e0041", "٥", "5.", ".5", "\u200d", "x\u00ad", "\x00", "\u3000", "။", "de", "la"]
)  # fmt: skip
GAPS = st.sampled_from([" ", "", "\n", "\n\n", "\n\n\n", "  \n", "\t", "\u00a0"])
joined = st.lists(st.tuples(WORDS, GAPS), max_size=60).map(lambda pairs: "".join(w + g for w, g in pairs))
texts = st.one_of(joined, st.text(max_size=80))


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
