"""Checks of the walk through the diseases: they come in the order of the gold, each with its own share.

A disease is walked where its share is given, else where it is the first that a paragraph names; a paragraph that warns
or says what to do walks none. So a disease may be named for comparison before its turn. Not here: the ranked list
(`differential_answer`).
"""

import re
from collections.abc import Iterator

from sources.teacher.blocks import Blocks
from sources.teacher.case import Case
from sources.teacher.lexicon import DISEASE, fold

_UNDER = re.compile(r"\b(?:under|below|less than|moins de) \d|<\s?\d")
_OVER = re.compile(r"\b(?:over|above|more than|plus de) \d|>\s?\d")
_ROUNDING_PERCENT = 0.51
_BOUND_PERCENT = 1.0
"""A share may be told as under 1% or over 99%, but "over 39%" says nothing of one of 99.9%."""


def walk_faults(case: Case, blocks: Blocks) -> Iterator[tuple[str, str]]:
    """Yield shares and an order that are not the gold's."""
    probabilities = dict(case.gold)
    for mention, words, percent in blocks.shares:
        code = mention.code.removeprefix(DISEASE)
        if code in probabilities and not is_share(words, percent, probabilities[code]):
            yield "probability_changed", code
    homes = _homes(blocks)
    walked = sorted((homes[code], at) for at, (code, _) in enumerate(case.gold) if code in homes)
    if [at for _, at in walked] != sorted(at for _, at in walked):
        yield "differential_reordered", "the walk"


def _homes(blocks: Blocks) -> dict[str, int]:
    """Return where each disease is walked."""
    homes: dict[str, int] = {}
    for mention, _, _ in blocks.shares:
        homes.setdefault(mention.code.removeprefix(DISEASE), mention.start)
    for start, end in blocks.all:
        named = [m for m in blocks.named if start <= m.start < end]
        if named and (start, end) not in (*blocks.warning, *blocks.steps):
            homes.setdefault(named[0].code.removeprefix(DISEASE), named[0].start)
    return homes


def is_share(words: str, percent: float, probability: float) -> bool:
    """Say whether a percentage in its words is a probability."""
    share, plain = probability * 100, fold(words)
    if _UNDER.search(plain) or _OVER.search(plain):
        above = percent - share if _UNDER.search(plain) else share - percent
        return 0 < above <= _BOUND_PERCENT
    return abs(percent - share) <= _ROUNDING_PERCENT
