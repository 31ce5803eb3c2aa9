"""URLs: what is refused and why, what the rest becomes; the allowlist of a source."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.web.exchange import Refusal
from sources.web.url import ALLOWLIST_REASONS, URL_REASONS, Allowlist, parse

CASES = json.loads(Path(__file__).with_name("url_cases.json").read_text("utf-8"))


@pytest.mark.parametrize("case", [one for one in CASES if "refused" in one], ids=lambda case: ascii(case["url"])[:60])
def test_refused_urls(case: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        parse(case["url"])
    assert (refused.value.reason, bool(refused.value.detail)) == (case["refused"], True)
    assert case["refused"] in URL_REASONS


@pytest.mark.parametrize("case", [one for one in CASES if "becomes" in one], ids=lambda case: ascii(case["url"])[:60])
def test_accepted_urls_have_one_spelling(case: dict[str, str]) -> None:
    url = parse(case["url"])
    assert str(url) == case["becomes"]
    assert parse(str(url)) == url
    assert url.port == {"http": 80, "https": 443}[url.scheme]


@given(
    st.text(max_size=60),
    st.sampled_from(["", "https://", "https://iris.example.org", "https://a.example/", "http://["]),
)
def test_any_text_is_parsed_to_a_fixed_point_or_refused(text: str, start: str) -> None:
    refused = None
    try:
        url = parse(start + text)
    except Refusal as refusal:
        refused = refusal.reason
    if refused is not None:
        assert refused in URL_REASONS
        return
    assert parse(str(url)) == url
    assert urlsplit(str(url)).hostname == url.host
    assert str(url).isascii()
    assert not set(str(url)) & set(' "<>\\#\r\n\t')


@pytest.mark.parametrize(
    ("reference", "becomes"),
    [
        ("b", "https://iris.example.org/a/b"),
        ("../b?x#y", "https://iris.example.org/b?x"),
        ("/é", "https://iris.example.org/%C3%A9"),
        ("//other.example.net/x", "https://other.example.net/x"),
        (" http://other.example.net ", "http://other.example.net/"),
        ("?page=2", "https://iris.example.org/a/index?page=2"),
        ("", "https://iris.example.org/a/index?page=1"),
    ],
)
def test_references_are_joined(reference: str, becomes: str) -> None:
    assert str(parse("https://iris.example.org/a/index?page=1").join(reference)) == becomes


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("//127.0.0.1/", "address_not_global"),
        ("http://2130706433/", "odd_address"),
        ("javascript:void(0)", "other_scheme"),
        ("https://[::1/", "bad_url"),
        ("//user@iris.example.org/", "userinfo"),
        ("\\\\127.0.0.1\\x", "bad_url"),
    ],
)
def test_redirects_to_odd_places_are_refused(reference: str, reason: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse("https://iris.example.org/").join(reference)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("https://iris.example.org/a", None),
        ("https://www.iris.example.org/a", "off_list"),
        ("https://example.org/a", "off_list"),
        ("https://iris.example.org.evil.example/a", "off_list"),
        ("https://evil-iris.example.org/a", "off_list"),
        ("https://iris.example.0rg.example/", "off_list"),
        ("https://guidelines.example/", None),
        ("https://a.b.guidelines.example/", None),
        ("https://myguidelines.example/", "off_list"),
        ("https://guidelines.example.evil.example/", "off_list"),
        ("https://xn--gudelines-q5a.example/", "off_list"),
        ("https://health.gov.uk/", "off_list"),
        ("https://www.health.gov.za/", None),
        ("https://other.gov.za/", "off_list"),
        ("https://b\u00fccher.example/", None),
        ("https://93.184.216.34/", "off_list"),
        ("http://iris.example.org/a", "http_not_listed"),
        ("http://www.example.org/a", "off_list"),
    ],
)
def test_allowlist_by_exact_host_or_registrable_domain(url: str, refused: str | None) -> None:
    hosts = ("Iris.example.org", "*.guidelines.example", "*.health.gov.za", "xn--bcher-kva.example")
    assert Allowlist(hosts, http=False).refusal(parse(url)) == refused
    assert refused is None or refused in ALLOWLIST_REASONS


def test_plain_http_only_when_listed() -> None:
    assert Allowlist(("iris.example.org",), http=True).refusal(parse("http://iris.example.org/")) is None


@pytest.mark.parametrize("host", ["*.org", "*.gov.za", "*.github.io", "*.www.example.org"])
def test_no_star_over_what_nobody_registered(host: str) -> None:
    with pytest.raises(ValueError, match="no registrable domain"):
        Allowlist((host,), http=False)
