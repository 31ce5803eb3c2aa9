"""Weigh what a text names and choose what it is about: one rule and one set of weights for all groups of an axis.

A name counts one, a sign (an organ, a drug, a finding) about a third, a name in the title several. What is only
mentioned in passing is told apart by ten numbers that a reader can check (`Measures`): how much names the group and
how that compares with the group named most beside it, how much of it stands neither in a list nor after words such as
"history of", whether it is written in capitals as headings are, where it is first and last met, how much else is named,
and, for a group of an organ, how much of a disease of its own stands beside it: a text on onchocerciasis is full of
skin. The weights are those of a logistic regression (Berkson, "Application of the logistic function to bio-assay",
1944) on the passages for tuning, rounded (`tests/stages/coverage_fit.py`). Not here: finding names (`mentions`),
places (`places`).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import log, log1p, sqrt
from typing import NamedTuple

from pipelines.stages.mentions import SIGN, Mention, plain_text

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
HEADING_CHARS = 6
"""A name of so many characters in capitals is taken for a heading; a shorter one may be an abbreviation."""

_BEFORE_CHARS = 60
_CUE = re.compile(
    r"differential|complication|contra-?indicat|adverse|side[- ]effect|risk factor|predispos|exclu[ds]|history of"
    r"|co-?morbid|such as|includ|due to|caused? by|associated with|secondary to|other than|unlike|reviewed by"
    r"|edited by|department of|university|tel(?:le)?s? que|notamment|antécédent|facteurs? de risque|tales como"
    r"|antecedente|factor(?:es)? de riesgo|tais como|incluindo|fator(?:es)? de risco|histórico de"
)
"""Words after which, in the same sentence, a disease is told beside another one."""
_LISTED_BEFORE = re.compile(r"[,;•(:][^.;]{0,14}$")
_LISTED_AFTER = re.compile(r"[^.;:]{0,12}[,;•]")


class Named(NamedTuple):
    """The mentions of one vocabulary in a title and in its text."""

    title: list[Mention]
    text: list[Mention]


class Measures(NamedTuple):
    """What is measured of a group in a text; weights of the same names tell what each is worth."""

    weight: float
    """Logarithm of one and the weight of all mentions."""
    ratio: float
    """Logarithm of the weight over that of the group named most beside it."""
    support: float
    """One where the group is named, less where a few signs point to it."""
    plain: float
    """Logarithm of one and the names that stand neither in a list nor after a cue."""
    capitals: float
    """Logarithm of one and the names in capitals."""
    first: float
    last: float
    """Share of the text before the first and before the last mention; 0 for one in the title."""
    total: float
    """Logarithm of one and the weight of all groups together."""
    organ: float
    """One for a group of an organ, a symptom or a risk."""
    disease: float
    """For such a group, logarithm of one and the greatest weight of a disease of its own."""


WEIGHTS = Measures(
    weight=1.0, ratio=0.25, support=1.9, plain=1.6, capitals=1.6, first=-2.4, last=1.55, total=-1.3, organ=-0.6,
    disease=-0.5,
)  # fmt: skip
LEAST_SCORE = 1.25


@dataclass(slots=True)
class Evidence:
    """What speaks for a group: the weight of its mentions, names and signs, and where the first and the last stand."""

    weight: float = 0
    is_named: bool = False
    signs: set[str] = field(default_factory=set)
    plain: float = 0
    capitals: int = 0
    first: float = 1
    last: float = 0


def weighed(title: str, text: str, named: Named) -> dict[str, Evidence]:
    """Return what speaks for each group that is mentioned."""
    found: dict[str, Evidence] = {}
    for where, mentions, is_title in ((text, named.text, False), (title, named.title, True)):
        for mention in mentions:
            is_sign = mention.group.startswith(SIGN)
            one = found.setdefault(mention.group.removeprefix(SIGN), Evidence())
            place = 0 if is_title else mention.start / max(len(where), SHORT_CHARS)
            one.first, one.last = min(one.first, place), max(one.last, place)
            if is_title:
                _count_title(one)
            elif is_sign:
                one.weight += SIGN_MENTION
                one.signs.add(plain_text(where).folded[mention.start + 1 : mention.stop + 1])
            else:
                _count_name(one, where, mention)
    return found


def _count_title(one: Evidence) -> None:
    one.weight += TITLE_MENTIONS
    one.plain += TITLE_MENTIONS
    one.is_named = True


def _count_name(one: Evidence, text: str, mention: Mention) -> None:
    one.weight += 1
    one.is_named = True
    one.plain += not _is_in_passing(text, mention)
    one.capitals += mention.stop - mention.start >= HEADING_CHARS and text[mention.start : mention.stop].isupper()


def _is_in_passing(text: str, mention: Mention) -> bool:
    """Say whether a name stands in a list or after words that tell of it beside another."""
    before = text[max(0, mention.start - _BEFORE_CHARS) : mention.start]
    if _LISTED_AFTER.match(text, mention.stop) and _LISTED_BEFORE.search(before):
        return True
    begins = max(before.rfind("."), before.rfind(";")) + 1
    return bool(_CUE.search(before[begins:].lower()))


def about(found: Mapping[str, Evidence], organs: Collection[str], words: int) -> list[str]:
    """Return the groups, sorted, that a text of so many words is about; `organs` are the groups of an organ."""
    measured = measures(found, organs, words)
    return sorted(group for group, one in measured.items() if score(one) >= LEAST_SCORE)


def score(one: Measures) -> float:
    """Return the sum of what is measured, each by its weight."""
    return sum(value * weight for value, weight in zip(one, WEIGHTS, strict=True))


def measures(found: Mapping[str, Evidence], organs: Collection[str], words: int) -> dict[str, Measures]:
    """Return what is measured of each group that a text of so many words mentions."""
    scale = sqrt(max(1.0, words / PASSAGE_WORDS))
    weights = {group: one.weight / scale for group, one in found.items()}
    disease = log1p(max((weight for group, weight in weights.items() if group not in organs), default=0))
    most, second, *_ = sorted((*weights.values(), 0.0, 0.0), reverse=True)
    total = log1p(sum(weights.values()))
    measured = {}
    for group, one in found.items():
        weight = weights[group]
        beside = second if weight == most else most
        named = min(1.0, one.is_named + len(one.signs) / SIGNS_A_NAME)
        measured[group] = Measures(
            log1p(weight), log(weight / (beside + 0.3)), named * min(1.0, weight),
            log1p(one.plain / scale), log1p(one.capitals), one.first, one.last, total, group in organs,
            disease * (group in organs),
        )  # fmt: skip
    return measured


def most_named(weights: Mapping[str, float], least: float, min_share: float) -> list[str]:
    """Return the groups, sorted, of at least a weight and of at least a share of the greatest weight."""
    most = max(weights.values(), default=0)
    return sorted(group for group, weight in weights.items() if weight >= max(least, min_share * most))
