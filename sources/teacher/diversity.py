"""How varied a set of generated texts is: distinct n-grams, self-BLEU and the share of the commonest template.

Distinct-n is the share of different n-grams among all of them (Li et al., NAACL 2016); self-BLEU the mean BLEU-4 of a
text against the others of a sample (Zhu et al., SIGIR 2018), with counts plus one for n above 1 (Lin and Och 2004).
Both fall and rise with the number and length of texts, so sets are compared at equal size. The template share is that
of the commonest value of a key, such as the ways that a grammar drew. Not here: whether texts are right
(`differential_checks`).
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_WORD = re.compile(r"\w+")
_ORDER = 4
SAMPLE = 60
"""Texts that self-BLEU looks at: the first ones, so that the figure is the same for the same set."""


@dataclass(frozen=True, slots=True)
class Diversity:
    """Figures of a set; `distinct` is for n of 1, 2, 3 and 4."""

    texts: int
    distinct: tuple[float, ...]
    self_bleu: float
    template_share: float


def diversity_of(texts: Sequence[str], templates: Sequence[str] = ()) -> Diversity:
    """Return the figures of texts, and of the templates they came from. Raises ValueError for fewer than two texts."""
    if len(texts) < 2:
        raise ValueError(f"{len(texts)} texts: variety needs at least two")
    words = [tuple(_WORD.findall(text.casefold())) for text in texts]
    commonest = Counter(templates).most_common(1)
    return Diversity(
        texts=len(texts),
        distinct=tuple(_distinct(words, n) for n in range(1, _ORDER + 1)),
        self_bleu=_self_bleu(words[:SAMPLE]),
        template_share=commonest[0][1] / len(templates) if commonest else 0.0,
    )


def _grams(words: tuple[str, ...], n: int) -> Counter[tuple[str, ...]]:
    return Counter(words[at : at + n] for at in range(len(words) - n + 1))


def _distinct(texts: Sequence[tuple[str, ...]], n: int) -> float:
    every: Counter[tuple[str, ...]] = Counter()
    for words in texts:
        every.update(_grams(words, n))
    total = sum(every.values())
    return len(every) / total if total else 0.0


def _self_bleu(texts: Sequence[tuple[str, ...]]) -> float:
    grams = [[_grams(words, n) for n in range(1, _ORDER + 1)] for words in texts]
    return math.fsum(_bleu(texts, grams, at) for at in range(len(texts))) / len(texts)


def _bleu(texts: Sequence[tuple[str, ...]], grams: list[list[Counter[tuple[str, ...]]]], at: int) -> float:
    """Return BLEU-4 of one text with all others as references."""
    logs = 0.0
    for n in range(_ORDER):
        best: Counter[tuple[str, ...]] = Counter()
        for other, counted in enumerate(grams):
            if other != at:
                best |= counted[n]
        own = grams[at][n]
        hits, total, smooth = (own & best).total(), own.total(), 1 if n else 0
        if not hits + smooth or not total + smooth:
            return 0.0
        logs += math.log((hits + smooth) / (total + smooth)) / _ORDER
    length = len(texts[at])
    nearest = min((len(other) for n, other in enumerate(texts) if n != at), key=lambda size: (abs(size - length), size))
    return math.exp(logs + min(0.0, 1 - nearest / max(1, length)))
