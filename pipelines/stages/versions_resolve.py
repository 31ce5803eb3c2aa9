"""The second half of `versions`: all keys meet, and each series of versions gets its order.

One task over the key columns of every shard; it also reads which documents are duplicates, so that the one that stays
speaks for the others and no text is lost by both rules at once. A source of which most are called older versions raises
an alarm. What follows is planned when its manifest commits.
Not here: what makes a series (`version_series`), and dropping (`consolidate`).
"""

from collections.abc import Mapping
from typing import Any

from pipelines.engine.manifest import Manifest
from pipelines.engine.rows import Rows
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask
from pipelines.stages.exchange import DOCUMENTS, RunFacts, Step, all_keys, over_all_keys
from pipelines.stages.version_series import resolve, wipe_out
from pipelines.stages.versions import VersionKeys, VersionsConfig

DUPLICATES = "dedup_exact"


class ResolveVersions:
    """Order the documents of every series."""

    name = "versions"
    version = "1"
    reasons: frozenset[str] = frozenset()

    def __init__(self, config: VersionsConfig) -> None:
        self._config = config

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide bytes."""
        return self._config.identity()

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task that reads the keys of every shard, and the duplicates where they were looked for.

        The documents are an input only so that every one of them is accounted for: their keys are what is read.
        """
        return over_all_keys("series", inputs, DUPLICATES)

    def run(self, shard: Shard) -> None:
        """Write (id, survivor, supersedes) of every document that is a version of another."""
        found = all_keys(shard)
        duplicates = {row["id"]: row["survivor"] for t in shard.tables(DUPLICATES) for row in t.to_pylist()}
        series = resolve(found, duplicates)
        shard.write(series)
        shard.facts["alarms"] = wipe_out(found, series, self._config.wipe_out)


def version_steps(config: VersionsConfig, facts: RunFacts) -> tuple[Step, ...]:
    """Return the two steps: keys beside the documents, then the order of every series."""
    roles = {DOCUMENTS: DOCUMENTS, "keys": VersionKeys.name}
    return (
        Step(Rows(VersionKeys(config))),
        Step(ResolveVersions(config), roles, findings=(DUPLICATES,), writes="list"),
    )
