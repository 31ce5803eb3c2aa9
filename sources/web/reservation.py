"""What a page and its site reserve: every signal read, the strictest obeyed, all kept as evidence.

| signal                                              | where                   | what follows                   |
|-----------------------------------------------------|-------------------------|--------------------------------|
| `tdm-reservation: 1`                                | header, meta, tdmrep    | reserved                       |
| `tdm-reservation` of 0 or any other value           | the same                | recorded                       |
| `tdm-policy`                                        | the same                | recorded                       |
| `noai`, `noml`                                      | tag, robots meta        | reserved                       |
| the page, its file type or training is disallowed   | ai.txt                  | reserved                       |
| `ai-train=no`, `train-ai=n`, `tdm=n`, `ai=n`, ...   | usage header or line    | reserved                       |
| `DisallowAITraining` of the page                    | robots.txt              | reserved                       |
| `noindex`, `none`                                   | tag, robots meta        | not stored                     |
| `unavailable_after`, once its date is over          | tag, robots meta        | not stored (`noindex_at`)      |
| `nofollow`, `none`                                  | tag, robots meta        | links of the page not followed |
| `noarchive`, `nosnippet`, `noimageai`, `max-...`    | tag, robots meta        | recorded: no copies, snippets  |
|                                                     |                         | or pictures are shown here     |
| any of these to another agent                       | tag, meta, usage line   | recorded                       |
| the page is shut to a known AI agent, not to us     | robots.txt, ai.txt      | recorded                       |

The tag is the header `X-Robots-Tag`; usage is Content-Signal or Content-Usage, as header or as line of robots.txt.
Reserved means `Rights.tdm_reserved`, which no profile passes over. TDMRep lets a page take back what its site reserves;
here a 0 never undoes a 1, as unknown means no. Not here: fetching the site's files, and robots rules for fetching.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sources.web.opt_out import ai_txt_signals, robots_txt_signals, tdmrep_signals
from sources.web.page_meta import metas
from sources.web.signal import PRODUCT, Signal, robots_signals, tdm_signals, usage_signals

_TDM = frozenset({"tdm-reservation", "tdm-policy"})

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What must be obeyed, and the words that say so (also those that nothing follows from), sorted by where."""

    tdm_reserved: bool = False
    noindex: bool = False
    nofollow: bool = False
    unavailable_after: datetime | None = None
    evidence: tuple[str, ...] = ()

    def noindex_at(self, now: datetime) -> bool:
        """Say whether the page must not be stored at `now`: `noindex`, or past its last day."""
        return self.noindex or (self.unavailable_after is not None and self.unavailable_after <= now)


def signals(
    response_headers: Headers,
    body_head: bytes,
    robots_body: bytes | None,
    tdmrep: bytes | None,
    ai_txt: bytes | None,
    url: str,
) -> Reservation:
    """Return what `url` reserves, by its answer and the three files of its site (None or empty where there is none)."""
    pairs = response_headers.items() if isinstance(response_headers, Mapping) else response_headers
    headers = [(name.strip().lower(), value) for name, value in pairs]
    media_type = next((value.lower() for name, value in headers if name == "content-type"), "")
    found = [*_header_signals(headers)]
    if not media_type or "html" in media_type or "xml" in media_type:
        found += _meta_signals(body_head)
    found += tdmrep_signals(tdmrep, str(url))
    found += ai_txt_signals(ai_txt, str(url), media_type)
    found += robots_txt_signals(robots_body, str(url))
    return Reservation(
        tdm_reserved=any(signal.effect == "reserved" for signal in found),
        noindex=any(signal.effect == "noindex" for signal in found),
        nofollow=any(signal.effect == "nofollow" for signal in found),
        unavailable_after=min((signal.ends for signal in found if signal.ends), default=None),
        evidence=tuple(dict.fromkeys(signal.evidence for signal in found)),
    )


def _header_signals(headers: list[tuple[str, str]]) -> Iterator[Signal]:
    for name, value in headers:
        if name in _TDM:
            yield from tdm_signals("header", name, value)
        elif name == "x-robots-tag":
            yield from robots_signals("x-robots-tag", value)
        elif name in ("content-signal", "content-usage"):
            yield from usage_signals(f"header {name}:", value)


def _meta_signals(body_head: bytes) -> Iterator[Signal]:
    for name, value in metas(body_head):
        if name in _TDM:
            yield from tdm_signals("meta", name, value)
        elif name in ("robots", "x-robots-tag", PRODUCT):
            yield from robots_signals(f"meta {name}:", value)
        elif name.endswith(("bot", "-news", "slurp")):
            yield from robots_signals("meta", value, agent=name)
