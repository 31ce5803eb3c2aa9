"""The edits of `normalize`, in the order in which they are made: each finds its own replacements in a text.

Clinical text is not prose: an edit may drop what cannot be seen and unify line ends and spaces, and nothing else.
Where dropping a character would join two numbers it is left, and a control that may stand for a lost sign (a broken
font's \x02 for <) becomes U+FFFD, so that the loss is seen. Canonical composition
is NFC; NFKC (10³ -> 103, ½ -> 1⁄2) is banned. To add an edit, write a finder, append it to `EDITS` and add cases.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

import regex  # type: ignore[import-untyped]

from pipelines.stages.offsets import Replacement

Finder = Callable[[str], Iterator[Replacement]]

C1 = "\x80-\x9f"
_MOJIBAKE = re.compile("[\xc2-\xdf][\x80-\x9f]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_NEWLINE = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CP1252 = re.compile(f"[{C1}]")
_CONTROL = re.compile(f"[\x00-\x08\x0e-\x1f\x7f{C1}]")
_SPACE = re.compile("[ \t\u00a0\u2000-\u200b\u202f\u205f\u3000\u00ad\ufeff]")
_CONTROLS = re.compile(f"{_CONTROL.pattern}+(?:{_SPACE.pattern}+{_CONTROL.pattern}+)*")
_SIGNS = frozenset("<>=±≤≥%")
_INVISIBLE = re.compile("[\ufeff\u00ad\u200b]+")
_CLUSTER = regex.compile(r"(?s).[\p{M}\u1100-\u11ff]*")
_WIDE_SPACE = re.compile("[\u00a0\u2000-\u200a\u202f\u205f]")
_TRAILING = re.compile(r"[ \t](?=\n)")
_BLANK_LINES = re.compile(r"\n{3,}")
_SPACELESS_SCRIPT = regex.compile(
    r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}\p{Balinese}\p{Javanese}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}]"
)
_SUSPECT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\xa0\u00ad\u2000-\u200b\u2028\u2029\u202f\u205f\ufeff]")


def needs_nothing(text: str) -> bool:
    """Say whether no edit would change `text`; may say False needlessly, never True."""
    if "\n\n\n" in text or _has_trailing(text):
        return False
    return _SUSPECT.search(text) is None and (text.isascii() or unicodedata.is_normalized("NFC", text))


def _has_trailing(text: str) -> bool:
    return " \n" in text or "\t\n" in text or text.endswith((" ", "\t"))


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    return text[start - 1 : start] if start else "", text[end : end + 1]


def find_mojibake(text: str) -> Iterator[Replacement]:
    """UTF-8 read as Latin-1, told by a C1 control in it: â\\x89¥ is ≥, â\\x81´ is ⁴, Ã\\x97 is ×."""
    if not _CP1252.search(text):
        return
    for match in _MOJIBAKE.finditer(text):
        try:
            good = match[0].encode("latin-1").decode()
        except UnicodeDecodeError:
            continue
        if _CP1252.search(match[0]):
            yield Replacement(*match.span(), good)


def find_newlines(text: str) -> Iterator[Replacement]:
    """Line ends of other systems, and form feeds, as one line feed."""
    if any(char in text for char in "\r\x0b\x0c\x85\u2028\u2029"):
        yield from (Replacement(*m.span(), "\n") for m in _NEWLINE.finditer(text))


def find_cp1252(text: str) -> Iterator[Replacement]:
    """C1 controls of a Windows page read as Latin-1, as the characters that were meant: \\x93 is “."""
    for match in _CP1252.finditer(text):
        good = match[0].encode("latin-1").decode("cp1252", errors="ignore")
        if good:
            yield Replacement(*match.span(), good)


def find_controls(text: str) -> Iterator[Replacement]:
    """Other control characters: U+FFFD each beside a number or a comparison sign, else dropped.

    A font without a map gives signs as controls (CD4 \\x02200, 2.5\\x060.3): what was lost there must be seen. Spaces
    between do not count, ends of lines do.
    """
    for match in _CONTROLS.finditer(text):
        start, end = match.span()
        while start and _SPACE.match(text[start - 1]):
            start -= 1
        while end < len(text) and _SPACE.match(text[end]):
            end += 1
        is_sign = any(char.isnumeric() or char in _SIGNS for char in _around(text, start, end))
        yield Replacement(*match.span(), _CONTROL.sub("\ufffd" if is_sign else "", match[0]))


def find_invisible(text: str) -> Iterator[Replacement]:
    """Byte order marks, soft hyphens and zero-width spaces, dropped where they carry nothing.

    They stay between digits; a soft hyphen stays beside a digit, where it often stands for a dash; a zero-width
    space stays in scripts that are written without spaces. Joiners and direction marks are never touched.
    """
    for match in _INVISIBLE.finditer(text):
        before, after = _around(text, *match.span())
        numbers = before.isdigit() + after.isdigit()
        if numbers == 2 or (numbers == 1 and "\u00ad" in match[0]):
            continue
        spaceless = _SPACELESS_SCRIPT.match(before) or _SPACELESS_SCRIPT.match(after)
        kept = match[0].replace("\ufeff", "").replace("\u00ad", "") if spaceless else ""
        if kept != match[0]:
            yield Replacement(*match.span(), kept)


def find_decomposed(text: str) -> Iterator[Replacement]:
    """Letters with combining marks, and canonical twins, in NFC (UAX #15); µ and μ stay what they are."""
    if unicodedata.is_normalized("NFC", text):
        return
    for match in _CLUSTER.finditer(text):
        good = unicodedata.normalize("NFC", match[0])
        if good != match[0]:
            yield Replacement(match.start(), match.end(), good)


def find_wide_spaces(text: str) -> Iterator[Replacement]:
    """No-break, thin, figure and other typographic spaces as plain ones, one for one.

    Between two digits they stay, as they say that both are one number (10\u00a0000, not 10 and 000).
    """
    for match in _WIDE_SPACE.finditer(text):
        before, after = _around(text, *match.span())
        if not (before.isdigit() and after.isdigit()):
            yield Replacement(*match.span(), " ")


def find_trailing(text: str) -> Iterator[Replacement]:
    """Spaces and tabs at the end of a line."""
    if not _has_trailing(text):
        return
    ends = [m.end() for m in _TRAILING.finditer(text)]
    if text.endswith((" ", "\t")):
        ends.append(len(text))
    for end in ends:
        start = end - 1
        while start and text[start - 1] in " \t":
            start -= 1
        yield Replacement(start, end, "")


def find_blank_lines(text: str) -> Iterator[Replacement]:
    """More than one blank line in a row."""
    if "\n\n\n" in text:
        yield from (Replacement(*m.span(), "\n\n") for m in _BLANK_LINES.finditer(text))


EDITS: dict[str, Finder] = {
    "mojibake": find_mojibake,
    "newlines": find_newlines,
    "c1": find_cp1252,
    "controls": find_controls,
    "invisible": find_invisible,
    "compose": find_decomposed,
    "nbsp": find_wide_spaces,
    "trailing": find_trailing,
    "blank_lines": find_blank_lines,
}
