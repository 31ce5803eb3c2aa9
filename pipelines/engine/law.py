"""The conservation law across a whole run: within every shard, over every stage, and from stage to stage.

A stage that reads documents must find what the stages before it wrote: records and tokens, for each source. So
nothing can vanish between two stages either. Faults are told as sentences; whoever asks decides what they mean
(`verify` lists them, the tests fail). Not here: reading files.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from pipelines.engine.errors import StageError
from pipelines.engine.manifest import Manifest
from pipelines.engine.stage import declared_reasons

Flow = Mapping[str, tuple[int, int]]
"""(records, tokens) by source."""


def account_faults(manifest: Manifest) -> Iterator[str]:
    """Yield a sentence for each shard of a stage whose account does not balance or gives undeclared reasons."""
    reasons = declared_reasons(manifest.stage, manifest.reasons)
    for record in manifest.shards:
        try:
            record.ledger.check(f"{manifest.stage}, shard {record.shard}", reasons)
        except StageError as error:
            yield str(error)
    twice = [shard for shard, count in Counter(record.shard for record in manifest.shards).items() if count > 1]
    if twice:
        yield f"{manifest.stage}: shards are listed more than once: {', '.join(twice[:3])}"


def chain_faults(manifest: Manifest, known: Mapping[str, Manifest]) -> Iterator[str]:
    """Yield a sentence for each source whose counts differ between a stage and its inputs; `known` is by digest.

    Documents come by the role `documents`. A stage without that role that counts records counts those of all roles,
    where findings (of a stage that wrote no document) stand for the documents they were kept for.
    """
    missing = [one for digests in manifest.inputs.values() for one in digests if one not in known]
    if missing:
        yield f"{manifest.stage}: was built on a manifest that is not here (digest {missing[0][:16]}…)"
        return
    roles = {role: [known[one] for one in digests] for role, digests in manifest.inputs.items()}
    found = _flow([(manifest, "in")])
    if not roles or ("documents" not in roles and not found):
        return
    if "documents" in roles:
        sent = _flow((one, "out") for one in roles["documents"])
    else:
        given = [one for role in roles.values() for one in role]
        sent = _flow((one, "out" if one.ledger.total().records_out else "kept") for one in given)
    for source in sorted(sent.keys() | found.keys()):
        if sent.get(source, (0, 0)) != found.get(source, (0, 0)):
            yield (
                f"{manifest.stage}: of source {source!r} the stages before wrote (records, tokens) "
                f"{sent.get(source, (0, 0))}, but {found.get(source, (0, 0))} went in"
            )


def _flow(sides: Iterable[tuple[Manifest, str]]) -> Flow:
    """Add up one side of the account (in, out, kept) of each manifest by source; sources with nothing are left out."""
    flow: dict[str, tuple[int, int]] = {}
    for manifest, side in sides:
        for source, counts in manifest.ledger.sources.items():
            records, tokens = flow.get(source, (0, 0))
            more = (getattr(counts, f"records_{side}"), getattr(counts, f"tokens_{side}"))
            flow[source] = (records + more[0], tokens + more[1])
    return {source: one for source, one in flow.items() if any(one)}
