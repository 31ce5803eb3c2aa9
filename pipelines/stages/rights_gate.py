"""Carry rights through derivation: a text made from others gets the most restrictive terms of all its parents.

Keys beside every document, then one list for all that have parents: the rights that follow from their own and from
those of every parent, grandparents included (`sources.derived_rights`). A parent that is not among the documents, or a
circle, proves nothing, so the text is held as unknown. `consolidate` takes the rights from the list and drops what the
profile does not allow; without this line a release refuses every text that has parents and less strict terms than they.
Not here: whether a run may be released (`pipelines.publish.gate`).
"""

from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.rows import Rows
from pipelines.engine.settings import Settings
from pipelines.engine.stage import Batch
from pipelines.stages.exchange import Resolve, RunFacts, Step
from sources.derived_rights import inherited
from sources.document import RIGHTS_TYPE
from sources.rights import UNKNOWN, Rights, rights_from

NAME = "rights_gate"
KEYS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("tokens", pa.int64()),
        pa.field("rights", RIGHTS_TYPE),
        pa.field("parents", pa.list_(pa.string())),
    ]
)
INHERITED = pa.schema([pa.field("id", pa.string()), pa.field("rights", RIGHTS_TYPE)])


class RightsGateConfig(Settings):
    """Nothing to set: how terms are carried is told by the stage's version."""


class RightsKeys:
    """The stage that writes for each document its rights and its parents."""

    name = "rights_gate_keys"
    version = "1"
    reasons: frozenset[str] = frozenset()
    writes = "attributes"

    def identity(self) -> dict[str, Any]:
        """Return nothing: the columns are the documents'."""
        return {}

    def apply(self, table: pa.Table) -> Batch:
        """Return `KEYS`."""
        return Batch(table.select(KEYS.names).cast(KEYS))


def resolve(keys: pa.Table) -> pa.Table:
    """Return `INHERITED` in order of id, for the documents of `KEYS` that have parents."""
    known = related(keys)
    derived = sorted(name for name, one in known.items() if one and one[1])
    rows = [{"id": name, "rights": asdict(rights_of(name, known))} for name in derived]
    return pa.Table.from_pylist(rows, schema=INHERITED)


Known = dict[str, tuple[Rights, list[str]] | None]
"""Rights and parents by id of whatever has parents or is one; None for a parent that is nowhere."""


def related(keys: pa.Table) -> Known:
    """Return what the columns id, rights and parents say of all documents with parents, and of all their forebears."""
    counts = pc.fill_null(pc.list_value_length(keys["parents"]), 0)
    known: Known = {}
    found = keys.filter(pc.greater(counts, 0))
    while True:
        for row in found.select(["id", "rights", "parents"]).to_pylist():
            known[row["id"]] = (Rights(**row["rights"]), row["parents"] or [])
        wanted = {parent for one in known.values() if one for parent in one[1]} - known.keys()
        if not wanted:
            return known
        found = keys.filter(pc.is_in(keys["id"], value_set=pa.array(sorted(wanted), pa.string())))
        known |= dict.fromkeys(wanted)


def rights_of(name: str, known: Known, below: tuple[str, ...] = ()) -> Rights:
    """Return the rights of a document by those of its forebears; unknown where one is nowhere or its own forebear."""
    one = known[name]
    if one is None or name in below:
        return rights_from(UNKNOWN, f"document {name}, which is not here")
    own, parents = one
    return inherited(own, [rights_of(parent, known, (*below, name)) for parent in parents])


def rights_gate_steps(config: RightsGateConfig, facts: RunFacts) -> tuple[Step, ...]:
    """Return the two steps: keys beside the documents, then the rights of all that have parents."""
    return (Step(Rows(RightsKeys())), Step(Resolve(NAME, "1", resolve), {"keys": RightsKeys.name}, writes="list"))
