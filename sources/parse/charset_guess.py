"""Which encoding an unlabelled text has that is not UTF-8: Windows-1252 by its context, else a detector's word.

A detector counts byte pairs, so from a page of English with one "µ" it has nothing to count and answers with
a DOS or East Asian code page as surely as with the right one: "5 µg" became "5 Ág", "38 °C" a Chinese character.
Hence the text is read as Windows-1252 when every high byte then makes sense where it stands. The detector is asked
only about what does not, and believed only when there is much to count and no unit would change. Anything else is
refused. Not here: labels, byte-order marks and UTF-8 (`charset`).
"""

import re

from sources.parse.part import Unreadable

MIN_HIGH_BYTES = 20
"""Fewer bytes outside ASCII prove no encoding."""
MIN_HIGH_SHARE = 0.25
"""A text in a DOS, Macintosh or East Asian code page has at least this share of its letters outside ASCII."""
MIN_NATIONAL_LETTERS = 40
"""From so many letters on, a detector may tell Western from Central European or Turkish words."""

_HIGH_LETTER = "À-ÖØ-öø-ÿŒœŠšŽžŸ"
_LETTER = f"A-Za-z{_HIGH_LETTER}"
_SIGN_IN_WORD = "\u00a0\u00ad·‘’–—…±°×"
_IMPLAUSIBLE = re.compile(
    rf"[{_HIGH_LETTER}]{{3}}|(?<![{_LETTER}])[{_HIGH_LETTER}]{{2}}(?![{_LETTER}])"  # words without a plain letter
    rf"|[0-9](?![èé])[{_HIGH_LETTER}]|[0-9]\s?(?:æ[glmLM]|ø[CF])\b"  # µ and ° of DOS
    rf"|[{_LETTER}](?![{_SIGN_IN_WORD}{_LETTER}])[^\x00-\x7f](?=[{_LETTER}])"  # a letter of another alphabet
    rf"|[{_LETTER}](?!±S[DE]|(?<=[CF])±\s?[0-9])[µ±½¼¾¡¿]"
    rf"|(?<![0-9{_LETTER})\]])[²³]\s?[0-9]"  # ≥ and ≤ of the Macintosh
    r"|[ƒˆ˜¨¬¯´¸¤¦ÞþÐð]"
)
_UNIT = re.compile(rb"[0-9][ \xa0]?(\xb0(?=[CF])|\xb5(?=[gmlLM])|\xb1(?=[ 0-9])|[\xb2\xb3\xbc\xbd](?=[ /.,)]))")
_WORD = re.compile(rb"[A-Za-z]+")
_ASCII = bytes(range(128))
_MICRO_UNIT = re.compile(rb"[0-9][ \xa0]?\xb5[gmlLM]")
_WINDOWS_SIBLING = {"iso8859-2": "cp1250", "iso8859-5": "cp1251", "iso8859-7": "cp1253"}
"""Detectors cannot tell these apart, but only the right one has the micro sign at 0xB5."""
_SINGLE_BYTE = ("iso8859-", "cp125", "cp874", "koi8")
_NATIONAL = ("iso8859-", "cp125")


def reads_as_western(body: bytes) -> bool:
    """Say whether every byte of `body` outside ASCII makes sense where it stands when read as Windows-1252."""
    try:
        text = body.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return _IMPLAUSIBLE.search(text) is None


def guess(body: bytes, detected: str) -> tuple[str, str]:
    """Return the codec of `body` and the name of the edit that says how it was found.

    `detected` is the codec that a detector is sure of, or an empty string. Raises Unreadable: undecodable when
    neither context nor detector settles it, or when the detected codec would turn a unit into a letter.
    """
    if reads_as_western(body) and not _is_national(body, detected):
        return "cp1252", "cp1252_assumed"
    if not detected or not _is_enough(body, detected):
        raise Unreadable("undecodable", f"not UTF-8, not plainly Windows-1252, too little to tell {detected or 'what'}")
    name = _WINDOWS_SIBLING.get(detected, detected) if _MICRO_UNIT.search(body) else detected
    if _changes_unit(body, name):
        raise Unreadable("undecodable", f"read as {name}, a unit beside a number would become something else")
    return name, "charset_detected"


def _high_count(body: bytes) -> int:
    return len(body.translate(None, _ASCII))


def _is_national(body: bytes, detected: str) -> bool:
    """Say whether there are letters enough to believe a detector that names another Latin alphabet."""
    return detected.startswith(_NATIONAL) and detected != "cp1252" and _high_count(body) >= MIN_NATIONAL_LETTERS


def _is_enough(body: bytes, detected: str) -> bool:
    high = _high_count(body)
    if high < MIN_HIGH_BYTES:
        return False
    letters = high + sum(map(len, _WORD.findall(body)))
    return detected.startswith(_SINGLE_BYTE) or high >= MIN_HIGH_SHARE * letters


def _changes_unit(body: bytes, name: str) -> bool:
    """Say whether `name` reads a sign that stands like a unit, a spread or a fraction as another character."""
    signs = {match[1] for match in _UNIT.finditer(body)}
    return any(sign.decode(name, "replace") != sign.decode("cp1252") for sign in signs)
