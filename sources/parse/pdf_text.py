"""Strings of a PDF: ligatures, raised and lowered characters, hyphens at line ends, and text layers that are not text.

Pure functions without geometry beyond two ratios, so that their cases live in JSON. The rule over all: what a
reader takes for a number must stay that number. A raised digit is an exponent only after 10, a length or time
unit, or a letter; a raised footnote mark after a dose stands apart from it; a hyphen between digits is never touched.
Characters that cannot be known (control, unassigned) become U+FFFD: visible, never silently gone.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

GARBLED_SHARE = 0.05
"""Measured: 0.141 for a page set in a font without a Unicode map, at most 0.001 over 29 sound files."""

LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_LIGATURES = str.maketrans(LIGATURES)
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
_HYPHENS = "-\u2010\u00ad"
_HYPHENS_SET = frozenset(_HYPHENS)
_TAIL = re.compile(r"[^\W\d_]+(?:[-\u2010\u00ad])$")
_HEAD = re.compile(r"[^\W\d_]+")
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
_UNSPACED = re.compile("[\u3001-\u30ff\u3400-\u9fff\uff01-\uff60]")
"""Ideographs, kana and their punctuation: written without spaces."""
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_COMPOUND = frozenset(
    [
        "non",
        "anti",
        "self",
        "well",
        "long",
        "short",
        "high",
        "low",
        "mid",
        "multi",
        "co",
        "pre",
        "post",
        "semi",
        "sub",
        "cross",
        "evidence",
        "age",
        "sex",
        "dose",
        "case",
        "risk",
        "follow",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "first",
        "second",
        "third",
        "health",
        "state",
        "world",
        "day",
        "week",
        "year",
    ]
)
_COMPOUND_ENDS = frozenset(
    [
        "induced",
        "related",
        "associated",
        "based",
        "controlled",
        "free",
        "specific",
        "dependent",
        "resistant",
        "negative",
        "positive",
        "like",
        "treated",
        "derived",
        "mediated",
        "blind",
        "blinded",
        "up",
        "line",
        "term",
        "risk",
        "world",
        "effective",
        "acquired",
        "borne",
        "reported",
        "threatening",
        "exposed",
        "infected",
    ]
)

BULLETS = "•●○◦▪■□▫–—‣►▶➢➤✓✔✦❖\uf0b7\uf0a7\uf0d8\uf0fc\uf076·*-"
ITEM = re.compile(rf"(?:[{re.escape(BULLETS)}]\s|\(?(\d{{1,2}}|[a-z]|[ivx]{{1,4}})[.)]\s)")
"""How an item of a list begins."""
HANGUL = re.compile("[\uac00-\ud7a3]")
RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufefc]")


class Piece(NamedTuple):
    """Text of even height: whether a space stands before it, its height and its rise over the line, in line heights."""

    text: str
    spaced: bool
    ratio: float
    rise: float


def clean_codes(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Turn invisible marks into U+0000 (dropped later) and controls into U+FFFD; white space and U+FFFE stay."""
    control = (codes < 9) | (codes > 13) & (codes < 32) | (codes >= 0x7F) & (codes < 0xA0) | (codes == 0xFFFF)
    codes[control] = 0xFFFD
    if (codes > 0x2000).any():
        codes[np.isin(codes, _INVISIBLE)] = 0
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
    return text if text.isascii() else text.translate(_LIGATURES)


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


def vocabulary(lines: Iterable[str]) -> frozenset[str]:
    """Return the lower-case words and hyphenated compounds of a document, without those broken at a line's end."""
    whole: list[str] = []
    broken = False
    for line in lines:
        cut = line[-1:] in _HYPHENS_SET
        if broken or cut:
            listed = line.split()
            line = " ".join(listed[broken : len(listed) - cut])
        whole.append(line)
        broken = cut
    tokens = set(" ".join(whole).split())
    words = set(_WORDS.findall(" ".join(tokens).lower()))
    return frozenset(words.union(*[word.split("-") for word in words if "-" in word]))


def join_lines(left: str, right: str, known: frozenset[str] = frozenset()) -> tuple[str, str]:
    """Join two lines of a paragraph; return the text and the edit's name, empty when only a space was put between.

    A hyphen goes only between two lower-case letters. It stays when the document (`known`, see `vocabulary`) writes the
    compound with it, when both halves but not the whole are words of the document, after words that form compounds
    (`non-`, `long-`), and when the word has another hyphen. Nothing is put after one that stays.
    """
    if not left or left[-1] not in _HYPHENS or not right:
        glue = "" if _UNSPACED.match(left[-1:]) and _UNSPACED.match(right[:1]) else " "
        return left + glue + right, ""
    if left.endswith((" -", "--")) or len(left) == 1 or left[-2].isspace() or not right[0].isalnum():
        return f"{left} {right}", ""
    tail, head = _TAIL.search(left), _HEAD.match(right)
    if left[-1] == "\u00ad" and head:
        return left[:-1] + right, "hyphens_joined"
    if tail is None or head is None or not (left[-2].islower() and right[0].islower()):
        return left + right, "lines_joined_at_hyphen"
    first, second = tail.group()[:-1].lower(), head.group().lower()
    if _keeps_hyphen(first, second, known) or left[: tail.start()][-1:] in tuple("-‐–/"):
        return left + right, "lines_joined_at_hyphen"
    return left[:-1] + right, "hyphens_joined"


def ends_within_words(ends: Sequence[tuple[str, bool]]) -> bool:
    """Say whether lines of Hangul break within words, from (text, space in the file behind it) of each line.

    Where they do, a space behind a line shows that its last word is whole. Without any such space nothing is known.
    """
    spaced = [space for text, space in ends if HANGUL.match(text[-1:])]
    return len(spaced) >= 8 and 0.1 < sum(spaced) / len(spaced) < 0.9


def _keeps_hyphen(first: str, second: str, known: frozenset[str]) -> bool:
    """Say whether `first-second`, broken at its hyphen, is a compound rather than one word."""
    if f"{first}-{second}" in known:
        return True
    if first + second in known:
        return False
    if first in _COMPOUND or (second in _COMPOUND_ENDS and len(first) > 3):
        return True
    return first in known and second in known and min(len(first), len(second)) > 2


def garbled_share(text: str) -> float:
    """Return the share of characters that cannot be text: private use, unassigned, replacement and control ones."""
    if not text or text.isascii():
        return 0.0
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    private = (codes >= 0xE000) & (codes < 0xF900) | (codes >= 0xF0000)
    bullets = np.isin(codes, [0xF0B7, 0xF0A7, 0xF0D8, 0xF0FC, 0xF076])
    return float((private & ~bullets | (codes == 0xFFFD)).sum() / max(1, (codes > 32).sum()))


def declared_language(tag: Any) -> str | None:
    """Return a BCP 47 tag as declared (`en-GB`), or None when it is empty or no tag."""
    tag = str(tag or "").strip().replace("_", "-")
    return tag if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag) else None


def script_agrees(tag: str, text: str) -> bool:
    """Say whether most letters are of the script that a declared language is written in; tags are often wrong."""
    letters = re.findall(r"[^\W\d_]", text[:20000])
    script = _SCRIPTS.get(tag.split("-")[0].lower(), _LATIN)
    return 2 * sum(1 for c in letters if script.match(c)) > len(letters)
