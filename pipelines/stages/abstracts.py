"""Find abstracts whose full text is in the run: keys beside every document, then one list for all of them.

An abstract belongs to an article that has the same PMID, PMCID or DOI; titles are no proof. Only an article that the
profile may use stands for its abstract, so nothing is lost for a licence; one that is retracted, for reference only or
asks to be left out stands for it too, so that its words do not live on. The list names the survivor, the first by id
where several articles fit; `consolidate` drops the abstract as `abstract_of`. Not here: equal texts (`dedup_exact`),
and an article that is dropped later for its quality.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.rows import Rows
from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.exchange import LISTED, Resolve, RunFacts, Step
from pipelines.stages.survivors import is_withdrawn
from sources.document import bare_name
from sources.rights import Profile, Rights, allows

REASON = "abstract_of"
REASONS: frozenset[str] = frozenset()
_SHARED = ("pmid", "pmcid", "doi")
KEYS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("tokens", pa.int64()),
        pa.field("role", pa.string()),
        pa.field("names", pa.list_(pa.string())),
    ]
)
"""`role` is `abstract`, `full_text` for an article that may stand for one, else null; `names` as pmid:1, doi:10.1/x."""


class AbstractsConfig(Settings):
    """Which identifiers make an abstract and an article one work is told by the stage's version."""

    profile: Annotated[Profile, BYTES] = "research-internal"
    """Only an article that this profile may use takes the place of its abstract."""


class AbstractKeys:
    """The stage that writes for each document what `resolve` needs to know of it."""

    name = "abstracts_keys"
    version = "1"
    reasons = REASONS
    writes = "attributes"

    def __init__(self, config: AbstractsConfig) -> None:
        self.config = config

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide the keys."""
        return self.config.identity()

    def apply(self, table: pa.Table) -> Batch:
        """Return `KEYS`."""
        columns = {name: table[name] for name in ("id", "source", "tokens")}
        facts = (table[name].to_pylist() for name in ("kind", "rights", "retracted", "extra"))
        columns["role"] = pa.array([self._role(*row) for row in zip(*facts, strict=True)], pa.string())
        columns["names"] = pa.array(map(_names, table["identifiers"].to_pylist()), pa.list_(pa.string()))
        return Batch(pa.table([columns[name] for name in KEYS.names], schema=KEYS))

    def _role(self, kind: str, rights: Mapping[str, Any], retracted: bool, extra: str | None) -> str | None:
        if kind == "abstract":
            return "abstract"
        stands = kind == "article" and (is_withdrawn(retracted, extra) or allows(Rights(**rights), self.config.profile))
        return "full_text" if stands else None


def resolve(keys: pa.Table) -> pa.Table:
    """Return `LISTED` in order of id; the order of `keys` and how it was batched do not matter."""
    articles = _exploded(keys, "full_text").group_by("name").aggregate([("id", "min")])
    pairs = _exploded(keys, "abstract").join(articles, "name", join_type="inner")
    found = pairs.group_by("id").aggregate([("id_min", "min")]).rename_columns(["id", "survivor"])
    return found.append_column("reason", pa.repeat(REASON, found.num_rows)).sort_by("id").cast(LISTED)


def _exploded(keys: pa.Table, role: str) -> pa.Table:
    """Return one row (id, name) for each name of each document in a role."""
    keys = keys.filter(pc.equal(keys["role"], role)).combine_chunks()
    names = keys["names"]
    return pa.table({"id": keys["id"].take(pc.list_parent_indices(names)), "name": pc.list_flatten(names)})


def _names(identifiers: Any) -> list[str]:
    known = dict(identifiers or {})
    return [f"{kind}:{bare_name(known[kind])}" for kind in _SHARED if known.get(kind)]


def abstract_steps(config: AbstractsConfig, facts: RunFacts) -> tuple[Step, ...]:
    """Return the two steps: keys beside the documents, then the abstracts among all of them."""
    return (
        Step(Rows(AbstractKeys(config))),
        Step(Resolve("abstracts", "1", resolve), {"keys": AbstractKeys.name}, writes="list"),
    )
