"""What each character counts as when near duplicates are looked for, and what it is folded to, as lookup tables.

Case goes and so does punctuation, but nothing that a dose or a threshold is made of: digits of every script, signs,
per cent, degree, comparison and other mathematical signs stay (Unicode's categories Sm, Sc and So, less frames and
bullets). Signs that are written two ways (the two micro signs, the two forms of "at most") are one. Not here: words.
"""

import unicodedata
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipelines.engine.kept_tables import Table, kept_tables
from pipelines.stages.quality_chars import SPLIT as SPACELESS
from pipelines.stages.quality_chars import char_class, class_table

SPACE, LETTER, NUMBER, SPLIT, SYMBOL, NEWLINE, END, SKIP = (1 << bit for bit in range(8))
"""White space, letter or mark, digit, letter that is a word by itself, sign that counts, line end, sentence end, and
what is inside a word without being seen (soft hyphen, joiners)."""
TABLE_SIZE = 0x34000

_FOLDED = {"µ": "μ", "−": "-", "‐": "-", "‑": "-", "’": "'", "ʼ": "'", "⩽": "≤", "⩾": "≥", "≦": "≤", "≧": "≥", "˂": "<"}
_FOLDED |= {"˃": ">", "∕": "/", "⁄": "/", "：": ":", "％": "%", "·": ".", "∙": ".", "ς": "σ", "º": "°", "˚": "°"}
_NO_SYMBOLS = frozenset("|=®™℠^`´¨")
_SYMBOLS = frozenset("%‰‱°º˚♀♂")
_FRAMES = ((0x2500, 0x2600), (0x2700, 0x27C0), (0x2B00, 0x2BFF))
"""Box drawing, blocks, geometric shapes, dingbats, other arrows: bullets and rules, never a quantity."""
_SENTENCE_ENDS = frozenset(".!?。！？؟।۔…")


def _class_of(char: str) -> int:
    category, code = unicodedata.category(char), ord(char)
    if category == "Cc" or char.isspace() or char == "\u200b":
        return SPACE | (NEWLINE if char in "\n\r\x0b\x0c\u2028\u2029\x85" else 0)
    if char in _SYMBOLS:
        return SYMBOL
    if category == "Cf":
        return SKIP
    if category[0] in "LM":
        return LETTER | (SPLIT if char_class(char) & SPACELESS else 0)
    if category[0] == "N":
        return NUMBER
    if category in ("Sm", "Sc", "So") and char not in _NO_SYMBOLS:
        return 0 if any(low <= code < high for low, high in _FRAMES) else SYMBOL
    return END if char in _SENTENCE_ENDS else 0


@lru_cache(maxsize=1)
def tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    """Return for every code point below `TABLE_SIZE` its class bits, and the code point that it is folded to.

    Lower case is that of single characters, so that offsets never move; the sharp s stays.
    """
    classes, folded = kept_tables(__file__, [class_table().tobytes()], _made)
    return classes, folded


def _made() -> tuple[Table, ...]:
    classes, folded = np.zeros(TABLE_SIZE, np.uint8), np.arange(TABLE_SIZE, dtype=np.uint32)
    for code in range(TABLE_SIZE):
        char = chr(code)
        classes[code] = 0 if 0xD800 <= code < 0xE000 else _class_of(char)
        folded[code] = ord(_FOLDED.get(char, char.lower()[0]))
    return classes, folded
