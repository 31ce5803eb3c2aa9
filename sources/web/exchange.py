"""One request and what came of it: an answer whole and unchanged, or a refusal with one reason of a closed set.

There is no third case. A body that is shorter or longer than announced, cut inside its compression, or larger than a
limit is refused, because half a guideline reads like a whole one. `raw` is what the server sent, `body` what it meant;
WARC keeps the first, parsers read the second. Nothing here touches the network (`sources.web.fetch` does).
"""

from dataclasses import dataclass
from datetime import datetime

FETCH_REASONS = frozenset(
    {
        "address_not_global",
        "bad_encoding",
        "connect_failed",
        "connect_timeout",
        "dns_failed",
        "header_flood",
        "no_response",
        "protocol_error",
        "ratio",
        "reset",
        "tls_failed",
        "too_large",
        "too_large_decoded",
        "too_slow",
        "total_timeout",
        "wrong_length",
    }
)
"""Why one exchange can fail."""


class Refusal(Exception):
    """Something from the web is not accepted: `reason` is one word of a closed set, `detail` says what was measured."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """How much of anything one server may take."""

    connect_s: float = 10
    """For the look-up, again for TCP, and again for TLS."""
    total_s: float = 60
    window_s: float = 20
    least_rate_bytes_s: float = 512
    """Average over each window, from the first byte on."""
    close_s: float = 1
    """How long to watch for bytes beyond the announced length."""
    header_count: int = 128
    header_bytes: int = 64 << 10
    wire_bytes: int = 50 << 20
    decoded_bytes: int = 200 << 20
    ratio: int = 200
    """Decoded to received bytes; holds once `ratio_after_bytes` are decoded."""
    ratio_after_bytes: int = 1 << 20
    encodings: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole answer of any status; redirects are answers too."""

    url: str
    status: int
    reason: str
    http_version: str
    """"HTTP/1.1" or "HTTP/1.0"."""
    headers: tuple[tuple[str, str], ...]
    """In order, names as sent; bytes read as Latin-1, so that they can be written back."""
    raw: bytes
    """The body as received, under its content encodings (chunk framing removed)."""
    body: bytes
    address: str
    """The address that was checked and connected to."""
    started: datetime
    sent: tuple[tuple[str, str], ...] = ()
    """All header fields of the request, in order."""


def header(answer: Response, name: str) -> str:
    """Return the first value of a header (its name in lower case), empty when it is not there."""
    return next((value for key, value in answer.headers if key.lower() == name), "")


def location(answer: Response) -> str:
    """Return where a redirect points to, as it was meant: servers write names outside ASCII as bare UTF-8."""
    written = header(answer, "location")
    try:
        return written.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return written


@dataclass(frozen=True, slots=True)
class Refused:
    """No answer; `reason` is one of `FETCH_REASONS`."""

    url: str
    reason: str
    detail: str
