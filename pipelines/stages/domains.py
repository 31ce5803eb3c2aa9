"""Bound what single domains of the open web contribute: caps, and an alarm for phrases that only they share.

Who wants to plant something in a corpus writes it on many pages of a few domains that are easy to own. So a domain may
give so many documents or tokens at most, drawn by a hash of the id; the rest is dropped as `domain_cap`. And word
sequences that stand in many documents of hardly any domain are told as bursts, with an example, for a person to look
at: a site's own boilerplate looks the same, so nothing is dropped for them. Guidance, journals and labels are not
looked at, as they repeat themselves rightly; nor is what has no URL. Not here: boilerplate; what a phrase says.
"""

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows
from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.shard import Shard
from pipelines.engine.stage import Batch, ShardTask
from pipelines.stages.content import contents
from pipelines.stages.exchange import LISTED, Resolve, RunFacts, Step, all_keys, over_all_keys
from pipelines.stages.near_signature import shingle_sets
from pipelines.stages.safety import TRUST_BY_KIND

NAME, KEYS, BURSTS = "domains", "domains_keys", "domain_bursts"
REASON = "domain_cap"
SAMPLED = 8
"""One in so many word sequences is looked at, by its hash: the same ones in every document. Of a phrase of twenty
words one is among them nine times in ten."""
KEYS_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("tokens", pa.int64()),
        pa.field("domain", pa.string()),
        pa.field("draw", pa.uint64()),
        pa.field("phrases", pa.list_(pa.uint64())),
    ]
)
"""`domain` is null where no cap may hold; `phrases` are hashes of sequences of five words."""
BURSTS_SCHEMA = pa.schema(
    [("domains", pa.list_(pa.string())), ("phrases", pa.int64()), ("documents", pa.int64()), ("example", pa.string())]
)


class DomainsConfig(Settings):
    """Caps for each domain (null: none), and what is a burst."""

    max_documents: Annotated[int | None, Field(ge=1), BYTES] = None
    max_tokens: Annotated[int | None, Field(ge=1), BYTES] = None
    exempt: Annotated[tuple[str, ...], BYTES] = ()
    """Domains that no cap holds for; with them what lies below them (wikipedia.org, en.wikipedia.org)."""
    burst_documents: Annotated[int, Field(ge=2), BYTES] = 20
    burst_domains: Annotated[int, Field(ge=1), BYTES] = 2


class DomainKeys:
    """The stage that writes for each document its domain, its draw and a sample of its word sequences."""

    name = KEYS
    version = "1"
    reasons: frozenset[str] = frozenset()
    writes = "attributes"

    def identity(self) -> dict[str, Any]:
        """Return nothing: what is written is told by the version."""
        return {}

    def apply(self, table: pa.Table) -> Batch:
        """Return `KEYS_SCHEMA`."""
        about = zip(table["url"].to_pylist(), table["kind"].to_pylist(), strict=True)
        domains = [domain_of(url) if TRUST_BY_KIND.get(kind, "low") == "low" else None for url, kind in about]
        sets = shingle_sets(pa.array(contents(table), pa.large_string())) if table.num_rows else []
        sampled = [
            one[one % np.uint64(SAMPLED) == 0] if name else None for one, name in zip(sets, domains, strict=True)
        ]
        columns = {
            **{name: table[name] for name in ("id", "source", "tokens")},
            "domain": pa.array(domains, pa.string()),
            "draw": pa.array(map(_draw, table["id"].to_pylist()), pa.uint64()),
            "phrases": pa.array(sampled, KEYS_SCHEMA.field("phrases").type),
        }
        return Batch(pa.table(columns, schema=KEYS_SCHEMA))


def domain_of(url: str | None) -> str | None:
    """Return the host of a URL without `www.`, None where there is none."""
    try:
        host = urlsplit(url or "").hostname
    except ValueError:
        return None
    return host.removeprefix("www.") or None if host else None


def _draw(document: str) -> int:
    return int.from_bytes(hashlib.blake2b(document.encode(), digest_size=8).digest(), "big")


def over_the_cap(keys: pa.Table, config: DomainsConfig) -> pa.Table:
    """Return `LISTED` in order of id: the documents of each domain beyond its cap, the last by draw."""
    keys = keys.filter(pc.is_valid(keys["domain"])).select(["id", "domain", "tokens", "draw"])
    rows = keys.sort_by([("domain", "ascending"), ("draw", "ascending"), ("id", "ascending")]).to_pylist()
    gone, domain, documents, tokens = [], "", 0, 0
    for row in rows:
        if row["domain"] != domain:
            domain, documents, tokens = row["domain"], 0, 0
        documents, tokens = documents + 1, tokens + row["tokens"]
        over = documents > (config.max_documents or documents) or tokens > (config.max_tokens or tokens)
        if over and not _is_exempt(domain, config.exempt):
            gone.append({"id": row["id"], "survivor": domain, "reason": REASON})
    return pa.Table.from_pylist(sorted(gone, key=lambda row: row["id"]), schema=LISTED)


def _is_exempt(domain: str, exempt: tuple[str, ...]) -> bool:
    return any(domain == one or domain.endswith(f".{one}") for one in exempt)


def bursts(keys: pa.Table, config: DomainsConfig) -> pa.Table:
    """Return `BURSTS_SCHEMA`, the most phrases first: what many documents of few domains share, by those domains."""
    keys = keys.filter(pc.is_valid(keys["domain"])).select(["id", "domain", "phrases"]).combine_chunks()
    inside = keys["phrases"].combine_chunks()
    rows = keys.select(["id", "domain"]).take(pc.list_parent_indices(inside))
    rows = rows.append_column("phrase", pc.list_flatten(inside))
    counted = rows.group_by("phrase").aggregate([("id", "count"), ("domain", "count_distinct")])
    many = pc.greater_equal(counted["id_count"], config.burst_documents)
    rare = counted.filter(pc.and_(many, pc.less_equal(counted["domain_count_distinct"], config.burst_domains)))
    found: dict[int, tuple[set[str], set[str]]] = {}
    for row in rows.filter(pc.is_in(rows["phrase"], value_set=rare["phrase"].combine_chunks())).to_pylist():
        documents, domains = found.setdefault(row["phrase"], (set(), set()))
        documents.add(row["id"])
        domains.add(row["domain"])
    told: dict[tuple[str, ...], tuple[int, set[str]]] = {}
    for documents, domains in found.values():
        phrases, others = told.get(tuple(sorted(domains)), (0, set()))
        told[tuple(sorted(domains))] = (phrases + 1, others | documents)
    lines = [
        {"domains": list(names), "phrases": phrases, "documents": len(documents), "example": min(documents)}
        for names, (phrases, documents) in sorted(told.items(), key=lambda one: (-one[1][0], one[0]))
    ]
    return pa.Table.from_pylist(lines, schema=BURSTS_SCHEMA)


class FindBursts:
    """Look for bursts among all keys, and raise an alarm for each."""

    name = BURSTS
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, config: DomainsConfig) -> None:
        self._config = config

    def identity(self) -> dict[str, Any]:
        """Return what makes a burst."""
        return {name: getattr(self._config, name) for name in ("burst_documents", "burst_domains")}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task that reads the keys of every shard."""
        return over_all_keys(self.name, inputs)

    def run(self, shard: Shard) -> None:
        """Write `BURSTS_SCHEMA`."""
        found = bursts(all_keys(shard), self._config)
        shard.write(found)
        shard.facts["alarms"] = [
            f"{row['documents']} documents of {' and '.join(row['domains'])} share {row['phrases']} word sequences "
            f"that no other domain has: boilerplate of a site, or planted text; look at document {row['example']}"
            for row in found.to_pylist()
        ]


def domain_steps(config: DomainsConfig, facts: RunFacts) -> tuple[Step, ...]:
    """Return the three steps: keys beside the documents, bursts for the report, and the list of what is over a cap."""
    caps = {name: value for name, value in config.identity().items() if not name.startswith("burst")}
    return (
        Step(Rows(DomainKeys())),
        Step(FindBursts(config), {"keys": KEYS}),
        Step(Resolve(NAME, "1", partial(over_the_cap, config=config), caps), {"keys": KEYS}, writes="list"),
    )
