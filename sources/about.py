"""What the catalogue knows about a source: who publishes it, for whom, under which terms, and what is proven of it.

Nothing here decides bytes, except that terms which forbid redistribution bind whatever a run file says (see
`sources.terms`). A field that was never compared with a real or archived page says so: `never verified` is the
default, and a date stands only with the page that was looked at.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.engine.settings import BYTES, SPEED, Settings

NEVER = "never verified"


class Verified(Settings):
    """When a claim was last compared with a page, and which; `on` is an ISO date or "never verified"."""

    on: Annotated[str, Field(pattern=r"^(\d{4}-\d\d-\d\d|never verified)$"), SPEED] = NEVER
    evidence: Annotated[str, SPEED] = ""

    @model_validator(mode="after")
    def _with_evidence(self) -> "Verified":
        if self.on != NEVER and not self.evidence:
            raise ValueError("a date needs the evidence: the URL of the page that was looked at")
        return self


class Claims(Settings):
    """What can be wrong with an entry: how documents are listed, what is cut out of them, the terms, the canary."""

    enumeration: Annotated[Verified, SPEED] = Verified()
    extraction: Annotated[Verified, SPEED] = Verified()
    rights: Annotated[Verified, SPEED] = Verified()
    canary: Annotated[Verified, SPEED] = Verified()


class Canary(Settings):
    """A known document: its URL, and strings that must come out of it."""

    url: Annotated[str, SPEED]
    strings: Annotated[tuple[str, ...], Field(min_length=1), SPEED]


class Expected(Settings):
    """How much a source was once seen to hold: for a plan before anything is fetched, and `basis` says who counted."""

    documents: Annotated[int, Field(gt=0), SPEED]
    tokens: Annotated[int, Field(gt=0), SPEED]
    basis: Annotated[str, Field(min_length=1), SPEED]


class About(Settings):
    """One entry of the catalogue."""

    publisher: Annotated[str, SPEED]
    region: Annotated[str, SPEED]
    """ISO 3166-1 alpha-2 code, or `world`, `africa`, `americas`, `europe`, ..."""
    audience: Annotated[Literal["clinicians", "patients", "public health", "humanitarian", "mixed"], SPEED]
    setting: Annotated[Literal["limited", "mixed", "high"], SPEED]
    """Resources of the health system that it is written for."""
    languages: Annotated[tuple[str, ...], Field(min_length=1), SPEED]
    lineage: Annotated[str | None, SPEED] = None
    """Its tag in GAP-Replay, when it was one of those 16."""
    redistribution: Annotated[Literal["allowed", "per item", "forbidden", "unknown"], BYTES] = "unknown"
    terms: Annotated[str, SPEED] = ""
    """URL of the terms."""
    canary: Annotated[Canary | None, SPEED] = None
    verified: Annotated[Claims, SPEED] = Claims()
    notes: Annotated[str, SPEED] = ""
