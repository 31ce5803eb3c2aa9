"""Weigh what a text names and choose what it is about: one rule and one set of weights for all groups of an axis.

A name counts one, a sign (an organ, a drug, a finding) about a third, a name in the title several. What is only
mentioned in passing is told apart by five things, each a number that a reader can check: how much names the group, how
that compares with the group named most beside it, whether it is named at all or only pointed to, how many groups are
named (a list of what to exclude names many), and, for a group of an organ, how much of a disease of its own is named: a
text on onchocerciasis is full of skin. Weights are those of a logistic regression (Berkson, "Application of the
logistic function to bio-assay", 1944) on the passages for tuning, rounded. Not here: finding names (`vocabulary`),
places (`places`).
"""

from collections.abc import Iterable, Mapping
from math import log, log1p, sqrt

from pipelines.stages.vocabulary import SIGN, Vocabulary, plain_text

TITLE_MENTIONS = 3
"""A mention in the title counts as so many more: a title says what a text is about."""
SIGN_MENTION = 0.35
"""What a sign, an organ or a drug counts in the text, which points to a group without naming it."""
PASSAGE_WORDS = 250
"""Mentions in a text longer than this count for less, by the root of how many times longer it is."""
NAMED = 1.0
"""A group of at least this weight is named."""
LEAST_SCORE = 1.9


def weighed(vocabulary: Vocabulary, title: str, text: str) -> tuple[dict[str, float], set[str]]:
    """Return the weight of each group that is mentioned, and those that are named or stand in the title."""
    weights: dict[str, float] = {}
    named: set[str] = set()
    for where, worth, sign_worth in ((text, 1, SIGN_MENTION), (title, TITLE_MENTIONS, TITLE_MENTIONS)):
        for mention in vocabulary.matcher.mentions(plain_text(where)):
            is_sign = mention.group.startswith(SIGN)
            group = mention.group.removeprefix(SIGN)
            weights[group] = weights.get(group, 0) + (sign_worth if is_sign else worth)
            if not is_sign or where is title:
                named.add(group)
    return weights, named


def about(weights: Mapping[str, float], named: Iterable[str], organs: Iterable[str], words: int) -> list[str]:
    """Return the groups, sorted, that a text of so many words is about; `organs` are the groups of an organ."""
    organs, named = frozenset(organs), frozenset(named)
    scale = sqrt(max(1.0, words / PASSAGE_WORDS))
    scaled = {group: weight / scale for group, weight in weights.items()}
    crowd = log1p(sum(weight >= NAMED for weight in scaled.values()))
    disease = log1p(max((weight for group, weight in scaled.items() if group not in organs), default=0))
    most = sorted(scaled.values(), reverse=True)[:2]
    chosen = []
    for group, weight in scaled.items():
        beside = most[1] if weight == most[0] and len(most) > 1 else most[0] if weight < most[0] else 0
        score = 2 * log1p(weight) + 0.9 * log(weight / (beside + 0.3)) + 2 * (group in named) - 1.1 * crowd
        if score - 0.9 * disease * (group in organs) >= LEAST_SCORE:
            chosen.append(group)
    return sorted(chosen)


def most_named(weights: Mapping[str, float], least: float, min_share: float) -> list[str]:
    """Return the groups, sorted, of at least a weight and of at least a share of the greatest weight."""
    most = max(weights.values(), default=0)
    return sorted(group for group, weight in weights.items() if weight >= max(least, min_share * most))
