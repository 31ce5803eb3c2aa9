"""The second half of `dedup_exact`: all keys meet, and each group of equal texts gets one survivor.

One task over the key columns of every shard; what follows is planned when its manifest commits. A source that loses
more of its documents than the limit raises an alarm, which goes into the manifest, the events and the report: a
template that looks like a duplicate has wiped out whole sources elsewhere. Not here: what makes texts equal.
"""

from collections.abc import Mapping
from typing import Any

from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask
from pipelines.stages.dedup_exact import ExactConfig, ExactKeys, resolve, wipe_out
from pipelines.stages.exchange import RunFacts, Step, all_keys, over_all_keys


class ResolveExact:
    """Choose the survivor of every group of equal documents."""

    name = "dedup_exact"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, config: ExactConfig, priorities: Mapping[str, int]) -> None:
        self._config = config
        self._priorities = dict(priorities)

    def identity(self) -> dict[str, Any]:
        """Return the settings and the priorities of the sources."""
        return {**self._config.identity(), "priorities": self._priorities}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task that reads the keys of every shard."""
        return over_all_keys("losers", inputs)

    def run(self, shard: Shard) -> None:
        """Write (id, survivor, reason) of every document that an equal one replaces."""
        found = all_keys(shard)
        losers = resolve(found, self._priorities)
        shard.write(losers)
        shard.facts["alarms"] = [str(alarm) for alarm in wipe_out(found, losers, self._config.wipe_out)]


def exact_steps(config: ExactConfig, facts: RunFacts) -> tuple[Step, ...]:
    """Return the two steps: keys beside the documents, then the losers among all of them."""
    return (
        Step(Rows(ExactKeys(config))),
        Step(ResolveExact(config, facts.priorities), {"keys": ExactKeys.name}, writes="list"),
    )
