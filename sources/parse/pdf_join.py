"""Two printed lines of a paragraph -> one text: hyphens at line ends, and scripts that break lines without them.

A hyphen between digits is never touched, and one between letters goes only when the document does not show that it
belongs there: a range of doses and a compound stay what they are. Pure functions; which lines belong together is
decided in `pdf_paragraphs`.
"""

import re
from collections.abc import Iterable, Sequence

_HYPHENS = "-\u2010\u00ad"
_HYPHENS_SET = frozenset(_HYPHENS)
_TAIL = re.compile(r"[^\W\d_]+(?:[-\u2010\u00ad])$")
_HEAD = re.compile(r"[^\W\d_]+")
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
_MARKS = ".,;:()[]"
HANGUL = re.compile("[\uac00-\ud7a3]")


def vocabulary(lines: Iterable[str]) -> frozenset[str]:
    """Return the lower-case words and hyphenated compounds of a document, without those broken at a line's end."""
    whole = list(lines)
    cuts = [n for n, line in enumerate(whole) if line[-1:] in _HYPHENS_SET]
    for n in cuts:
        whole[n] = " ".join(whole[n].split()[:-1])
    for n in cuts:
        if n + 1 < len(whole):
            whole[n + 1] = " ".join(whole[n + 1].split()[1:])
    tokens: set[str] = set()
    for line in whole:
        tokens.update(line.lower().split())
    bare = {token.strip(_MARKS) for token in tokens}
    words = {token for token in bare if token.isalpha()}
    words.update(_WORDS.findall(" ".join(bare - words)))
    return frozenset(words.union(*[word.split("-") for word in words if "-" in word]))


def join_lines(left: str, right: str, known: frozenset[str] = frozenset()) -> tuple[str, str]:
    """Join two lines of a paragraph; return the text and the edit's name, empty when only a space was put between.

    A hyphen goes only between two lower-case letters. It stays when the document (`known`, see `vocabulary`) writes the
    compound with it, when both halves but not the whole are words of the document, after words that form compounds
    (`non-`, `long-`), and when the word has another hyphen. Nothing is put after one that stays.
    """
    if left[-1:] not in _HYPHENS_SET or not right:
        unspaced = left[-1:] >= "\u3001" and _UNSPACED.match(left[-1]) and _UNSPACED.match(right[:1])
        return left + right if unspaced else f"{left} {right}", ""
    if left.endswith((" -", "--")) or len(left) == 1 or left[-2].isspace() or not right[0].isalnum():
        return f"{left} {right}", ""
    word = left.rsplit(None, 1)[-1]
    tail, head = _TAIL.search(word), _HEAD.match(right)
    if left[-1] == "\u00ad" and head:
        return left[:-1] + right, "hyphens_joined"
    if tail is None or head is None or not (left[-2].islower() and right[0].islower()):
        return left + right, "lines_joined_at_hyphen"
    first, second = tail.group()[:-1].lower(), head.group().lower()
    if _keeps_hyphen(first, second, known) or word[: tail.start()][-1:] in tuple("-‐–/"):
        return left + right, "lines_joined_at_hyphen"
    return left[:-1] + right, "hyphens_joined"


def ends_within_words(ends: Sequence[tuple[str, bool]]) -> bool:
    """Say whether lines of Hangul break within words, from (text, space in the file behind it) of each line.

    Where they do, a space behind a line shows that its last word is whole. Without any such space nothing is known.
    """
    spaced = [space for text, space in ends if "\uac00" <= text[-1:] <= "\ud7a3"]
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
