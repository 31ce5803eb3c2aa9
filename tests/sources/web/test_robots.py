"""robots.txt: the rules of both famous case tables, the answers that close a site, delays, sitemaps."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.web.robots import ROBOTS_REASONS, matches, rules_from
from sources.web.robots_lines import MAX_BODY_BYTES, MAX_LINE_BYTES

CASES = Path(__file__).parent / "cases"
RULES = json.loads((CASES / "robots_rules.json").read_text("utf-8"))["cases"]
ANSWERS = json.loads((CASES / "robots_answers.json").read_text("utf-8"))["cases"]
SITE = "https://clinic.example"


def body_of(case: dict[str, Any]) -> bytes:
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    text = (
        case.get("pad", "") * case.get("times", 1)
        + case.get("robots", "")
        + case.get("after", "") * case.get("times", 1)
    )
    return text.encode(case.get("encoding", "utf-8"))


@pytest.mark.parametrize("case", RULES, ids=[case["why"][:60] for case in RULES])
def test_rules_of_google_and_protego(case: dict[str, Any]) -> None:
    rules = rules_from(200, body_of(case), None)
    told = [[agent, path, rules.refusal(agent, SITE + path) is None] for agent, path, _ in case["asks"]]
    assert told == case["asks"]


@pytest.mark.parametrize("case", ANSWERS, ids=[case["why"][:60] for case in ANSWERS])
def test_answers_to_robots(case: dict[str, Any]) -> None:
    rules = rules_from(case.get("status"), body_of(case), case.get("failure"))
    told = {path: rules.refusal("medmix", SITE + path) for path in case["expect"]}
    assert told == case["expect"]
    assert {reason for reason in told.values() if reason} <= ROBOTS_REASONS


def test_the_table_of_answers_is_long_enough() -> None:
    assert len(ANSWERS) >= 40


@pytest.mark.parametrize(("letter", "status"), [("a", "robots_disallowed"), ("b", None)])
def test_a_long_line_is_cut_where_google_cuts_it(letter: str, status: str | None) -> None:
    assert MAX_LINE_BYTES == 16663  # 8 * 2083 bytes with the zero that ends them in C
    path = "/x/" + "a" * (MAX_LINE_BYTES - len("disallow: /x/") - 1)
    rules = rules_from(200, f"user-agent: aidbot\ndisallow: {path}/far\n".encode(), None)
    assert rules.refusal("aidbot", SITE + path.replace("a", letter) + "/near") == status
    assert rules.refusal("aidbot", SITE + "/other") is None


def test_a_line_that_the_size_limit_cuts_opens_nothing() -> None:
    body = b"User-agent: *\nDisallow: /\n" + b"#" * (MAX_BODY_BYTES - 37) + b"\nAllow: /open\n"
    assert MAX_BODY_BYTES == 512_000
    assert body[:MAX_BODY_BYTES].endswith(b"\nAllow: /op")
    rules = rules_from(200, body, None)
    assert rules.refusal("medmix", SITE + "/opera") == "robots_disallowed"
    assert rules.refusal("medmix", SITE + "/open") == "robots_disallowed"


@pytest.mark.parametrize(
    ("lines", "delay_s"),
    [
        ("Crawl-delay: 10", 10),
        ("crawl-delay:0.5", 0.5),
        ("Crawl-Delay 7", 7),
        ("Crawl-delay: 1e1", 10),
        ("Crawl-delay: 0", 0),
        ("Crawl-delay: 5 # seconds", 5),
        ("Crawl-delay: ten", None),
        ("Crawl-delay: 5s", None),
        ("Crawl-delay: -5", None),
        ("Crawl-delay: inf", None),
        ("Crawl-delay: nan", None),
        ("Crawl-delay:", None),
        ("Crawl-delay: 3\nCrawl-delay: 9\nCrawl-delay: 4", 9),
        ("Request-rate: 1/30", 30),
        ("Request-rate: 2/1m 0600-0800\nCrawl-delay: 7", 30),
        ("Request-rate: 1/5\u2028Disallow: /", 5),
        ("Disallow: /x", None),
    ],
)
def test_delay(lines: str, delay_s: float | None) -> None:
    rules = rules_from(200, f"User-agent: *\n{lines}\nUser-agent: other\nCrawl-delay: 20\n".encode(), None)
    assert rules.delay_s("medmix") == delay_s
    assert rules.delay_s("other/1.0") == 20
    assert rules.refusal("medmix", SITE) is None


def test_an_own_group_without_delay_has_none() -> None:
    rules = rules_from(200, b"User-agent: *\nCrawl-delay: 99\nUser-agent: medmix\nDisallow: /x\n", None)
    assert rules.delay_s("medmix") is None
    assert rules.refusal("other", SITE) == "crawl_delay_too_long"
    assert rules.refusal("medmix", SITE) is None


@pytest.mark.parametrize(
    ("delay", "reason"), [("60", None), ("60.1", "crawl_delay_too_long"), ("3600", "crawl_delay_too_long")]
)
def test_a_long_delay_closes_the_site(delay: str, reason: str | None) -> None:
    rules = rules_from(200, f"User-agent: *\nDisallow: /x\nCrawl-delay: {delay}\n".encode(), None)
    assert rules.refusal("medmix", SITE + "/a") == reason
    assert rules.refusal("medmix", SITE + "/x") == "robots_disallowed"


def test_sitemaps_are_told_wherever_they_stand() -> None:
    body = (
        "Sitemap: https://clinic.example/a.xml \nUser-agent: *\nsite-map: https://clinic.example/b.xml # c\n"
        "Sitemap https://clinic.example/c.xml\nSitemaps: /d.xml\nSitemap:\nSitemap: https://clinic.example/a.xml\n"
        "Sitemap index: see https://clinic.example/e.xml\n"
    )
    assert rules_from(200, body.encode(), None).sitemaps == (
        "https://clinic.example/a.xml", "https://clinic.example/b.xml", "https://clinic.example/c.xml", "/d.xml",
    )  # fmt: skip
    assert rules_from(404, body.encode(), None).sitemaps == ()


def test_a_page_of_wildcards_takes_no_time() -> None:
    rules = rules_from(200, f"User-agent: *\nDisallow: /a/{'*a' * 32}b\n".encode(), None)
    assert rules.refusal("medmix", SITE + "/a/" + "a" * 32 + "c") is None


@given(st.binary(max_size=400), st.text(max_size=20), st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_bytes_give_an_answer(body: bytes, agent: str, path: str) -> None:
    rules = rules_from(200, b"User-agent: *\nDisallow: " + body, None)
    assert rules.refusal(agent, f"{SITE}/{path}") in {None, *ROBOTS_REASONS}
    assert rules.delay_s(agent) is None or rules.delay_s(agent) >= 0


def reference(pattern: str, path: str) -> bool:
    """RFC 9309 2.2.2 and 2.2.3 in one regular expression, for patterns of plain characters."""
    body, end = (pattern[:-1], "$") if pattern.endswith("$") else (pattern, "")
    return re.match(".*".join(map(re.escape, body.split("*"))) + end.replace("$", r"\Z"), path) is not None


@given(
    st.lists(st.tuples(st.booleans(), st.from_regex(r"/[ab/*]{0,6}\$?", fullmatch=True)), max_size=6),
    st.from_regex(r"/[ab/]{0,8}", fullmatch=True),
)
def test_the_longest_match_decides_as_in_the_rfc(lines: list[tuple[bool, str]], path: str) -> None:
    """Of all that match the longest pattern decides, of equal ones the open one; no match is open."""
    body = "User-agent: *\n" + "".join(f"{'Allow' if opens else 'Disallow'}: {pattern}\n" for opens, pattern in lines)
    hits = [(len(pattern), opens) for opens, pattern in lines if reference(pattern, path)]
    expect = max(hits, default=(0, True))[1]
    assert (rules_from(200, body.encode(), None).refusal("medmix", SITE + path) is None) == expect


def test_patterns_for_other_files() -> None:
    assert matches("/guides/", SITE + "/guides/iron")
    assert matches("guides/", SITE + "/guides/iron")
    assert matches("*.pdf$", SITE + "/a/b.pdf")
    assert not matches("*.pdf$", SITE + "/a/b.pdf?x")
    assert not matches("/guides/", SITE + "/Guides/")
