"""What the events of a run tell: how long each stage took, the largest memory of a worker, the command that was given.

Events are for people and no data (`pipelines.engine.events`): a stage that was cached in every start that the file
tells of took no time, and of a shard that was done twice the last counts. Not here: progress (`medmix status`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.engine.status import read_events


@dataclass(slots=True)
class Spent:
    """What the shards of one stage took together; `peak_bytes` is the most that one worker held."""

    shards: int = 0
    records: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0


def spent(run: Path | str) -> dict[str, Spent]:
    """Return what each stage took, in the order of their first shard; nothing when there are no events."""
    done: dict[tuple[str, str], dict[str, Any]] = {}
    for event in read_events(run):
        if event["kind"] == "shard_done":
            done[str(event["stage"]), str(event["shard"])] = event
    stages: dict[str, Spent] = {}
    for (stage, _), event in done.items():
        one = stages.setdefault(stage, Spent())
        one.shards += 1
        one.records += int(event.get("records") or 0)
        one.seconds += float(event.get("seconds") or 0)
        one.peak_bytes = max(one.peak_bytes, int(event.get("worker_rss_bytes") or 0))
    return stages


def command(run: Path | str) -> str:
    """Return the command that made the run last, as it was given; empty when the events do not tell it."""
    started = [event for event in read_events(run) if event["kind"] == "run_started"]
    return str(started[-1].get("command") or "") if started else ""
