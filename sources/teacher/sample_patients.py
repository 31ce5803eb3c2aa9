"""Patients drawn from a knowledge base: a condition by the setting's priors, a person it can befall, what it shows.

Every draw comes from the seed, the setting and the patient's number, so patient 7 is the same whoever else is drawn.
Findings are independent given the condition; an evidence with values shows at most one of them unless it may have
several; what is about an evidence (the place of a pain) is drawn only when that is there. Ages are whole years from 2
on, whole months from 1 month, else days. Who was drawn is not told to whoever ranks: the differential follows from
what is observed.
"""

import random
from collections.abc import Iterator, Sequence

from pipelines.engine.errors import ConfigError
from pipelines.engine.hashing import digest
from sources.teacher.knowledge import Condition, Evidence, Finding, Knowledge
from sources.teacher.patients import Observation, Patient
from sources.teacher.posterior import LISTED

MIN_FINDINGS = 2
MAX_DRAWS = 200
_MONTHS, _DAYS = 12, 365
_MONTHS_BELOW_YEARS = 2
_MAX_VALUES = 3


def sample_patients(knowledge: Knowledge, setting: str, count: int, seed: int, *, first: int = 0) -> Iterator[Patient]:
    """Yield `count` patients of a setting from number `first` on; an empty one makes every condition equally common.

    Raises ConfigError for a setting that the base does not have.
    """
    if setting and setting not in knowledge.settings:
        known = ", ".join(knowledge.settings) or "none"
        raise ConfigError(f"setting: the base {knowledge.name!r} has no {setting!r}; it has {known}")
    for number in range(first, first + count):
        yield _sample(knowledge, setting, seed, number)


def rng_of(*parts: object) -> random.Random:
    """Return a generator that depends on the parts alone."""
    return random.Random(int(digest([str(part) for part in parts])[:16], 16))  # noqa: S311


def _sample(knowledge: Knowledge, setting: str, seed: int, number: int) -> Patient:
    rng = rng_of("patient", seed, knowledge.name, setting, number)
    priors = knowledge.settings[setting].priors if setting else dict.fromkeys(knowledge.conditions, 1.0)
    codes = sorted(code for code, weight in priors.items() if weight > 0)
    for _ in range(MAX_DRAWS):
        condition = knowledge.conditions[rng.choices(codes, [priors[code] for code in codes])[0]]
        sex = rng.choice(("female", "male")) if condition.sex == "any" else condition.sex
        age_years = _age(rng, condition)
        observed = _observed(rng, knowledge, condition)
        found = [one for one in observed if one.present and not knowledge.evidences[one.code].antecedent]
        if len(found) >= MIN_FINDINGS:
            return Patient(
                id=f"{setting or knowledge.name}-{seed}-{number}",
                age_years=age_years,
                sex=sex,
                observed=observed,
                condition=condition.code,
                initial=found[0].code,
                setting=setting,
            )
    raise ConfigError(f"setting {setting!r}: {MAX_DRAWS} draws gave no patient with {MIN_FINDINGS} findings")


def _age(rng: random.Random, condition: Condition) -> float:
    """Return an age within the condition's range, as exact as one would say it."""
    low, high = condition.age_years
    drawn = rng.uniform(low, min(high, 85.0) if high > low else high)
    per_year = 1 if drawn >= _MONTHS_BELOW_YEARS else _MONTHS if drawn * _MONTHS >= 1 else _DAYS
    whole = round(drawn * per_year) / per_year
    return min(max(whole, low), high)


def _observed(rng: random.Random, knowledge: Knowledge, condition: Condition) -> tuple[Observation, ...]:
    """Return what the patient has, in the order of the base; evidences that are about another come after it."""
    shown: dict[str, list[Finding]] = {}
    for finding in condition.shown:
        shown.setdefault(finding.evidence, []).append(finding)
    observed: dict[str, Observation] = {}
    for code in sorted(shown, key=lambda code: bool(knowledge.evidences[code].about)):
        evidence = knowledge.evidences[code]
        if evidence.about and evidence.about in knowledge.evidences and not _is_there(observed, evidence.about):
            continue
        values = _drawn(rng, evidence, shown[code])
        if values is not None:
            observed[code] = Observation(code, values != (evidence.default,), values)
    return tuple(observed.values())


def _is_there(observed: dict[str, Observation], code: str) -> bool:
    return code in observed and observed[code].present


def _drawn(rng: random.Random, evidence: Evidence, findings: Sequence[Finding]) -> tuple[str, ...] | None:
    """Return the values that are drawn of an evidence (none of a binary one), None when it is not there."""
    rates = [LISTED if finding.probability is None else finding.probability for finding in findings]
    valued = [finding.value for finding in findings if finding.value is not None]
    if not valued:
        if rng.random() >= rates[0]:
            return None
        return () if evidence.type == "binary" else _any_values(rng, evidence)
    if evidence.type == "multi":
        values = tuple(
            finding.value or "" for finding, rate in zip(findings, rates, strict=True) if rng.random() < rate
        )
        return values or None
    at = rng.random()
    for finding, rate in zip(findings, rates, strict=True):
        if at < rate:
            return (finding.value or "",)
        at -= rate
    return None


def _any_values(rng: random.Random, evidence: Evidence) -> tuple[str, ...]:
    """Return values where the base does not say which: one, or up to three of an evidence that may have several."""
    codes = [code for code in evidence.values if code != evidence.default]
    if not codes:
        return ()
    count = rng.randint(1, min(_MAX_VALUES, len(codes))) if evidence.type == "multi" else 1
    return tuple(rng.sample(codes, count))
