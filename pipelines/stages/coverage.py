"""Say what a text is about: disease groups, populations, the region and income of its setting, level and means of care.

Nothing is dropped for it and no later stage reads it, so it may stand first in a run file and see what every filter
takes. The report tells by it which slices of medicine were kept and which were lost (`pipelines.report.retention`), as
corpora that are filtered without looking lose just what this project exists for. A text is about a group when its title
names it, or when it names it often enough: so often at least, and at least such a share of what it names most on that
axis; signs, organs and drugs count as a part of a name. Terms are data (`configs/vocabularies`). Not here: finding
them (`vocabulary`).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

import pyarrow as pa
from pydantic import Field

from pipelines.engine.rows import Rows
from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.content import contents
from pipelines.stages.exchange import RunFacts, Step
from pipelines.stages.vocabulary import SIGN, Vocabulary, load_countries, load_vocabulary

AXES = ("disease", "population", "care", "country", "region", "income")
SCHEMA = pa.schema(
    [pa.field(name, pa.string(), nullable=False) for name in ("id", "source", "key")]
    + [pa.field("tokens", pa.int64(), nullable=False)]
    + [pa.field(axis, pa.list_(pa.string())) for axis in AXES]
)
TITLE_MENTIONS = 3
"""A mention in the title counts as so many more: a title says what a text is about."""
SIGN_MENTION = 0.35
"""What a sign, an organ or a drug counts in the text, which points to a group without naming it."""
LISTED_GROUPS = 2
WORDS_A_MENTION = 400
"""A text of more words than this must name a group more than once, up to `min_mentions`."""


class CoverageConfig(Settings):
    """How often a text must name a group to be about it."""

    min_mentions: Annotated[int, Field(ge=1), BYTES] = 3
    """Mentions that a long text needs; a passage of up to 400 words needs one, of up to 800 two, and so on."""
    min_share: Annotated[float, Field(ge=0, le=1), BYTES] = 0.7
    """Mentions that a disease, population or level of care needs as a share of those of the one named most."""
    min_place_share: Annotated[float, Field(ge=0, le=1), BYTES] = 0.25
    """The same for places, which a text names less often."""


class Coverage:
    """The stage: one row of slices for each document, sorted, none where nothing is named."""

    name = "coverage"
    version = "2"
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
    least = min(config.min_mentions, 1 + len(text.split()) // WORDS_A_MENTION)
    found = {}
    for axis, vocabulary in _vocabularies().items():
        named = _weighed(vocabulary, title, text)
        found[axis] = [] if _is_list(named) else _chosen(named, least, config.min_share)
    above = {str(_vocabularies()["disease"].groups[group].get("of", "")) for group in found["disease"]} - {""}
    found["disease"] = sorted({*found["disease"], *above})
    return found | _places(title, text, least, config.min_place_share)


def _places(title: str, text: str, least: int, min_share: float) -> dict[str, list[str]]:
    """Return countries, and the regions and income groups that follow: regions count what is named within them."""
    countries = load_countries()
    named = _weighed(countries, title, text)
    states = {name: mentions for name, mentions in named.items() if not name.startswith("region:")}
    regions: dict[str, float] = {}
    for name, mentions in named.items():
        region = str(countries.groups[name]["region"]) if name in states else name.removeprefix("region:")
        regions[region] = regions.get(region, 0) + mentions
    regions.pop("none", None)
    chosen = _chosen(states, least, min_share)
    incomes = {str(countries.groups[code]["income"]) for code in chosen} - {"unclassified"}
    return {"country": chosen, "region": _chosen(regions, least, min_share), "income": sorted(incomes)}


def _is_list(named: Mapping[str, float]) -> bool:
    """Say whether several groups are named once each: a list of what is to be excluded, or of other people's work."""
    named_once = [mentions for mentions in named.values() if mentions >= 1]
    return len(named_once) > LISTED_GROUPS and max(named_once) == 1


def _weighed(vocabulary: Vocabulary, title: str, text: str) -> dict[str, float]:
    """Return the mentions of each group: those in the title as several, signs in the text as less than one."""
    counts: dict[str, float] = {}
    for where, worth, sign_worth in ((text, 1, SIGN_MENTION), (title, TITLE_MENTIONS, TITLE_MENTIONS)):
        for group, mentions in vocabulary.matcher.count(where).items():
            name, each = (group[1:], sign_worth) if group.startswith(SIGN) else (group, worth)
            counts[name] = counts.get(name, 0) + each * mentions
    return counts


def _chosen(named: Mapping[str, float], least: int, min_share: float) -> list[str]:
    most = max(named.values(), default=0)
    return sorted(group for group, mentions in named.items() if mentions >= max(least, min_share * most))


@lru_cache(maxsize=1)
def labels() -> dict[str, tuple[str, ...]]:
    """Return the names of all slices by axis, sorted."""
    places = load_countries().groups
    found = {axis: tuple(sorted(vocabulary.groups)) for axis, vocabulary in _vocabularies().items()}
    regions = {str(one["region"]) for one in places.values()} - {"none"}
    incomes = {str(one["income"]) for one in places.values()} - {"unclassified"}
    found |= {"country": tuple(sorted(places)), "region": tuple(sorted(regions)), "income": tuple(sorted(incomes))}
    return found


def _vocabularies() -> dict[str, Vocabulary]:
    return {"disease": load_vocabulary("diseases"), "population": load_vocabulary("populations"),
            "care": load_vocabulary("care")}  # fmt: skip
