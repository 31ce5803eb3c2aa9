"""The conservation law across a whole run: within every shard, over every stage, and from stage to stage.

A stage that reads documents must find what the stages before it wrote: records and tokens, for each source. So
nothing can vanish between two stages either. Faults are told as sentences; whoever asks decides what they mean
(`verify` lists them, the tests fail). Not here: reading files.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from pipelines.engine.errors import StageError
from pipelines.engine.ledger import Ledger
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

    Documents come by the role `documents`; a stage without that role that counts records counts those of all roles.
    """
    missing = [one for digests in manifest.inputs.values() for one in digests if one not in known]
    if missing:
        yield f"{manifest.stage}: was built on a manifest that is not here (digest {missing[0][:16]}…)"
        return
    roles = {role: [known[one] for one in digests] for role, digests in manifest.inputs.items()}
    found = _arrived(manifest.ledger)
    if not roles or ("documents" not in roles and not found):
        return
    given = roles.get("documents") or [one for role in roles.values() for one in role]
    sent = _sent(one.ledger for one in given)
    for source in sorted(sent.keys() | found.keys()):
        if sent.get(source, (0, 0)) != found.get(source, (0, 0)):
            yield (
                f"{manifest.stage}: of source {source!r} the stages before wrote (records, tokens) "
                f"{sent.get(source, (0, 0))}, but {found.get(source, (0, 0))} went in"
            )


def _arrived(ledger: Ledger) -> Flow:
    counts = {source: (one.records_in, one.tokens_in) for source, one in ledger.sources.items()}
    return {source: flow for source, flow in counts.items() if any(flow)}


def _sent(ledgers: Iterable[Ledger]) -> Flow:
    total = Ledger()
    for ledger in ledgers:
        total.add(ledger)
    counts = {source: (one.records_out, one.tokens_out) for source, one in total.sources.items()}
    return {source: flow for source, flow in counts.items() if any(flow)}
