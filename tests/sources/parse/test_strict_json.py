"""Strict JSON: what RFC 8259 allows is read as the library reads it, all else is refused with a reason."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.parse.strict_json import loads

DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
CASES = json.loads((Path(__file__).parent / "cases" / "strict_json.json").read_text())


def data_of(case: dict[str, str]) -> bytes:
    return bytes.fromhex(case["hex"]) if "hex" in case else case["text"].encode()


@pytest.mark.parametrize("case", CASES["accepted"], ids=str)
def test_json_is_read(case: dict[str, str]) -> None:
    assert loads(data_of(case)) == json.loads(data_of(case).decode("utf-8-sig"))


@pytest.mark.parametrize("case", CASES["refused"], ids=str)
def test_what_is_not_json_is_refused(case: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r".{8,100}"):
        loads(data_of(case))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"dose": 5, "dose": 50}', "a key occurs twice"),
        (b"[NaN]", "NaN is not JSON"),
        (b"1e999", "too large"),
        (b"1e-999", "too small"),
        (b'"\\ud800"', "surrogate"),
        (b"9" * 5000, "digits"),
        (b"[" * 100_000, "deeper than 100"),
        (b'{"a":' * 5000, "deeper than 100"),
        (b'"\xff"', "not UTF-8 at byte 1"),
    ],
)
def test_reasons_are_short_and_quote_nothing(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        loads(data)
    assert "dose" not in str(caught.value)


def test_depth_counts_nesting_and_not_brackets() -> None:
    assert loads(b"[" * 100 + b"]" * 100)
    assert len(loads(b"[" + b",".join([b'[{"a": "[[[[{{{\\"[["}]'] * 300) + b"]")) == 300
    for deep in (b"[" * 101 + b"]" * 101, b'["[",' * 101 + b"0" + b"]" * 101):
        with pytest.raises(ValueError, match="deeper"):
            loads(deep)


SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text()
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_every_value_comes_back(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert loads(text.encode()) == json.loads(text)


@given(st.binary(max_size=60) | st.text(alphabet='[]{},:"\\u0dD8 \n1e-.', max_size=60).map(str.encode))
def test_noise_gives_a_value_or_a_reason(data: bytes) -> None:
    value = None
    with contextlib.suppress(ValueError):
        value = loads(data)
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA is unset or missing")
def test_real_bad_files_are_all_refused() -> None:
    paths = sorted((DATA / "bad_inputs/json").glob("*.json"))
    assert paths
    for path in paths:
        with pytest.raises(ValueError, match=r"\w"):
            loads(path.read_bytes())
