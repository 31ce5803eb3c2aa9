"""Strings of a PDF: ligatures, accents, raised and lowered characters, and text layers that are not text.

Pure functions without geometry beyond two ratios, so that their cases live in JSON. The rule over all: what a
reader takes for a number must stay that number. A raised digit is an exponent only after 10, a length or time
unit, or a letter; a raised footnote mark after a dose stands apart from it. Lines are joined in `pdf_join`.
Characters that cannot be known (control, unassigned) become U+FFFD: visible, never silently gone.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

GARBLED_SHARE = 0.05
"""Measured: 0.141 for a page set in a font without a Unicode map, at most 0.001 over 29 sound files."""

LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_ACCENTS = dict(zip("´¨ˆ˜¸ˇ˚", "\u0301\u0308\u0302\u0303\u0327\u030c\u030a", strict=True))
_UNDOTTED = {"ı": "i", "ȷ": "j"}
_LONE_ACCENT = re.compile("[´¨ˆ˜¸ˇ˚]")
_ACCENT = re.compile(r"([^\W\d_])([´¨ˆ˜¸ˇ˚])([^\W\d_])")
_LIGATURES, _LIGATURE = str.maketrans(LIGATURES), re.compile(f"[{''.join(LIGATURES)}]")
_SUPER = dict(
    zip("0123456789+-−–=()abcdefghijklmnoprstuvwxyz", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True)
)
_SUB = dict(zip("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True))
SCRIPTABLE = np.array([ord(c) for c in "0123456789+-−*†‡§¶"], np.uint32)
"""A word with one of these may hold a raised or lowered character inside it."""
_EXPONENT_AFTER = re.compile(r"(?:^|[^0-9.,])10$|(?:^|[^A-Za-zµ])(?:[cdkmnµ]?m|s|min|h)$")
_EXPONENT = re.compile(r"[-−–+]?\d{1,3}")
_DOSE_UNIT = re.compile(r"\d\s?(?:[kmnµ]?g|mcg|[mµd]?[lL]|IU|U|%|[mµn]?mol|mEq|kcal|mmHg|°C)$")
_ORDINAL = frozenset({"st", "nd", "rd", "th"})
_INVISIBLE = np.array([0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF], np.uint32)
_NO_LETTER = re.compile(r"[\W\d_]+")
_LATIN = re.compile("[A-Za-z\u00aa-\u024f\u1e00-\u1eff]")
_SCRIPTS = {
    **dict.fromkeys(
        ("ar", "fa", "ur", "ps", "ku", "ug", "sd"), re.compile("[\u0600-\u06ff\u0750-\u077f\ufb50-\ufefc]")
    ),
    **dict.fromkeys(("he", "yi"), re.compile("[\u0590-\u05ff]")),
    **dict.fromkeys(
        ("ru", "uk", "bg", "be", "mk", "kk", "ky", "tg", "mn", "sr"), re.compile("[\u0400-\u052f]|[A-Za-z]")
    ),
    **dict.fromkeys(("zh", "ja", "ko"), re.compile("[\u1100-\u11ff\u3040-\u9fff\uac00-\ud7a3]")),
    **dict.fromkeys(
        ("el", "hi", "ne", "mr", "bn", "ta", "te", "th", "km", "lo", "my", "am", "ka", "hy"), re.compile("[^A-Za-z]")
    ),
    **dict.fromkeys(("gu", "kn", "ml", "pa", "si", "ti", "dv", "bo"), re.compile("[^A-Za-z]")),
}

BULLETS = "•●○◦▪■□▫–—‣►▶➢➤✓✔✦❖\uf0b7\uf0a7\uf0d8\uf0fc\uf076·*-"
ITEM = re.compile(rf"(?:[{re.escape(BULLETS)}]\s|\(?(\d{{1,2}}|[a-z]|[ivx]{{1,4}})[.)]\s)")
"""How an item of a list begins."""
RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufefc]")


class Piece(NamedTuple):
    """Text of even height: whether a space stands before it, its height and its rise over the line, in line heights."""

    text: str
    spaced: bool
    ratio: float
    rise: float


def clean_codes(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Turn invisible marks into U+0000 (dropped later) and controls into U+FFFD; white space and U+FFFE stay."""
    low = np.flatnonzero(codes < 32)
    codes[low[(codes[low] < 9) | (codes[low] > 13)]] = 0xFFFD
    codes[codes - 0x7F < 0x21] = 0xFFFD
    high = np.flatnonzero(codes > 0x2000)
    codes[high[codes[high] == 0xFFFF]] = 0xFFFD
    codes[high[np.isin(codes[high], _INVISIBLE)]] = 0
    return codes


def decode(codes: npt.NDArray[np.uint32]) -> str:
    """Return a string with one character a code point; halves of UTF-16 pairs and dropped marks are still in it."""
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


def settle(text: str) -> str:
    """Put halves of UTF-16 pairs together (a lone one becomes U+FFFD) and drop what `clean_codes` marked."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def expand_ligatures(text: str) -> str:
    """Replace the seven Latin presentation ligatures by their letters; nothing else of NFKC."""
    return text.translate(_LIGATURES) if not text.isascii() and _LIGATURE.search(text) else text


def compose_accents(text: str) -> str:
    """Put an accent that is set by itself onto the letter behind it: `Garc´ıa` is `García`.

    Some files set it behind its letter instead, so it stays where the letter before could carry it just as well.
    """
    return _ACCENT.sub(_composed, text) if not text.isascii() and _LONE_ACCENT.search(text) else text


def _composed(match: re.Match[str]) -> str:
    """Return the letter before and the one behind with its accent; all three as they stand when in doubt."""
    before, accent, letter = match.groups()
    mark = _ACCENTS[accent]
    whole = unicodedata.normalize("NFC", _UNDOTTED.get(letter, letter) + mark)
    in_doubt = letter not in _UNDOTTED and len(unicodedata.normalize("NFC", before + mark)) == 1
    return match.group() if in_doubt or len(whole) > 1 else before + whole


def join_pieces(pieces: Iterable[Piece]) -> str:
    """Join the pieces of one line; small raised or lowered ones become Unicode super- and subscripts where safe."""
    line = ""
    for piece in pieces:
        if piece.ratio < 0.87 and piece.rise > 0.09 and line:
            line += _raised(line, piece)
        elif piece.ratio < 0.87 and piece.rise < -0.04 and line and not piece.spaced:
            line += _lowered(line, piece.text)
        elif piece.ratio < 0.87 and piece.rise > 0.09:
            line += _mapped(piece.text, _SUPER)
        else:
            line += " " * piece.spaced + piece.text
    return line


def _raised(line: str, piece: Piece) -> str:
    """Return what stands for a raised piece after `line`: an exponent, a mark, or plain text."""
    text, gap = piece.text, " " * piece.spaced
    if text[0] in "¹²³" or len(text) > 12 or text.lower() in _ORDINAL or re.fullmatch(r"[^\W\d_]{4,}.*", text):
        return gap + text
    if _EXPONENT.fullmatch(text) and _EXPONENT_AFTER.search(line) and not piece.spaced:
        return _mapped(text, _SUPER)
    apart = line[-1].isdigit() or _DOSE_UNIT.search(line) is not None
    return (gap or " " * apart) + _mapped(text, _SUPER)


def _lowered(line: str, text: str) -> str:
    """Return a lowered piece after `line`: digits and signs after a letter or bracket get their own characters."""
    return _mapped(text, _SUB) if line[-1].isalpha() or line[-1] in ")]" else text


def _mapped(text: str, table: dict[str, str]) -> str:
    """Map each character that has its own raised (lowered) form; a text with none of them stays as it is."""
    core = text.strip(",.;:[]*†‡§¶ ")
    if "[" in text or not all(c in table or c in ",;. " for c in core):
        return text
    return "".join(table.get(c, c) for c in text)


def garbled_share(text: str) -> float:
    """Return the share of characters that cannot be text: private use, unassigned, replacement and control ones."""
    if not text or text.isascii():
        return 0.0
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)
    if units.max() < 0xDB80:
        return 0.0
    odd = units[(units >= 0xDB80) & (units < 0xDC00) | (units >= 0xE000) & (units < 0xF900) | (units == 0xFFFD)]
    if not len(odd):
        return 0.0
    bullets = np.isin(odd, [0xF0B7, 0xF0A7, 0xF0D8, 0xF0FC, 0xF076])
    characters = np.count_nonzero((units > 32) & (units >> 10 != 0x37))
    return float((~bullets).sum() / max(1, characters))


def declared_language(tag: Any) -> str | None:
    """Return a BCP 47 tag as declared (`en-GB`), or None when it is empty or no tag."""
    tag = str(tag or "").strip().replace("_", "-")
    return tag if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag) else None


def script_agrees(tag: str, text: str) -> bool:
    """Say whether most letters (of every fourth) are of the script of a declared language; tags are often wrong."""
    letters = _NO_LETTER.sub("", text[:20000])[::4]
    script = _SCRIPTS.get(tag.split("-")[0].lower(), _LATIN)
    return 2 * len(script.findall(letters)) > len(letters)
