"""The address table against its vectors, and against the standard library where that is right."""

import json
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.web.address import refusal

CASES = json.loads(Path(__file__).with_name("address_cases.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["address"]))
def test_vectors(case: dict[str, str | bool]) -> None:
    assert (refusal(str(case["address"])) is None) == case["public"], case["kind"]


@given(st.ip_addresses())
def test_what_the_standard_library_calls_private_is_refused(address: object) -> None:
    parsed = ip_address(str(address))
    if not parsed.is_global or parsed.is_multicast or parsed.is_reserved:
        carries_public = str(parsed).startswith("64:ff9b::")
        assert refusal(str(parsed)) is not None or carries_public


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_never_judged_milder(inner: IPv4Address) -> None:
    plain = refusal(str(inner))
    assert (refusal(f"64:ff9b::{inner}") is None) == (plain is None)
    for form in (f"::ffff:{inner}", f"::ffff:0:{inner}", f"64:ff9b:1::{inner}", f"::{inner}"):
        assert refusal(form) is not None
