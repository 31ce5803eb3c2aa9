"""Tell what kind of publication a document is, and so how much evidence it carries; and GAP's score for upsampling.

The level follows what others said of it, surest first: notices, PubMed's publication types, the journal's article type
and headings, the title, and last MeSH headings and key words. It is a kind, not a grade: a poor trial is a trial. Where
nothing says more it is `other`; what is no publication (a label, a dialogue) has none. The score is that of GAP-Replay
(`augment.py`; doctors chose the weights): publication type, reviewed journal, age; animals, preprints, retracted and
veterinary papers score nothing at all. `consolidate` writes level and repeats into the document's `extra`; a component
of a mixture asks for levels by `evidence`. Not here: citations a year, which no source gives; reading the text.
"""

import json
import re
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
from pydantic import Field

from pipelines.engine.hashing import derive_seed
from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("evidence", pa.string()),
        pa.field("gap_score", pa.float32()),
        pa.field("gap_repeats", pa.int8()),
    ]
)
COLUMNS = ("id", "kind", "title", "published", "retracted", "extra")
PUBLISHED = frozenset({"article", "abstract", "guideline", "reference"})
_ABOUT = re.compile(r"adherence|complian|implement|impact|evaluat|awareness|effect|according to|concordan|policies")
_NOTICE_TITLE = re.compile(
    r"(?:retract(?:ed|ion)|withdrawn|correction|corrigend\w+|erratum|expression of concern)\b.*:|errata?\b"
)
_OPINIONS = re.compile(
    r"editorial|letter|comment|article-commentary|opinion|reply|book.review|news|obituary|biograph|interview|discussion"
    r"|essay|viewpoint|perspective|announcement|meeting-report|insight|synopsis|primer|policy forum"
)
_TYPES = (
    ("notice", re.compile(r"published erratum|retraction of publication|expression of concern")),
    ("guideline", re.compile(r"(?:practice )?guideline|consensus development conference")),
    ("systematic_review", re.compile(r"systematic review|meta-analysis")),
    (
        "randomised_trial",
        re.compile(r"(?:pragmatic |equivalence )?randomized controlled trial|randomized clinical trial"),
    ),
    ("clinical_trial", re.compile(r"(?:controlled |adaptive )?clinical trial(?!.*protocol)")),
    ("protocol", re.compile(r"clinical trial protocol")),
    ("case_report", re.compile(r"case reports")),
    ("review", re.compile(r"(?:scoping )?review")),
    ("opinion", _OPINIONS),
    ("cohort", re.compile(r"observational study$")),
)
"""PubMed's publication types from their beginning, the more telling first: a type says it of the whole work."""
_LABELS = (
    ("notice", re.compile(r"correct|retract|errat|withdrawal|expression-of-concern|addendum")),
    ("guideline", re.compile(r"guidelines?\b|consensus statement|practice guideline")),
    ("protocol", re.compile(r"(?:study )?protocols?\b")),
    ("opinion", _OPINIONS),
    ("case_report", re.compile(r"case[- ](?:reports?|study|series)|photo quiz|images in")),
)
"""Article types and headings of a journal, from their beginning."""
_TITLES = (
    ("protocol", re.compile(r"study protocol|trial protocol|protocol (?:for|of) an?\b|: protocol\b")),
    (
        "guideline",
        re.compile(
            r"\bguidelines?(?: for\b| on\b|:|$)|consensus (?:statement|recommendation)|position (?:statement|paper)"
            r"|\brecommendations (?:for|on)\b|reporting items for|\bdiretriz|\bguía de práctica|\brecommandations\b"
        ),
    ),
    (
        "systematic_review",
        re.compile(r"systematic review|meta.?analys[ie]s|revis(?:ão|ión) sistemática|revue systématique"),
    ),
    (
        "randomised_trial",
        re.compile(
            r"(?<!non-)(?<!non)(?<!non )randomi[sz]ed\b.*\b(?:trial|study|comparison)\b|placebo.controlled"
            r"|(?:ensaio|ensayo) clínico (?:randomizado|aleatori[sz]ado)"
        ),
    ),
    (
        "clinical_trial",
        re.compile(r"clinical trial\b|\bphase (?:[1-4]|i{1,3}v?|iv)\b|open.label|single.arm|pilot trial"),
    ),
    (
        "case_report",
        re.compile(
            r"\bcase (?:reports?|series)\b|\b(?:a|rare) case of\b|relato de caso|reporte de caso|rapport de cas"
        ),
    ),
    (
        "review",
        re.compile(
            r"(?:narrative|scoping|literature|short|mini|brief|critical|-art)[ -]review\b|\b(?:a|an updated) review\b"
        ),
    ),
    ("case_control", re.compile(r"case.control\b|caso.controle|casos y controles")),
    (
        "cross_sectional",
        re.compile(r"cross.sectional|\bsurvey\b|\bprevalence of\b|transversal|\bpesquisa nacional|\bencuesta\b"),
    ),
    (
        "animal",
        re.compile(
            r"\b(?:mice|mouse|murine|rats?|rabbits?|pigs?|porcine|piglets?|zebrafish|drosophila|macaques?|canine|dogs?"
            r"|bovine|cattle|sheep|goats?|chickens?|turkeys|hamsters?|caenorhabditis|xenopus)\b"
        ),
    ),
    (
        "cohort",
        re.compile(r"\bcohort\b|longitudinal|\bprospective|retrospective|follow.up\b|\bregistry\b|risk factors for"),
    ),
    ("in_vitro", re.compile(r"\bin vitro\b|\bcell lines?\b|\bcultured cells\b|cell cultures")),
)
_HEADINGS = (
    ("case_control", re.compile(r"case-control studies")),
    ("cohort", re.compile(r"(?:cohort|prospective|retrospective|longitudinal|follow-up) stud(?:y|ies)")),
    ("cross_sectional", re.compile(r"cross-sectional stud(?:y|ies)|health surveys")),
    ("in_vitro", re.compile(r"in vitro techniques|cell line|cells, cultured")),
)
_GAP_TYPES = (
    (1.0, re.compile(r"(?:practice )?guideline|patient education handout|meta-analysis")),
    (0.8, re.compile(r"systematic review|clinical trial, phase iv")),
    (0.6, re.compile(r"clinical trial, phase iii")),
    (0.5, re.compile(r"randomized controlled trial|review|observational study|comparative study")),
    (0.4, re.compile(r"clinical trial, phase ii|clinical study")),
    (0.2, re.compile(r"clinical trial, phase i$")),
    (0.1, re.compile(r"editorial|letter|comment")),
)
_GAP_LEVELS = {
    "guideline": 1.0, "systematic_review": 0.8, "randomised_trial": 0.5, "review": 0.5, "cohort": 0.5,
    "case_control": 0.5, "cross_sectional": 0.5, "clinical_trial": 0.4, "opinion": 0.1,
}  # fmt: skip
"""The weight of a level where no publication type is given."""
_NEVER = frozenset({"animal", "notice"})


class EvidenceConfig(Settings):
    """GAP's score: the journals that count as reviewed, and the day from which age is counted (GAP's by default)."""

    reviewed_journals: Annotated[tuple[str, ...], BYTES] = ()
    as_of: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$"), BYTES] = "2023-07-15"


class Facts(NamedTuple):
    """What a source says of a publication, in lower case."""

    types: list[str]
    labels: list[str]
    title: str
    headings: list[str]
    journal: str


def facts_of(title: str | None, extra: dict[str, Any]) -> Facts:
    """Return the facts of a document from its title and `extra` as JATS and PubMed parsers write it."""
    words = {name: [str(word).lower() for word in extra.get(name) or []] for name in _LISTS}
    headings = [heading.replace("*", "").partition("/")[0] for heading in words["mesh"]] + words["keywords"]
    labels = [str(extra.get("article_type") or "").lower(), *words["subjects"]]
    return Facts(
        words["publication_types"], labels, (title or "").lower(), headings, str(extra.get("journal") or "").lower()
    )


_LISTS = ("publication_types", "subjects", "mesh", "keywords")


def level_of(facts: Facts) -> str:
    """Return the kind of publication: the first rule that fits decides."""
    found = _first(_TYPES, facts.types) or (
        "notice" if _NOTICE_TITLE.match(facts.title) else _first(_LABELS, facts.labels)
    )
    if found in {"notice", "opinion"} and facts.types:
        return found
    if "animals" in facts.headings and "humans" not in facts.headings:
        return "animal"
    if found:
        return found
    for level, pattern in _TITLES:
        if pattern.search(facts.title) and not (level == "guideline" and _ABOUT.search(facts.title)):
            return level
    if any(label.startswith(("review", "systematic")) for label in facts.labels):
        return "review"
    return _first(_HEADINGS, facts.headings) or "other"


def _first(rules: tuple[tuple[str, re.Pattern[str]], ...], words: list[str]) -> str | None:
    return next((level for level, pattern in rules if any(pattern.match(word) for word in words)), None)


def gap_score(facts: Facts, level: str, published: str | None, config: EvidenceConfig) -> float | None:
    """Return GAP's score (0 to 3), None for what GAP left out; age counts only where type or journal do."""
    types = [*facts.types, *facts.labels[:1]]
    if level in _NEVER or any("preprint" in name or "veterinar" in name for name in [*types, facts.journal]):
        return None
    weights = [weight for weight, pattern in _GAP_TYPES if any(pattern.match(name) for name in facts.types)]
    score = max(weights, default=_GAP_LEVELS.get(level, 0.0) if not facts.types else 0.0)
    score += facts.journal in {journal.lower() for journal in config.reviewed_journals}
    if not score or not published:
        return round(score, 3)
    day = f"{published}-07-01"[:10] if len(published) == 4 else f"{published}-15"[:10]
    years = sum(
        (int(a) - int(b)) / per for a, b, per in zip(config.as_of.split("-"), day.split("-"), (1, 12, 365), strict=True)
    )
    return round(score + (1.0 if years < 5.5 else 0.2 if years < 10 else 0.0), 3)


class Evidence:
    """The stage: one row of findings for each document."""

    name = "evidence"
    version = "1"
    reasons: frozenset[str] = frozenset()
    writes = "attributes"

    def __init__(self, config: EvidenceConfig) -> None:
        self.config = config

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide bytes."""
        return self.config.identity()

    def apply(self, table: pa.Table) -> Batch:
        """Return `SCHEMA`: level, score, and 1 + score rounded up or down by chance that the document's id draws."""
        rows = table.select(list(COLUMNS)).to_pylist()
        found = [self._row(row) for row in rows]
        return Batch(pa.Table.from_pylist(found, schema=SCHEMA))

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        extra = json.loads(row["extra"] or "{}")
        if row["kind"] not in PUBLISHED:
            return {"id": row["id"], "evidence": None, "gap_score": None, "gap_repeats": None}
        facts = facts_of(row["title"], extra)
        level = "guideline" if row["kind"] == "guideline" else level_of(facts)
        score = None if row["retracted"] else gap_score(facts, level, row["published"], self.config)
        draw = derive_seed(0, self.name, row["id"]) % 1000
        repeats = 0 if score is None else int(1 + score) + (draw < (score % 1) * 1000)
        return {"id": row["id"], "evidence": level, "gap_score": score, "gap_repeats": int(repeats)}
