"""The limits that a run file sets and how the run stands to them: quarantine, and the floors of slices.

They decide no byte, so they are kept beside what people said (`described` of the index), where a report, a card and
the gate before a release see the same ones as `medmix run` did.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.engine.manifest import Manifest

LIMITS = "limits"


@dataclass(frozen=True, slots=True)
class Limits:
    """Fields and defaults as in a run file: `max_quarantined` and the section `retention`."""

    max_quarantined: float = 0.1
    alarm: float = 0.5
    min_documents: int = 30
    floors: Mapping[str, float] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """Return the limits as JSON values."""
        return {**asdict(self), "floors": dict(sorted(self.floors.items()))}


def limits_of(described: Mapping[str, Any]) -> Limits:
    """Return the limits of a run from what its index describes."""
    return Limits(**described.get(LIMITS, {}))


def quarantined(manifests: Mapping[str, Manifest]) -> tuple[int, int]:
    """Return how many records of a run were quarantined at any stage, and how many were read."""
    gone = sum(manifest.ledger.total().quarantined.total() for manifest in manifests.values())
    read = sum(m.ledger.total().records_in for name, m in manifests.items() if name.startswith("extract-"))
    return gone, read


def too_many_quarantined(manifests: Mapping[str, Manifest], limits: Limits) -> str:
    """Return what to tell when more records were quarantined than the run file allows, "" when not."""
    gone, read = quarantined(manifests)
    part = gone / read if read else 0.0
    if part <= limits.max_quarantined:
        return ""
    return (
        f"{gone} of {read} records ({part:.1%}) were quarantined, the run file allows {limits.max_quarantined:.1%} "
        "(max_quarantined)"
    )
