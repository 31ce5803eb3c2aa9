"""Content encodings: every layer, every cut, every bomb; limits hold while decompressing."""

import gzip
import random
import tracemalloc
import zlib

import pytest
import zstandard
from fakes.web.scripts import encode

from sources.web.body import decode
from sources.web.exchange import FetchLimits, Refusal

TEXT = "".join(random.Random(7).choices("dose 0.5 mg/kg\n", k=90_000)).encode()
CODINGS = ["gzip", "x-gzip", "deflate", "zstd"]


def bare_deflate(body: bytes) -> bytes:
    return zlib.compress(body, wbits=-15)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("outer", ["", *CODINGS])
@pytest.mark.parametrize("body", [TEXT, b"x", b"0" * 65_536, bytes(1_000_000)], ids=["text", "x", "64k", "zeros"])
def test_what_was_encoded_comes_back(coding: str, outer: str, body: bytes) -> None:
    raw = encode(encode(body, coding), outer)
    limits = FetchLimits(ratio=100_000)
    assert decode(raw, [coding, outer.upper(), " identity "], limits) == body


def test_bare_deflate_and_joined_members_are_whole() -> None:
    for size_bytes in (*range(65_530, 65_545), 131_072, 200_000):
        zeros = bytes(size_bytes)
        assert decode(bare_deflate(zeros), ["deflate"], FetchLimits()) == zeros
    assert decode(gzip.compress(TEXT) + gzip.compress(b"more"), ["gzip"], FetchLimits()) == TEXT + b"more"
    frames = zstandard.ZstdCompressor().compress(TEXT) + zstandard.ZstdCompressor().compress(b"more")
    assert decode(frames, ["zstd"], FetchLimits()) == TEXT + b"more"


@pytest.mark.parametrize("coding", CODINGS)
def test_a_cut_body_is_refused_wherever_it_is_cut(coding: str) -> None:
    raw = encode(TEXT, coding)
    cuts = [*range(1, 30), len(raw) // 2, *range(len(raw) - 30, len(raw))]
    for cut in cuts:
        with pytest.raises(Refusal) as refused:
            decode(raw[:cut], [coding], FetchLimits())
        assert refused.value.reason == "bad_encoding", cut
    for cut in (1, len(bare_deflate(TEXT)) // 2, len(bare_deflate(TEXT)) - 1):
        with pytest.raises(Refusal, match="deflate"):
            decode(bare_deflate(TEXT)[:cut], ["deflate"], FetchLimits())


@pytest.mark.parametrize("coding", CODINGS)
def test_damage_and_surplus_are_refused(coding: str) -> None:
    raw = encode(TEXT, coding)
    for damaged in (raw + b"<!-- cached -->", TEXT):
        with pytest.raises(Refusal) as refused:
            decode(damaged, [coding], FetchLimits())
        assert refused.value.reason == "bad_encoding"
    with pytest.raises(Refusal) as refused:
        decode(raw[:-3] + bytes(255 - byte for byte in raw[-3:]), ["gzip"], FetchLimits())
    assert refused.value.reason == "bad_encoding"


@pytest.mark.parametrize("coding", CODINGS)
def test_surplus_is_seen_wherever_the_stream_ends(coding: str) -> None:
    """Input is read in pieces, so a stream may end exactly where a piece does."""
    noise = random.Random(3).randbytes(65_536)
    for spare_bytes in range(64):
        raw = encode(noise[spare_bytes:], coding)
        assert decode(raw, [coding], FetchLimits()) == noise[spare_bytes:]
        with pytest.raises(Refusal) as refused:
            decode(raw + b"?", [coding], FetchLimits())
        assert refused.value.reason == "bad_encoding"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_row_of_empty_streams_is_bounded(coding: str) -> None:
    with pytest.raises(Refusal, match="in a row"):
        decode(encode(b"", coding) * 10_001, [coding], FetchLimits())
    assert decode(encode(b"", coding) * 9_999 + encode(b"x", coding), [coding], FetchLimits()) == b"x"


@pytest.mark.parametrize("encodings", [["br"], ["compress"], ["gzip", "zip"], ["gzip", "gzip", "gzip"]])
def test_unknown_and_stacked_encodings_are_refused(encodings: list[str]) -> None:
    raw = TEXT
    for coding in encodings:
        raw = encode(raw, coding)
    with pytest.raises(Refusal) as refused:
        decode(raw, encodings, FetchLimits())
    assert refused.value.reason == "bad_encoding"


def test_no_encoding_and_no_body_stay_as_they_are() -> None:
    assert decode(TEXT, [], FetchLimits()) == TEXT
    assert decode(TEXT, ["identity", ""], FetchLimits()) == TEXT
    assert decode(b"", ["gzip"], FetchLimits()) == b""


@pytest.mark.parametrize("codings", [["gzip"], ["deflate"], ["zstd"], ["gzip", "gzip"], ["zstd", "zstd"]])
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (FetchLimits(decoded_bytes=4 << 20, ratio=10**9), "too_large_decoded"),
        (FetchLimits(), "ratio"),
    ],
    ids=["size", "ratio"],
)
def test_bombs_stop_at_the_limit_in_memory_too(codings: list[str], limits: FetchLimits, reason: str) -> None:
    raw = bytes(64 << 20)
    for coding in codings:
        raw = encode(raw, coding)
    tracemalloc.start()
    try:
        with pytest.raises(Refusal) as refused:
            decode(raw, codings, limits)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused.value.reason == reason
    assert peak_bytes < 40 << 20


def test_the_ratio_counts_only_after_the_first_mebibyte() -> None:
    small, large = gzip.compress(bytes(1 << 20)), gzip.compress(bytes((1 << 20) + 1))
    assert len(decode(small, ["gzip"], FetchLimits())) == 1 << 20
    with pytest.raises(Refusal) as refused:
        decode(large, ["gzip"], FetchLimits())
    assert refused.value.reason == "ratio"


def test_limits_are_met_exactly() -> None:
    limits = FetchLimits(decoded_bytes=len(TEXT))
    assert decode(gzip.compress(TEXT), ["gzip"], limits) == TEXT
    with pytest.raises(Refusal) as refused:
        decode(gzip.compress(TEXT + b"."), ["gzip"], limits)
    assert refused.value.reason == "too_large_decoded"
