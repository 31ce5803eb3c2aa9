"""What comes out of a container: an `Item`, within `Limits`.

The readers of the single containers (`archive_tar`, `archive_zip`, `warc`, `europe_pmc`, `archive_lines`) share
these two and nothing else. The limits guard the machine against hostile input; they are wide enough for every
real bundle that we know. Not here: opening anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Item:
    """Raw bytes as found, decompressed: `key` is the path in the source's folder, or `archive!member`."""

    key: str
    body: bytes
    url: str | None = None
    retrieved: str | None = None
    """When it was fetched, only if the container says so (WARC-Date)."""
    media_type: str | None = None
    """Lower-case type, with `; charset=...` when a header declared one; None when unknown."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What our own crawl wrote beside it (`sources.warc_fields`); empty for all else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where reading stops; all of them act while decompressing, before the memory is spent."""

    max_item_bytes: int = 512 << 20
    max_members: int = 2_000_000
    """A baseline bundle of PMC holds tens to hundreds of thousands of articles."""
    max_ratio: int = 200
    """Decompressed over compressed bytes, of a whole stream; looked at after `ratio_floor_bytes`."""
    ratio_floor_bytes: int = 64 << 20
    block_bytes: int = 8 << 20
    """Size at which a block of JSON lines is closed. It decides item keys, so it is part of a plan."""
