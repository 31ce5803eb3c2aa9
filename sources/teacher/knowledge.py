"""A knowledge base of conditions: what is found in them, how often, who says so, and what a setting can do about it.

DDXPlus and the project's own bases have one form here (`knowledge_files` reads them). Words are given by language. A
probability that nobody has cited is `assumed` and travels with everything made from it; DDXPlus's own base holds none
at all (Fansi Tchango et al., "DDXPlus: a new dataset for automatic medical diagnosis", NeurIPS 2022). Nothing here is
advice: `clinician_reviewed` is false until somebody has. Not here: patients, and what follows from their findings.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

LEVELS = ("community", "health-centre", "district-hospital", "referral")
"""Where care is given, from the least to the most that it can do."""
YES, NO = "yes", "no"
LIFESPAN_YEARS = (0.0, 120.0)

Level = Literal["community", "health-centre", "district-hospital", "referral"]
Sex = Literal["any", "female", "male"]
Words = dict[str, str]
"""Language (BCP 47) to words."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Evidence(_Frozen):
    """One thing that can be asked or seen. `topic` can stand after "no"; `present` and `absent` are whole clauses."""

    code: str
    type: Literal["binary", "categorical", "multi", "number"] = "binary"
    antecedent: bool = False
    question: Words = Field(default_factory=dict)
    topic: Words = Field(default_factory=dict)
    present: Words = Field(default_factory=dict)
    """Third person without its subject: "has had a fever for several days"."""
    absent: Words = Field(default_factory=dict)
    first_person: dict[Literal["present", "absent"], Words] = Field(default_factory=dict)
    values: dict[str, Words] = Field(default_factory=dict)
    unit: str = ""
    default: str = ""
    """The value that says "no": nowhere, none, not applicable."""
    about: str = ""
    """The evidence without which this one is not asked: the pain of which this is the place."""
    terms: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Other words for it, by which a free text is understood."""
    sayings: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """And words that tell it only where somebody has marked that they do."""

    def called(self, language: str) -> list[str]:
        """Return all that it is called by in a language, present or absent, but for its question and its values."""
        clauses = (self.topic, self.present, self.absent, *self.first_person.values())
        own = [clause[language] for clause in clauses if language in clause]
        return [*own, *self.terms.get(language, ()), *self.terms.get(f"{language}-absent", ())]

    def denied(self, language: str) -> list[str]:
        """Return what its absence is called: whole clauses, the topic, and terms of its absence."""
        clauses = (self.topic, self.absent, self.first_person.get("absent", {}))
        own = [clause[language] for clause in clauses if language in clause]
        return [*own, *self.terms.get(f"{language}-absent", ())]

    def spoken(self, language: str) -> list[str]:
        """Return the same with the words of its values."""
        return [*self.called(language), *(words[language] for words in self.values.values() if language in words)]


class Finding(_Frozen):
    """How often a condition shows an evidence (with one value of it, where it has values)."""

    evidence: str
    value: str | None = None
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    basis: Literal["cited", "assumed", "estimated"] = "assumed"
    citation: str = ""


class Test(_Frozen):
    """A test or step, and the lowest level of care that has it."""

    __test__ = False  # pytest would take the name for a suite
    name: Words
    level: Level


class Citation(_Frozen):
    """Who says so."""

    title: str
    publisher: str = ""
    year: int | None = None
    url: str = ""


class Condition(_Frozen):
    """One disease. `severity` counts from 1, the worst, to 5, as in DDXPlus."""

    code: str
    name: Words
    icd10: str = ""
    severity: Annotated[int, Field(ge=1, le=5)]
    sex: Sex = "any"
    age_years: tuple[float, float] = LIFESPAN_YEARS
    findings: tuple[Finding, ...] = ()
    antecedents: tuple[Finding, ...] = ()
    red_flags: tuple[str, ...] = ()
    next_tests: tuple[Test, ...] = ()
    citations: dict[str, Citation] = Field(default_factory=dict)
    clinician_reviewed: bool = False

    @property
    def shown(self) -> tuple[Finding, ...]:
        """Return findings and antecedents together."""
        return self.findings + self.antecedents

    @property
    def evidences(self) -> frozenset[str]:
        """Return the codes of all that it may show."""
        return frozenset(finding.evidence for finding in self.shown)

    def fits(self, age_years: float, sex: str) -> bool:
        """Say whether a person of this age and sex can have it at all."""
        return self.sex in ("any", sex) and self.age_years[0] <= age_years <= self.age_years[1]


class Setting(_Frozen):
    """A place of care: what it has at hand, and how often its people have which condition."""

    code: str
    name: Words
    level: Level
    priors: dict[str, Annotated[float, Field(ge=0)]]
    region: str = ""
    citation: str = ""
    basis: Literal["cited", "assumed"] = "assumed"

    def has(self, test: Test) -> bool:
        """Say whether the setting can do a test."""
        return LEVELS.index(test.level) <= LEVELS.index(self.level)


class Knowledge(_Frozen):
    """Conditions, evidences and settings by code, and the digest of the files that they were read from."""

    name: str
    conditions: dict[str, Condition]
    evidences: dict[str, Evidence]
    settings: dict[str, Setting] = Field(default_factory=dict)
    sha256: str = ""

    @model_validator(mode="after")
    def _holds_together(self) -> "Knowledge":
        for condition in self.conditions.values():
            self._known(condition.evidences, self.evidences, f"condition {condition.code}: evidence")
            self._known(condition.red_flags, self.evidences, f"condition {condition.code}: red flag")
            cited = (f.citation for f in condition.shown if f.citation)
            self._known(cited, condition.citations, f"condition {condition.code}: citation")
            for finding in condition.shown:
                if finding.value is not None and (values := self.evidences[finding.evidence].values):
                    self._known([finding.value], values, f"condition {condition.code}: value of {finding.evidence}")
        for setting in self.settings.values():
            self._known(setting.priors, self.conditions, f"setting {setting.code}: condition")
        return self

    @staticmethod
    def _known(names: Iterable[str], known: Iterable[str], what: str) -> None:
        if unknown := sorted(set(names) - set(known)):
            raise ValueError(f"{what} {unknown[0]!r} is not defined")

    def condition_named(self, name: str) -> Condition:
        """Return the condition of a code or of a name in any language. Raises KeyError."""
        found = self.conditions.get(name) or next(
            (c for c in self.conditions.values() if name in c.name.values()), None
        )
        if found is None:
            raise KeyError(name)
        return found
