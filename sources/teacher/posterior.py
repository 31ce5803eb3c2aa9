"""The ranked differential of what was observed: Bayes with independent findings, from probabilities of the base.

P(condition | observed) is in proportion to its prior times, for every observation, how often the condition shows it;
a condition that age or sex rules out is left out. What a condition is not said to show, it shows at `BACKGROUND`, and
a finding that is listed without a probability at `LISTED`: both are assumptions, and every differential says which of
its observations rest on one. For DDXPlus, whose base has no probabilities, `estimated` counts train patients and
leans on the rate among all conditions that list the finding (a Beta prior of `PSEUDO_PATIENTS`). Only what was
observed counts: silence about a finding says nothing. Not here: the differential that DDXPlus released, which is gold
and never computed.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sources.teacher.knowledge import Condition, Finding, Knowledge
from sources.teacher.patients import Observation, Patient

BACKGROUND = 0.05
LISTED = 0.5
PSEUDO_PATIENTS = 4.0
HIGHEST = 0.99


class Findings(dict[tuple[str, str], Finding]):
    """(evidence, value or "") -> the finding of one condition with its probability and what that rests on."""

    def __init__(self) -> None:
        self._observed: dict[Observation, tuple[float, bool]] = {}

    def of(self, one: Observation) -> tuple[float, bool]:
        """Return the logarithm of how often the condition shows what was observed, and whether that is known."""
        if len(one.values) > 1:  # of several values there are too many sets to keep
            return _log_rate(self, one), _is_known(self, one)
        if one not in self._observed:  # patients have most of the rest in common
            self._observed[one] = _log_rate(self, one), _is_known(self, one)
        return self._observed[one]


Rates = Mapping[str, Findings]
"""Condition code -> its findings, which must be whole before they are asked."""


@dataclass(frozen=True, slots=True)
class Differential:
    """Conditions with probabilities, best first, and the observations whose rate nobody has cited, by condition."""

    ranked: tuple[tuple[str, float], ...]
    assumed: Mapping[str, tuple[str, ...]]


def given_rates(knowledge: Knowledge) -> Rates:
    """Return the rates that the base itself gives; `LISTED`, marked as assumed, where it gives none."""
    return {code: _rates_of(condition) for code, condition in knowledge.conditions.items()}


def _rates_of(condition: Condition) -> Findings:
    rates = Findings()
    for finding in condition.shown:
        if finding.probability is None:
            finding = finding.model_copy(update={"probability": LISTED, "basis": "assumed"})
        rates[finding.evidence, finding.value or ""] = finding
    return rates


def estimated_rates(knowledge: Knowledge, train: Iterable[Patient]) -> Rates:
    """Return rates counted in train patients, for every condition of the base."""
    patients = list(train)
    sizes = Counter(patient.condition for patient in patients)
    shown: Counter[tuple[str, tuple[str, str]]] = Counter()
    pooled: Counter[tuple[str, str]] = Counter()
    asked: Counter[str] = Counter()
    for patient in patients:
        asked.update(knowledge.conditions[patient.condition].evidences)
        for feature in features_of(patient.observed):
            shown[patient.condition, feature] += 1
            pooled[feature] += 1
    rates: dict[str, Findings] = {}
    for code, condition in knowledge.conditions.items():
        listed = [feature for feature in pooled if feature[0] in condition.evidences]
        rates[code] = Findings()
        for evidence, value in [*listed, *((e, "") for e in condition.evidences if (e, "") not in pooled)]:
            pool = (pooled[evidence, value] + LISTED) / (asked[evidence] + 1)
            count = shown[code, (evidence, value)] + PSEUDO_PATIENTS * pool
            rate = min(HIGHEST, count / (sizes[code] + PSEUDO_PATIENTS))
            rates[code][evidence, value] = Finding(
                evidence=evidence, value=value or None, probability=rate, basis="estimated"
            )
    return rates


def features_of(observed: Iterable[Observation]) -> list[tuple[str, str]]:
    """Return what is counted of observations: one feature a value, or the evidence itself when it has none.

    A value that means "no" counts as any other value does; a plain absence is no feature.
    """
    return [(one.code, value) for one in observed if one.present or one.values for value in one.values or ("",)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known when a differential is asked for. Without `priors` every condition is as common as any other.

    `weight` is the power to which the likelihood is taken: below 1 it allows for findings that come together.
    """

    observed: tuple[Observation, ...]
    age_years: float
    sex: str
    priors: Mapping[str, float] | None = None
    weight: float = 1.0


def differential_of(knowledge: Knowledge, rates: Rates, known: Situation) -> Differential:
    """Return the conditions that fit age and sex, best first. Raises ValueError when none does."""
    scores: dict[str, float] = {}
    assumed: dict[str, tuple[str, ...]] = {}
    for code, condition in knowledge.conditions.items():
        prior = 1.0 if known.priors is None else known.priors.get(code, 0.0)
        if prior <= 0 or not condition.fits(known.age_years, known.sex):
            continue
        found = [rates[code].of(one) for one in known.observed]
        scores[code] = math.log(prior) + known.weight * sum(log_rate for log_rate, _ in found)
        assumed[code] = tuple(
            one.code for one, (_, is_known) in zip(known.observed, found, strict=True) if not is_known
        )
    if not scores:
        raise ValueError(f"no condition fits a {known.sex} patient of {known.age_years:g} years")
    best = max(scores.values())
    odds = {code: math.exp(score - best) for code, score in scores.items()}
    total = math.fsum(odds.values())
    ranked = sorted(((code, one / total) for code, one in odds.items()), key=lambda pair: (-pair[1], pair[0]))
    return Differential(tuple(ranked), assumed)


def _log_rate(rates: Mapping[tuple[str, str], Finding], one: Observation) -> float:
    """Return how surprising an observation is in a condition; several values of one evidence count as one."""
    every = [_rate(rates, one.code, value) for value in one.values or ("",)]
    if one.present or one.values:
        return math.fsum(math.log(rate) for rate in every) / len(every)
    any_value = math.fsum(found.probability or 0.0 for (code, _), found in rates.items() if code == one.code)
    return math.log1p(-_within(any_value or BACKGROUND))


def _rate(rates: Mapping[tuple[str, str], Finding], code: str, value: str) -> float:
    found = rates.get((code, value)) or rates.get((code, ""))
    return _within(found.probability if found and found.probability is not None else BACKGROUND)


def _within(rate: float) -> float:
    return min(HIGHEST, max(BACKGROUND / 2, rate))


def _is_known(rates: Mapping[tuple[str, str], Finding], one: Observation) -> bool:
    """Say whether somebody cited, or patients showed, how often the condition shows what was observed."""
    found = [rates.get((one.code, value)) or rates.get((one.code, "")) for value in one.values or ("",)]
    if not one.present and not one.values:
        found = [finding for (code, _), finding in rates.items() if code == one.code] or [None]
    return all(finding is not None and finding.basis != "assumed" for finding in found)
