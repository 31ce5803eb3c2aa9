"""Compare what the scan proposed with the item's own words: the evidence that a document holds a part of an item.

Only words decide here, no hash does. A part's score is the share of its word sequences that stand in the window (for
a short text inside a part: the share of the text's); `numbers` is the share of the part's numbers that stand there
too, so a copy with other numbers shows as one. A short stem counts where it begins and ends as a sentence does, and
options of few words in all where they are listed, as such words meet by chance. Not here: what score is too much.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pipelines.engine.compiled import compiled
from pipelines.stages.contamination_found import EXACT, INSIDE, PAIRED, SHARE, TOGETHER
from pipelines.stages.contamination_index import GRAM_WORDS, MANY_WORDS, References
from pipelines.stages.contamination_items import ANSWER, OPTION, OPTIONS, Item
from pipelines.stages.contamination_lookup import Lookup, find, sequence_key
from pipelines.stages.contamination_wholes import PAIR_GAP_WORDS
from pipelines.stages.contamination_words import Folding, folding, split_words, word_list
from pipelines.stages.quality_tokens import Bytes

RULES = {SHARE: "share", INSIDE: "inside", EXACT: "whole", TOGETHER: "options", PAIRED: "pair"}
RECORDED = 0.3
"""Least score that is written down; the policy cannot go below."""
_SHORT_STEM_WORDS = 5
_PAIR_WORDS = 5
_BEFORE = re.compile(r"(?:^|[\n.?!:;|>)\]\"“«؟。：•])[\s*_#¿¡(\[\"“«•-]*$")
_AFTER = re.compile(r"[\s*_-]*(?:$|[\n.?!:;|<؟。：…]|[\"”»)](?=\s))")
_LISTED = re.compile(r"\n|(?:^|[\s(])[A-Ja-j1-9][.):\]]\s|\s*[;|/]\s*$|^[\s.,;]*$")


class Evidence(NamedTuple):
    """A part of an item that stands at [start, end), code points of the text."""

    item: int
    part: str
    rule: str
    start: int
    end: int
    score: float
    matched: int
    """Word sequences (words, for what stands whole) that the score rests on."""
    numbers: float | None


class _Part(NamedTuple):
    words: list[str]
    plain: list[str]
    grams: list[tuple[str, ...]]
    """Sequences that are not boilerplate."""
    numbers: Counter[str]


@compiled
def _rare(data: Bytes, tables: Folding, sequences: Lookup) -> list[bool]:
    """Say of each sequence of words without numbers in `data` whether it is none that is set aside."""
    words = split_words(data, tables)
    hashes = words.hashes[words.numbers == 0]
    told = [True for _ in range(0)]
    for first in range(len(hashes) - GRAM_WORDS + 1):
        slot = find(sequences, sequence_key(hashes, first, GRAM_WORDS))
        told.append(slot < 0 or sequences.firsts[slot] < sequences.lasts[slot])
    return told


class Judge:
    """Gives the evidence for proposals over one reference index; keeps the words of parts that come again."""

    def __init__(self, references: References) -> None:
        self.references = references
        self._part = lru_cache(maxsize=4096)(self._read)

    def evidence(self, text: str, proposals: list[list[int]]) -> list[Evidence]:
        """Return the evidence for proposals (rule, part, first byte, end byte) in one text, in order of place."""
        data = text.encode()
        found = [one for rule, part, start, end in proposals for one in self._weighed(data, rule, part, start, end)]
        return sorted(_strongest(found), key=lambda one: (one.start, one.end, one.item, one.part))

    def _weighed(self, data: bytes, rule: int, part: int, start: int, end: int) -> Iterator[Evidence]:
        index, items = self.references.arrays, self.references.items
        number = int(index.part_items[part])
        item, place = items[number], part - int(index.item_firsts[number])
        window = data[start:end].decode()
        before, after = data[:start].decode(), data[end : end + 80].decode(errors="ignore")
        text = item.parts[place].text
        numbers = None
        if rule == SHARE:
            matched, total, numbers = self._share(window, text)
        elif rule == INSIDE:
            matched, total, numbers = self._inside(window, text)
        else:
            whole = (
                _is_whole(window, text, before, after)
                if rule == EXACT
                else _is_pair(window, item, place, before)
                if rule == PAIRED
                else _are_options(window, item)
            )
            matched = total = len(word_list(window)[0]) if whole else 0
        if matched and matched >= RECORDED * total:
            name = OPTIONS if rule == TOGETHER else item.parts[place].kind
            end_chars = len(before) + len(window)
            yield Evidence(number, name, RULES[rule], len(before), end_chars, matched / total, matched, numbers)

    def _read(self, text: str) -> _Part:
        words, are_numbers = word_list(text)
        plain = [word for word, is_number in zip(words, are_numbers, strict=True) if not is_number]
        rare = _rare(np.frombuffer(text.encode(), np.uint8), folding(), self.references.arrays.grams)
        grams = [tuple(plain[at : at + GRAM_WORDS]) for at, is_rare in enumerate(rare) if is_rare]
        numbers = Counter(word for word, is_number in zip(words, are_numbers, strict=True) if is_number)
        return _Part(words, plain, grams, numbers)

    def _share(self, window: str, text: str) -> tuple[int, int, float | None]:
        """Return how many of a part's sequences stand in a window, of how many, and the share of its numbers there."""
        part, (there, numbers) = self._part(text), _grams_and_numbers(window)
        return sum(gram in there for gram in part.grams), len(part.grams), _numbers(part.numbers, numbers)

    def _inside(self, window: str, text: str) -> tuple[int, int, float | None]:
        """Return how many of a short text's sequences stand in a part, of how many, and the share of its numbers."""
        short, whole = self._read(window), self._part(text)
        there = {tuple(whole.plain[at : at + GRAM_WORDS]) for at in range(len(whole.plain))}
        return sum(gram in there for gram in short.grams), len(short.grams), _numbers(short.numbers, whole.numbers)


def _grams_and_numbers(window: str) -> tuple[set[tuple[str, ...]], Counter[str]]:
    words, are_numbers = word_list(window)
    plain = [word for word, is_number in zip(words, are_numbers, strict=True) if not is_number]
    numbers = Counter(word for word, is_number in zip(words, are_numbers, strict=True) if is_number)
    return {tuple(plain[at : at + GRAM_WORDS]) for at in range(len(plain) - GRAM_WORDS + 1)}, numbers


def _numbers(wanted: Counter[str], there: Counter[str]) -> float | None:
    return (wanted & there).total() / wanted.total() if wanted else None


def _is_whole(window: str, text: str, before: str, after: str) -> bool:
    words = word_list(window)[0]
    if words != word_list(text)[0]:
        return False
    if not word_list(before[-80:] + "\n" + after)[0]:
        return True
    return len(words) > _SHORT_STEM_WORDS or bool(_BEFORE.search(before[-80:]) and _AFTER.match(after))


def _is_pair(window: str, item: Item, place: int, before: str) -> bool:
    words, stem = word_list(window)[0], word_list(item.parts[place].text)[0]
    if len(words) < _PAIR_WORDS or words[: len(stem)] != stem:
        return False
    if len(stem) <= _SHORT_STEM_WORDS and not _is_set_off(window, len(stem), before):
        return False
    rest = words[len(stem) :]
    others = (word_list(part.text)[0] for part in item.parts if part.kind in (OPTION, ANSWER))
    return any(other and rest[-len(other) :] == other and len(rest) - len(other) <= PAIR_GAP_WORDS for other in others)


def _are_options(window: str, item: Item) -> bool:
    """Say whether all options of an item stand in a window; where they are few words in all, as a list."""
    data = window.encode()
    found = split_words(np.frombuffer(data, np.uint8), folding())
    words, taken = word_list(window)[0], [False] * len(found.starts)
    options = sorted((word_list(p.text)[0] for p in item.parts if p.kind == OPTION), key=lambda one: (-len(one), one))
    spans = []
    for option in filter(None, options):
        place = _free_place(words, option, taken)
        if place is None:
            return False
        taken[place : place + len(option)] = [True] * len(option)
        spans.append((int(found.starts[place]), int(found.ends[place + len(option) - 1])))
    ends = [end for _, end in sorted(spans)]
    gaps = [data[end:start].decode() for end, (start, _) in zip(ends, sorted(spans)[1:], strict=False)]
    listed = all(_LISTED.search(gap) and len(word_list(gap)[0]) <= 1 for gap in gaps)
    return listed or len({word for option in options for word in option}) >= MANY_WORDS


def _is_set_off(window: str, stem_words: int, before: str) -> bool:
    """Say whether the first words of a window begin as a sentence does, and end before a mark."""
    data = window.encode()
    ends = split_words(np.frombuffer(data, np.uint8), folding()).ends
    return bool(_BEFORE.search(before[-80:]) and _AFTER.match(data[ends[stem_words - 1] :].decode()))


def _free_place(words: list[str], wanted: list[str], taken: list[bool]) -> int | None:
    for at in range(len(words) - len(wanted) + 1):
        if words[at : at + len(wanted)] == wanted and not any(taken[at : at + len(wanted)]):
            return at
    return None


def _strongest(found: list[Evidence]) -> Iterator[Evidence]:
    """Yield the best of the evidence for one part of an item at one place."""
    kept: dict[tuple[int, str], list[Evidence]] = {}
    for one in sorted(found, key=lambda e: (-e.score, e.start, e.end, e.rule)):
        others = kept.setdefault((one.item, one.part), [])
        if not any(one.start < other.end and other.start < one.end for other in others):
            others.append(one)
            yield one
