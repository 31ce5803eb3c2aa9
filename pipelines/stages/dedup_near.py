"""Near duplicates: signatures for each document, in one compiled pass over its bytes.

The line `dedup_near` has five steps: signatures beside the documents (here), candidate pairs by range of band hash,
the texts of candidates brought together, exact verification of each pair with the clinical guard, and the survivors.
Keys, pairs and verdicts do not know the threshold, so another one costs the last step alone. Documents whose text is
the same take part once when `dedup_exact` stands before; versions of one work, which `versions` found, are linked and
never removed as each other's duplicates. Not here: the other steps (`near_steps`).
"""

from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.content import contents
from pipelines.stages.near_signature import sign
from pipelines.stages.survivors import COLUMNS, standing
from sources.rights import Profile

FLOOR = 0.5
"""Pairs less alike than this are never judged: the lowest threshold there is."""
SCHEMA = pa.schema([*COLUMNS, pa.field("bands", pa.binary())])
"""`bands` are the band hashes, 8 bytes each in the machine's order (little-endian); null for a text without tokens."""


WORDS = ("text", "messages", "mcq")
"""Columns that hold what is compared."""


class NearConfig(Settings):
    """When two documents are near duplicates. The clinical guard has no settings: it is told by the version."""

    threshold: Annotated[float, Field(ge=FLOOR, le=1), BYTES] = 0.65
    """Jaccard similarity of the sets of word 5-grams from which a pair counts. 0.65 keeps a margin under .7, below
    which a document says too much of its own to be thrown away."""
    bands: Annotated[int, Field(ge=1, le=64), BYTES] = 24
    """A pair of similarity s becomes a candidate with probability 1 - (1 - s^rows)^bands. 24 bands of 5 rows: 0.40 at
    s = 0.46, 0.95 at 0.65, 0.988 at 0.7, 0.999 at 0.76; more bands find more at the price of more comparisons."""
    rows: Annotated[int, Field(ge=1, le=16), BYTES] = 5
    profile: Annotated[Profile, BYTES] = "research-internal"
    """Of near duplicates, one that this profile may use survives."""
    wipe_out: Annotated[float, Field(ge=0, le=1), BYTES] = 0.5
    """Share of its documents of one kind that a source may lose before an alarm is raised."""


def near_texts(table: pa.Table) -> pa.Array:
    """Return the words of each document as they are compared: with an answer key, as two keys contradict each other."""
    if table["mcq"].null_count == table.num_rows and table["messages"].null_count == table.num_rows:
        return table["text"].combine_chunks()
    keys = [f"\n\n{'; '.join(map(str, mcq['gold'] or []))}" if mcq else "" for mcq in table["mcq"].to_pylist()]
    return pa.array([words + key for words, key in zip(contents(table), keys, strict=True)], pa.large_string())


class NearKeys:
    """The stage that writes for each document its signature, and what decides which of several survives."""

    name = "dedup_near_keys"
    version = "1"
    reasons: frozenset[str] = frozenset()
    writes = "attributes"
    reads = ("id", "source", "kind", "key", "version", "published", "tokens", "retracted", "extra", "rights", *WORDS)

    def __init__(self, config: NearConfig) -> None:
        self.config = config

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide the keys."""
        return {name: getattr(self.config, name) for name in ("bands", "rows", "profile")}

    def apply(self, table: pa.Table) -> Batch:
        """Return `SCHEMA`, one row a document."""
        columns = standing(table, self.config.profile)
        signatures, tokens = sign(near_texts(table), self.config.bands, self.config.rows)
        raw = signatures.astype("<u8").tobytes()
        offsets = np.arange(len(signatures) + 1, dtype=np.int32) * (8 * self.config.bands)
        bands = pa.Array.from_buffers(pa.binary(), len(signatures), [None, pa.py_buffer(offsets), pa.py_buffer(raw)])
        columns["bands"] = pc.if_else(pa.array(tokens > 0), bands, pa.scalar(None, pa.binary()))
        return Batch(pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA))
