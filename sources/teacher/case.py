"""A case: what is told of a patient, and the differential that follows from exactly that.

All that was observed is told, and a few absences that matter: findings of the leading conditions which the patient
does not have. For a patient of DDXPlus the gold is the released differential, complete and in its order; for one that
we drew it is the posterior of what is told, so that a reader who knows the base could find it from the text. Every
case carries what is assumed in it. Not here: words (`verbalise`), and whether they say the same
(`differential_checks`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sources.teacher.knowledge import Condition, Knowledge, Setting, Test
from sources.teacher.lexicon import lexicon_of
from sources.teacher.patients import Observation, Patient
from sources.teacher.posterior import Rates, Situation, differential_of
from sources.teacher.sample_patients import rng_of

LEADING = 5
"""Conditions that the reasoning walks through one by one; the ranked list has them all."""
MAX_ABSENCES = 4
MIN_PROBABILITY = 0.002
MIN_RANKED, MAX_RANKED = 3, 6
"""A differential of one condition teaches nothing, so the next two stand in it however improbable they are."""
DEPENDENCE = 0.5
"""Power of the likelihood for drawn patients: findings of one disease come together, a product counts them twice."""
SEVERE = 2
"""Severity up to which a condition must not be missed (1 is the worst)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A patient, what is told of him or her, and what follows. `gold` has condition codes with probabilities."""

    patient: Patient
    told: tuple[Observation, ...]
    gold: tuple[tuple[str, float], ...]
    assumed: Mapping[str, tuple[str, ...]]
    """Condition code -> evidences told whose rate nobody has cited."""
    setting: Setting | None
    basis: str
    """Whose differential it is: `released` or `posterior`."""

    def conditions(self, knowledge: Knowledge) -> list[Condition]:
        """Return the conditions of the gold, best first."""
        return [knowledge.conditions[code] for code, _ in self.gold]

    @property
    def present(self) -> frozenset[str]:
        """Return the codes of all that is told to be there."""
        return frozenset(one.code for one in self.told if one.present)

    @property
    def absent(self) -> frozenset[str]:
        """Return the codes of all that is told to be absent."""
        return frozenset(one.code for one in self.told if not one.present)

    def severe(self, knowledge: Knowledge) -> list[Condition]:
        """Return the conditions of the gold that must not be missed."""
        return [condition for condition in self.conditions(knowledge) if condition.severity <= SEVERE]

    def next_tests(self, knowledge: Knowledge) -> list[Test]:
        """Return the tests of the leading conditions that the setting has, in the order of the gold, each once."""
        found: dict[str, Test] = {}
        for condition in self.conditions(knowledge)[:LEADING]:
            for test in condition.next_tests:
                if self.setting is None or self.setting.has(test):
                    found.setdefault(test.name.get("en", ""), test)
        return list(found.values())


def case_of(knowledge: Knowledge, rates: Rates, patient: Patient, seed: int) -> Case:
    """Return the case of a patient. Raises ValueError for a drawn one whom no condition fits."""
    setting = knowledge.settings[patient.setting] if patient.setting else None
    priors = setting.priors if setting else None
    ranked, _ = _ranked(knowledge, rates, patient, patient.observed, priors)
    told = patient.observed + _absences(knowledge, patient, ranked, seed)
    gold, assumed = _ranked(knowledge, rates, patient, told, priors)
    basis = "released" if patient.differential else "posterior"
    return Case(patient=patient, told=told, gold=gold, assumed=assumed, setting=setting, basis=basis)


def _ranked(
    knowledge: Knowledge,
    rates: Rates,
    patient: Patient,
    told: tuple[Observation, ...],
    priors: Mapping[str, float] | None,
) -> tuple[tuple[tuple[str, float], ...], Mapping[str, tuple[str, ...]]]:
    if patient.differential:
        return patient.differential, {}
    known = Situation(observed=told, age_years=patient.age_years, sex=patient.sex, priors=priors, weight=DEPENDENCE)
    found = differential_of(knowledge, rates, known)
    probable = sum(probability >= MIN_PROBABILITY for _, probability in found.ranked)
    kept = found.ranked[: min(MAX_RANKED, max(MIN_RANKED, probable))]
    return kept, {code: found.assumed[code] for code, _ in kept}


def _absences(
    knowledge: Knowledge, patient: Patient, ranked: tuple[tuple[str, float], ...], seed: int
) -> tuple[Observation, ...]:
    """Return absent findings of the leading conditions; none that shares its words with something that is there."""
    rng = rng_of("absences", seed, knowledge.name, patient.id)
    taken = {one.code for one in patient.observed}
    open_codes: list[str] = []
    for code, _ in ranked[:LEADING]:
        for finding in knowledge.conditions[code].findings:
            evidence = knowledge.evidences[finding.evidence]
            if not evidence.about and not evidence.default and evidence.code not in (*taken, *open_codes):
                open_codes.append(evidence.code)
    lexicons = [lexicon_of(knowledge, language) for language in ("en", "fr")]
    spoken = [set().union(*(words.stems_of(code) for code in taken)) for words in lexicons]
    free = [
        code
        for code in open_codes
        if all(not words.stems_of(code) & said for words, said in zip(lexicons, spoken, strict=True))
    ]
    chosen = set(rng.sample(free, min(len(free), rng.randint(1, MAX_ABSENCES))))
    return tuple(Observation(code, False) for code in free if code in chosen)
