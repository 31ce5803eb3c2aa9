"""The mark that a stage leaves on a document whose text it changed.

Not here: the edits themselves, which live with the stage that makes them.
"""

from typing import Any

from pipelines.engine.hashing import digest
from pipelines.engine.settings import Settings


def edit_entry(stage: str, version: str, settings: Settings, names: list[str]) -> dict[str, Any]:
    """Return the `edits` entry for a text that `stage` changed by the edits `names`, in the order they were made."""
    return {"stage": stage, "version": version, "config": digest(settings.identity())[:12], "names": names}
