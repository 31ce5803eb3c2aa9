"""Whether two words are one word spelt in two ways: British and American, doubled letters, typing errors.

Medical words one letter apart are other words (ileum and ilium, methanol and ethanol), so an error of one letter is
forgiven only in a plain word of six letters or more. British and American endings and doubled letters tell no two
drugs apart. Not here: hyphens (`near_guard`), accents (`año` is not `ano`).
"""

import re

from pipelines.stages.near_words import PLAIN, is_protected

MIN_LETTERS = 6
_BRITISH = (
    (re.compile(r"ae|oe|æ|œ"), "e"),
    (re.compile(r"(?<=[a-z]{2})our(?=s|ed|ing|able|al|ful|less|$)"), "or"),
    (re.compile(r"(?<=[a-z]{3})ys(?=e|ed|es|ing|er)"), "yz"),
    (re.compile(r"(?<=[a-z]{3})is(?=e|ed|es|ing|er|ation|ations)"), "iz"),
    (re.compile(r"(?<=[a-z]{2}t)re(?=s|d|$)"), "er"),
    (re.compile(r"sulph"), "sulf"),
    (re.compile(r"(?<=[a-z]{3})ogue(?=s|$)"), "og"),
)
_DOUBLED = re.compile(r"([a-z])\1")


def is_respelt(one: str, other: str) -> bool:
    """Say whether two folded words are the same word; equal words are."""
    if one == other or _american(one) == _american(other):
        return True
    for plain, odd in ((one, other), (other, one)):
        known = odd in PLAIN or is_protected(odd)
        if plain in PLAIN and len(plain) >= MIN_LETTERS and not known and _is_one_error(plain, odd):
            return True
    return False


def _american(word: str) -> str:
    if len(word) < MIN_LETTERS - 1:
        return word
    for pattern, letters in _BRITISH:
        word = pattern.sub(letters, word)
    return _DOUBLED.sub(r"\1", word)


def _is_one_error(one: str, other: str) -> bool:
    """Say whether one letter was left out, added, replaced, or two neighbours were swapped; the first letter stands."""
    if one[0] != other[0] or abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    if len(one) > len(other):
        return one[start + 1 :] == other[start:]
    if len(one) < len(other):
        return one[start:] == other[start + 1 :]
    swapped = one[start : start + 2] == other[start : start + 2][::-1] and one[start + 2 :] == other[start + 2 :]
    return swapped or one[start + 1 :] == other[start + 1 :]
