"""Bytes to text: the right characters, named repairs, or a named refusal."""

import pytest

from sources.parse.charset import decode
from sources.parse.part import Unreadable

GREEK = "Η δόση είναι 5 µg κάθε 12 ώρες· ο ασθενής πρέπει να εξεταστεί ξανά την επόμενη ημέρα. " * 20
RUSSIAN = "Доза составляет пять миллиграммов каждые двенадцать часов, затем осмотр врача. " * 20


@pytest.mark.parametrize(
    ("body", "declared", "text", "edits"),
    [
        ("≥ 5 µg".encode(), None, "≥ 5 µg", []),
        ("≥ 5 µg".encode("utf-16"), None, "≥ 5 µg", []),
        (b"\xef\xbb\xbf5 mg", None, "5 mg", []),
        (b"5 \xb5g", "iso-8859-1", "5 µg", []),
        (b"the patient\x92s dose \x96 5 mg", "latin-1", "the patient’s dose – 5 mg", ["cp1252_punctuation"]),
        ("≥ 5 µg".encode(), "iso-8859-1", "≥ 5 µg", ["charset_label_ignored"]),
        ("dose \x93five\x94".encode(), "utf-8", "dose “five”", ["c1_controls"]),
        (b"a\r\nb\rc", None, "a\nb\nc", []),
        (b"<meta charset='windows-1251'>" + "доза".encode("cp1251"), None, "<meta charset='windows-1251'>доза", []),
        ("5 µg".encode(), "no-such-charset", "5 µg", []),
        (RUSSIAN.encode("koi8-r"), None, RUSSIAN, ["charset_detected"]),
        (GREEK.encode("cp1253"), "utf-8", GREEK, ["charset_detected"]),
    ],
)
def test_text_and_edits(body: bytes, declared: str | None, text: str, edits: list[str]) -> None:
    assert decode(body, declared, html=True) == (text, edits)


def test_few_lost_characters_are_replaced_and_named() -> None:
    body = "médicament ".encode() * 200 + b"\xff"
    text, edits = decode(body, "utf-8", html=False)
    assert text.endswith("\ufffd")
    assert edits == ["undecodable_replaced"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b" \t\r\n", "empty"),
        (b"a\x00b", "binary"),
        (b"PK\x03\x04rest", "binary"),
        (bytes(range(1, 32)) * 10, "binary"),
        ("≥ 5 µg".encode("utf-16") + b"\x00\xd8" * 3, "undecodable"),
    ],
)
def test_refusals(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(body, None, html=False)
    assert caught.value.reason == reason


def test_references_are_repaired_in_html_only() -> None:
    assert decode(b"&#145;x&#x92;", None, html=True) == ("‘x’", ["c1_references"])
    assert decode(b"&#145;x", None, html=False) == ("&#145;x", [])
