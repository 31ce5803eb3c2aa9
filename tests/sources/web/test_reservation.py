"""What pages and sites reserve: vectors for every signal, conflicts, and hostile input."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fakes.web.clock import START
from hypothesis import given
from hypothesis import strategies as st

from sources.web.page_meta import metas
from sources.web.reservation import signals

CASES = json.loads((Path(__file__).parent / "cases" / "reservation.json").read_text("utf-8"))["cases"]
PAGE = "https://clinic.example/guides/iron"


def file_of(case: dict[str, Any], name: str) -> bytes | None:
    if f"{name}_text" in case:
        return str(case[f"{name}_text"]).encode()
    told = case.get(name)
    if told is None:
        return None
    return (told if isinstance(told, str) else json.dumps(told)).encode()


@pytest.mark.parametrize("case", CASES, ids=[case["why"][:60] for case in CASES])
def test_vectors(case: dict[str, Any]) -> None:
    page = case.get("page", "") + " " * case.get("pad", 0) + case.get("after", "")
    headers = tuple((name, value) for name, value in case.get("headers", ()))
    told = signals(
        headers,
        page.encode(case.get("encoding", "utf-8")),
        file_of(case, "robots"),
        file_of(case, "tdmrep"),
        file_of(case, "ai_txt"),
        case.get("url", PAGE),
    )
    expect = case["expect"]
    flags = {name: getattr(told, name) for name in ("tdm_reserved", "noindex", "nofollow")}
    assert flags == {name: expect.get(name, False) for name in flags}, told.evidence
    assert told.noindex_at(START) == expect.get("gone", expect.get("noindex", False))
    ends = expect.get("unavailable_after")
    assert told.unavailable_after == (datetime.fromisoformat(ends) if ends else None)
    if "evidence" in case:
        assert list(told.evidence) == case["evidence"]
    for words in case.get("says", ()):
        assert any(words in line for line in told.evidence), told.evidence
    assert not any(flags.values()) or told.evidence


def test_headers_may_be_a_mapping_and_files_may_be_empty() -> None:
    assert signals({"TDM-Reservation": "1"}, b"", b"", b"", b"", PAGE).tdm_reserved


def test_evidence_is_one_short_line() -> None:
    told = signals([("tdm-policy", "a\r\n b\t" + "x" * 5000)], b"", None, None, None, PAGE)
    assert told.evidence == (("header tdm-policy: a b " + "x" * 200)[:200],)


@given(st.binary(max_size=300), st.text(max_size=80), st.binary(max_size=80))
def test_any_bytes_give_an_answer(junk: bytes, value: str, more: bytes) -> None:
    headers = [("x-robots-tag", value), ("tdm-reservation", value), ("content-usage", value), ("content-signal", value)]
    told = signals(headers, b"<meta name=robots content=" + junk, junk, more, b"User-agent: *\n" + more, PAGE)
    assert all(len(line) <= 200 and "\n" not in line for line in told.evidence)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["location", "tdm-reservation", "x"]), inner),
    )
)
def test_any_json_gives_an_answer(told: Any) -> None:
    signals((), b"", None, json.dumps(told).encode(), None, PAGE)


def test_a_site_file_beyond_its_limit_is_told_and_not_read() -> None:
    rules = b'[{"location": "/", "tdm-reservation": 1}' + b" " * (1 << 20) + b"]"
    assert signals((), b"", None, rules, None, PAGE).evidence == ("tdmrep.json: cannot be read",)
    assert signals((), b"", None, rules.replace(b"  ", b""), None, PAGE).tdm_reserved


def test_deep_json_gives_an_answer() -> None:
    assert signals((), b"", None, b"[" * 100_000, None, PAGE).evidence == ("tdmrep.json: cannot be read",)


@pytest.mark.parametrize(
    "piece",
    [
        b"<!--",
        b"<a ",
        b"<!",
        b"<![x[",
        b"</",
        b"<meta '",
        b'<meta a="',
        b"<?",
        b"&",
        b"&#",
        b"<script></scrip",
        b"<",
        b"<a/",
    ],
)
def test_a_hostile_head_ends(piece: bytes) -> None:
    assert metas(piece * 65536) == []
