"""Weigh what a text names and choose what it is about: one rule and one set of weights for all groups of an axis.

A name counts one, a sign (an organ, a drug, a finding) about a third, a name in the title several. What is only
mentioned in passing is told apart by six numbers that a reader can check: how much names the group, how that compares
with the group named most beside it, whether it is named or only pointed to by a few signs, how many groups are named
(a list of what to exclude names many), how far into the text it is first met, and, for a group of an organ, how much
of a disease of its own is named beside it: a text on onchocerciasis is full of skin. The factors are those of a
logistic regression (Berkson, "Application of the logistic function to bio-assay", 1944) on the passages for tuning,
rounded. Not here: finding names (`vocabulary`), places (`places`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import log, log1p, sqrt

from pipelines.stages.vocabulary import SIGN, Vocabulary, plain_text

TITLE_MENTIONS = 3
"""A mention in the title counts as so many more: a title says what a text is about."""
SIGN_MENTION = 0.35
"""What a sign, an organ or a drug counts in the text, which points to a group without naming it."""
SIGNS_A_NAME = 6
"""So many different signs are as good as a name."""
SHORT_CHARS = 400
"""In a text shorter than this it matters less where a group is first met."""
PASSAGE_WORDS = 250
"""Mentions in a text longer than this count for less, by the root of how many times longer it is."""
NAMED = 1.0
"""A group of at least this weight counts among those that are named."""
LEAST_SCORE = 2.4


@dataclass(slots=True)
class Evidence:
    """What speaks for a group: the weight of its mentions, whether one names it, its signs, the place of the first."""

    weight: float = 0
    is_named: bool = False
    signs: set[str] = field(default_factory=set)
    first: float = 1
    """Share of the text before the first mention; 0 for one in the title."""


def weighed(vocabulary: Vocabulary, title: str, text: str) -> dict[str, Evidence]:
    """Return what speaks for each group that is mentioned."""
    found: dict[str, Evidence] = {}
    for where, is_title in ((text, False), (title, True)):
        plain = plain_text(where)
        for group, start, stop in vocabulary.matcher.mentions(plain):
            is_sign = group.startswith(SIGN)
            one = found.setdefault(group.removeprefix(SIGN), Evidence())
            one.weight += TITLE_MENTIONS if is_title else SIGN_MENTION if is_sign else 1
            one.is_named |= is_title or not is_sign
            one.first = min(one.first, 0 if is_title else start / max(len(where), SHORT_CHARS))
            if is_sign:
                one.signs.add(plain.folded[start + 1 : stop + 1])
    return found


def about(found: Mapping[str, Evidence], organs: Collection[str], words: int) -> list[str]:
    """Return the groups, sorted, that a text of so many words is about; `organs` are the groups of an organ."""
    scale = sqrt(max(1.0, words / PASSAGE_WORDS))
    weights = {group: one.weight / scale for group, one in found.items()}
    crowd = log1p(sum(weight >= NAMED for weight in weights.values()))
    disease = log1p(max((weight for group, weight in weights.items() if group not in organs), default=0))
    most, second, *_ = sorted((*weights.values(), 0.0, 0.0), reverse=True)
    chosen = []
    for group, one in found.items():
        weight = weights[group]
        score = 1.9 * log1p(weight) + 0.8 * log(weight / ((second if weight == most else most) + 0.3))
        score += 3.2 * min(1.0, one.is_named + len(one.signs) / SIGNS_A_NAME) * min(1.0, weight)
        score -= 1.2 * one.first + 1.2 * crowd + (0.5 + 0.9 * disease) * (group in organs)
        if score >= LEAST_SCORE:
            chosen.append(group)
    return sorted(chosen)


def most_named(weights: Mapping[str, float], least: float, min_share: float) -> list[str]:
    """Return the groups, sorted, of at least a weight and of at least a share of the greatest weight."""
    most = max(weights.values(), default=0)
    return sorted(group for group, weight in weights.items() if weight >= max(least, min_share * most))
