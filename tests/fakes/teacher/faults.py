"""Twelve ways in which a chat endpoint goes wrong, drawn by seed for each try, and what each does to the exchange.

`completed` says whether the model computed an answer (and would charge for it) before the fault showed.
"""

from dataclasses import dataclass
from typing import Literal

from pipelines.engine.hashing import derive_seed

How = Literal["status", "close", "cut", "drip", "finish", "body"]


@dataclass(frozen=True)
class Fault:
    """`how` chooses what is done; the other fields say with what."""

    how: How
    completed: bool
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""


FAULTS = {
    "rate_limited": Fault("status", False, 429, (("Retry-After", "0"),), "slow down"),
    "overloaded": Fault("status", False, 503, text="no slot"),
    "server_error": Fault("status", False, 500, text="worker died"),
    "bad_gateway": Fault("status", True, 502, text="upstream went away"),
    "hang_up": Fault("close", False),
    "cut": Fault("cut", True),
    "slow": Fault("drip", True),
    "malformed": Fault("body", True, text='{"choices": [{"mess'),
    "truncated": Fault("finish", True, text="length"),
    "refused": Fault("finish", True, text="content_filter"),
    "bad_request": Fault("status", False, 400, text="context too long"),
    "other_model": Fault("body", True),
}
NAMES = tuple(FAULTS)


def draw(seed: int, rate: float, key: str, tries: int) -> str | None:
    """Return the fault of this try at this key, None for a whole answer."""
    if derive_seed("fault", seed, key, tries) / 2**63 >= rate:
        return None
    return NAMES[derive_seed("which", seed, key, tries) % len(NAMES)]
