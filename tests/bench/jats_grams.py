"""Texts as words, 3-grams and letters, folded so that nobody's notation counts: for counting what a text kept.

Raised and lowered signs (Unicode's, `^{..}`, `<sup>`) stand between edges, which are read as nothing (glued: CO2) and
as blanks (apart: mg [12]); whoever counts takes the better of both. Stretches are parted.
"""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

Words = list[str]
Grams = Counter[tuple[str, ...]]

PARTED = "\x01"
"""Stands between stretches of marked text: no gram spans it."""
EDGE = "\x00"
"""Edge of raised or lowered text, read as nothing or as a blank."""
_RAISED = "".join(chr(c) for c in range(0x10000) if unicodedata.decomposition(chr(c)).startswith(("<super>", "<sub>")))
_SCRIPT_RUN = re.compile(f"[{re.escape(_RAISED)}]+")
_BRACED_SCRIPT = re.compile(r"[\^_]\{([^{}]*)\}")
WORD = re.compile(r"[^\W_]+")
_COMMAND = re.compile(r"\\(?:begin|end)\s*\{[a-zA-Z*]+\}|\\[a-zA-Z]+")
_GREEK = {
    unicodedata.name(chr(c)).rpartition(" ")[2].lower(): chr(c)
    for c in range(0x3B1, 0x3CA)
    if unicodedata.name(chr(c), "").startswith("GREEK SMALL LETTER") and c != 0x3C2
}


def marked(text: str) -> str:
    """Return text with edges around raised and lowered signs, and without marks of LaTeX and HTML for such."""
    text = re.sub(r"</?su[bp]>", EDGE, text)
    text = _BRACED_SCRIPT.sub(rf"{EDGE}\1{EDGE}", text)
    return _SCRIPT_RUN.sub(rf"{EDGE}\g<0>{EDGE}", text)


def both(text: str) -> tuple[Words, Words]:
    """Return the words of marked text with scripts glued, and with scripts apart."""
    folded = unicodedata.normalize("NFKC", text)
    return WORD.findall(folded.replace(EDGE, "")), WORD.findall(folded.replace(EDGE, " "))


def wanted(stretches: list[str]) -> tuple[Grams, Grams]:
    """Return the 3-grams of marked stretches, of shorter ones all their words."""
    counted: tuple[Grams, Grams] = (Counter(), Counter())
    for stretch in stretches:
        for part in stretch.split(PARTED):
            for counter, words in zip(counted, both(part), strict=True):
                counter.update(_runs(words, min(len(words), 3)))
    return counted


def every_gram(words: Words) -> Iterator[tuple[str, ...]]:
    """Yield every word, pair and 3-gram."""
    for size in (1, 2, 3):
        yield from _runs(words, size)


def _runs(words: Words, size: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[at:] for at in range(size)), strict=False) if size else iter(())


def kept(asked: tuple[Grams, Grams], found: tuple[Grams, Grams]) -> tuple[int, int]:
    """Return how many grams are wanted and how many found, with scripts glued or apart, whichever is more."""
    counts = [(one.total(), (one & other).total()) for one, other in zip(asked, found, strict=True)]
    return max(counts, key=lambda pair: pair[1] / max(pair[0], 1))


def letters(text: str) -> str:
    """Return letters and digits alone; commands of TeX are Greek letters or nothing."""
    plain = _COMMAND.sub(lambda command: _GREEK.get(command[0][1:], " "), html.unescape(text))
    return "".join(WORD.findall(unicodedata.normalize("NFKC", plain)))
