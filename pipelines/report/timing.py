"""How long each stage took, from the events of a run: seconds of workers, and the largest memory of one.

Events are for people and no data (`pipelines.engine.events`): a stage that was cached in every start that the file
tells of took no time, and of a shard that was done twice the last counts. Not here: progress (`medmix status`).
"""

import json
from dataclasses import dataclass
from pathlib import Path

from pipelines.engine.status import EVENTS_NAME


@dataclass(slots=True)
class Spent:
    """What the shards of one stage took together; `peak_bytes` is the most that one worker held."""

    shards: int = 0
    records: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0


def spent(folder: Path) -> dict[str, Spent]:
    """Return what each stage took, in the order of their first shard; nothing when there are no events."""
    done: dict[tuple[str, str], dict[str, float]] = {}
    path = folder / EVENTS_NAME
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
        try:
            event = json.loads(line)
        except ValueError:  # torn by a crash
            continue
        if isinstance(event, dict) and event.get("kind") == "shard_done":
            done[str(event["stage"]), str(event["shard"])] = event
    stages: dict[str, Spent] = {}
    for (stage, _), event in done.items():
        one = stages.setdefault(stage, Spent())
        one.shards += 1
        one.records += int(event.get("records") or 0)
        one.seconds += float(event.get("seconds") or 0)
        one.peak_bytes = max(one.peak_bytes, int(event.get("worker_rss_bytes") or 0))
    return stages
