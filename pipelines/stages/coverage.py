"""Say what a text is about: disease groups, populations, the region and income of its setting, level and means of care.

Nothing is dropped for it and no later stage reads it, so it may stand first in a run file and see what every filter
takes. The report tells by it which slices of medicine were kept and which were lost (`pipelines.report.retention`), as
corpora that are filtered without looking lose just what this project exists for. Terms are data
(`configs/vocabularies`), all looked for together. Not here: finding them (`mentions`), choosing what a text is about
from what it names (`about`), places (`places`).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

import pyarrow as pa
from pydantic import Field

from pipelines.engine.rows import Rows
from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.about import Evidence, Named, about, most_named, weighed
from pipelines.stages.content import contents
from pipelines.stages.exchange import RunFacts, Step
from pipelines.stages.mentions import Finder, plain_text
from pipelines.stages.places import places_of
from pipelines.stages.vocabulary import Vocabulary, load_countries, load_vocabulary

AXES = ("disease", "population", "care", "country", "region", "income")
SCHEMA = pa.schema(
    [pa.field(name, pa.string(), nullable=False) for name in ("id", "source", "key")]
    + [pa.field("tokens", pa.int64(), nullable=False)]
    + [pa.field(axis, pa.list_(pa.string())) for axis in AXES]
)
LISTED_GROUPS = 2
WORDS_A_MENTION = 400
"""A text of more words than this must name a group more than once, up to `min_mentions`."""


class CoverageConfig(Settings):
    """How often a text must name a group to be about it."""

    min_mentions: Annotated[int, Field(ge=1), BYTES] = 3
    """Mentions that a long text needs; a passage of up to 400 words needs one, of up to 800 two, and so on."""
    min_share: Annotated[float, Field(ge=0, le=1), BYTES] = 0.7
    """Mentions that a population or level of care needs as a share of those of the one named most."""
    min_place_share: Annotated[float, Field(ge=0, le=1), BYTES] = 0.25
    """The same for places, which a text names less often."""


class Coverage:
    """The stage: one row of slices for each document, sorted, none where nothing is named."""

    name = "coverage"
    version = "8"
    reasons: frozenset[str] = frozenset()
    writes = "attributes"

    def __init__(self, config: CoverageConfig) -> None:
        self.config = config

    def identity(self) -> dict[str, Any]:
        """Return the settings and the digests of the vocabularies."""
        vocabularies = [*_vocabularies().values(), load_countries()]
        return {**self.config.identity(), "vocabularies": {v.axis: v.sha256 for v in vocabularies}}

    def apply(self, table: pa.Table) -> Batch:
        """Return `SCHEMA`, one row a document."""
        texts = zip(table["title"].to_pylist(), contents(table), strict=True)
        found = [slices_of(title or "", text, self.config) for title, text in texts]
        columns = {axis: pa.array([row[axis] for row in found], pa.list_(pa.string())) for axis in AXES}
        known = {name: table[name] for name in SCHEMA.names if name not in AXES}
        return Batch(pa.table({**known, **columns}, schema=SCHEMA))


def coverage_steps(config: CoverageConfig, facts: RunFacts) -> tuple[Step, ...]:
    """Return the one step, whose findings are for the report."""
    return (Step(Rows(Coverage(config)), writes="report"),)


def slices_of(title: str, text: str, config: CoverageConfig) -> dict[str, list[str]]:
    """Return the groups that a text is about, by axis; a neglected tropical disease adds the group `ntd`."""
    words = len(text.split())
    least = min(config.min_mentions, 1 + words // WORDS_A_MENTION)
    *axes, places = map(Named, *(_finder().mentions(plain_text(one)) for one in (title, text)))
    found: dict[str, list[str]] = {}
    for axis, named in zip(_vocabularies(), axes, strict=True):
        evidence = weighed(title, text, named)
        found[axis] = _diseases(evidence, words, least) if axis == "disease" else _axis(evidence, least, config)
    return found | places_of(title, text, places, least, config.min_place_share)


def _diseases(found: Mapping[str, Evidence], words: int, least: int) -> list[str]:
    vocabulary = _vocabularies()["disease"]
    if least > 1:
        found = {group: one for group, one in found.items() if one.weight >= least}
    chosen = about(found, _organs(), words)
    above = {str(vocabulary.groups[group].get("of", "")) for group in chosen} - {""}
    return sorted({*chosen, *above})


def _axis(found: Mapping[str, Evidence], least: int, config: CoverageConfig) -> list[str]:
    weights = {group: one.weight for group, one in found.items()}
    return [] if _is_list(weights) else most_named(weights, least, config.min_share)


def _is_list(weights: Mapping[str, float]) -> bool:
    """Say whether several groups are named once each, as in a list of other people's work."""
    once = [weight for weight in weights.values() if weight >= 1]
    return len(once) > LISTED_GROUPS and max(once) == 1


@lru_cache(maxsize=1)
def labels() -> dict[str, tuple[str, ...]]:
    """Return the names of all slices by axis, sorted."""
    places = load_countries().groups
    found = {axis: tuple(sorted(vocabulary.groups)) for axis, vocabulary in _vocabularies().items()}
    regions = {str(one["region"]) for one in places.values()} - {"none"}
    incomes = {str(one["income"]) for one in places.values()} - {"unclassified"}
    found |= {"country": tuple(sorted(places)), "region": tuple(sorted(regions)), "income": tuple(sorted(incomes))}
    return found


@lru_cache(maxsize=1)
def _organs() -> frozenset[str]:
    return frozenset(group for group, entry in _vocabularies()["disease"].groups.items() if entry.get("organ"))


@lru_cache(maxsize=1)
def _finder() -> Finder:
    """Return what finds the mentions of all vocabularies in their order, places last."""
    return Finder([vocabulary.matcher.terms for vocabulary in (*_vocabularies().values(), load_countries())])


def _vocabularies() -> dict[str, Vocabulary]:
    return {"disease": load_vocabulary("diseases"), "population": load_vocabulary("populations"),
            "care": load_vocabulary("care")}  # fmt: skip
