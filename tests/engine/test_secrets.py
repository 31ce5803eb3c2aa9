"""No secret leaves in any form, and nothing that a reader needs is taken for one."""

import base64
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from pipelines.engine.secrets import REDACTED, is_secret_name, redact, redact_url

CASES = json.loads((Path(__file__).parent / "cases" / "secrets.json").read_text())
CANARY = "c4nary/Value+with=odd&parts?7"


@pytest.mark.parametrize("case", CASES["must_change"], ids=lambda case: case["text"][:40])
def test_secrets_go_and_the_rest_stays(case: dict[str, str]) -> None:
    assert redact(case["text"]) == case["gives"]
    assert redact(case["gives"]) == case["gives"]


@pytest.mark.parametrize("text", CASES["must_not_change"], ids=lambda text: text[:40])
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("name", ["MY_TOKEN", "OPENAI_API_KEY", "AWS_SECRET", "PGPASSWORD", "NCBI_APIKEY", "a_key_2"])
def test_values_of_secret_variables_go_in_every_form(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, CANARY)
    data = CANARY.encode()
    forms = [CANARY, quote(CANARY), quote(CANARY, safe=""), quote_plus(CANARY)]
    forms += [base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()]
    for form in forms:
        assert redact(f"before {form} after").replace("=", "") == f"before {REDACTED} after"


@pytest.mark.parametrize("user", ["", "u", "us", "usr", "user"])
def test_a_value_inside_base64_goes_at_every_alignment(monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    monkeypatch.setenv("CANARY_TOKEN", CANARY)
    hidden = base64.b64encode(f"{user}:{CANARY}:tail".encode()).decode()
    left = redact(f"x {hidden} y").replace(REDACTED, "")
    neighbours = base64.b64encode(f"{user}::tail".encode())
    assert len(left) <= len("x  y") + len(neighbours) + 4


@pytest.mark.parametrize(("name", "secret"), [("TOKENIZERS_PARALLELISM", False), ("HOME", False), ("KEYBOARD", False)])
def test_a_variable_is_secret_by_whole_words(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


def test_short_values_are_not_hunted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "dose")
    assert redact("a dose of 5 mg") == "a dose of 5 mg"


@pytest.mark.parametrize(
    ("url", "gives"),
    [
        ("https://h/x?api_key=1&db=pmc", "https://h/x?db=pmc"),
        ("https://h/x?API_KEY=1", "https://h/x"),
        ("https://h/x?api%5Fkey=1&a=b%20c+d", "https://h/x?a=b%20c+d"),
        ("https://h/x?tool=medmix&email=a.b%40c.org&id=1,2", "https://h/x?tool=medmix&id=1,2"),
        ("https://h/x?contact=a.b%40c.org", "https://h/x"),
        ("https://h/x?next=https%3A%2F%2Fg%2F%3Ftoken%3D5&a=1", "https://h/x?a=1"),
        ("https://u:p@h:8080/x@y?a=1#frag", "https://h:8080/x@y?a=1#frag"),
        ("https://h/cb#access_token=abc&state=1", "https://h/cb#state=1"),
        ("s3://b/k?X-Amz-Signature=ab12&X-Amz-Date=2020", "s3://b/k?X-Amz-Date=2020"),
        ("https://h/x?key=AbC123dEf456gHi789jKl&q=1", "https://h/x?q=1"),
        ("https://h/x?", "https://h/x?"),
        ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
        ("relative/path.html?id=3", "relative/path.html?id=3"),
    ],
)
def test_urls_lose_secrets_and_keep_their_spelling(url: str, gives: str) -> None:
    assert redact_url(url) == gives
    assert redact_url(gives) == gives


@pytest.mark.parametrize("piece", ["a", "a-", "a.", "a@", "token", "a://", "&a=", "eyJa."])
def test_long_texts_cost_linear_time(piece: str) -> None:
    """A quadratic pattern would not end within the suite's patience."""
    text = piece * (300_000 // len(piece))
    assert isinstance(redact(text), str)
