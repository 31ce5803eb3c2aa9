"""What is kept of a visit: its WARC records, what stands beside them, and where an item's bytes are.

A later round keeps bytes only where they changed: a 304, or a page that is the same, becomes a revisit of what stands.
A page that forbids to be kept (noindex) leaves its headers alone. Not here: writing the records to a segment
(`sources.web.crawl`), and their form (`sources.web.warc_write`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.secrets import redact_url
from sources.warc_fields import EVIDENCE, ITEM, KEY, LINK, RENDERED, RESERVED, ROLE, ROUND, VERSION
from sources.web.exchange import Response, header
from sources.web.frontier import Entry, Outcome
from sources.web.store import Stored
from sources.web.visit import Visit
from sources.web.warc_write import Earlier, Pairs, Written, exchange_records, resource_records

DETAIL_CHARS = 300


@dataclass(frozen=True, slots=True)
class Kept:
    """Records in order, what was said beside the last of them, and where the bytes of a kept item are."""

    records: tuple[bytes, ...]
    about: Pairs
    stored: Stored | None = None


def obeyed(entry: Entry, visit: Visit, now: datetime) -> Outcome:
    """Return the outcome of a visit after what the page itself forbids."""
    reserved = visit.reservation
    if visit.outcome.result != "kept" or reserved is None:
        return visit.outcome
    said = "; ".join(reserved.evidence)[:DETAIL_CHARS]
    if entry.link.role == ITEM and reserved.noindex_at(now):
        return Outcome("dropped", "noindex", said)
    if entry.link.role == "index" and reserved.nofollow:
        return Outcome("dropped", "nofollow", said)
    return visit.outcome


def once(entry: Entry, visit: Visit, outcome: Outcome, is_stored: Callable[[str], bool]) -> Outcome:
    """Return an outcome, or that of a second copy: its bytes came in under another link while it was under way."""
    if outcome.result == "kept" and entry.link.role == ITEM and visit.page and is_stored(redact_url(visit.page.url)):
        visit.leads_to = visit.page.url
        return Outcome("dropped", "duplicate_url", f"{visit.page.url[:DETAIL_CHARS]}: another link led there meanwhile")
    return outcome


def kept_of(entry: Entry, visit: Visit, outcome: Outcome, earlier: Stored | None, label: str) -> Kept:
    """Return what is kept of a visit; `earlier` is what earlier rounds have of the item, `label` is the round's."""
    about = _about(entry, visit, outcome, label)
    answer, passing = visit.page, ((ROLE, "passing"), *about)
    if answer is None:
        records = tuple(exchange_records(one, passing).data for one in (*visit.asked, *visit.beside))
        return Kept(records, ((ROLE, "failed"), *about))
    hops = tuple(exchange_records(one, passing).data for one in visit.asked[:-1])
    if outcome.result != "kept":
        told = ((ROLE, outcome.reason), *about)
        closed = (exchange_records(one, told, most_bytes=0).data for one in (visit.asked[-1], *visit.beside))
        return Kept((*hops, *closed), about)
    raw = (visit.asked[-1], *visit.beside) if visit.rendered else ()
    records = (*hops, *(exchange_records(one, passing).data for one in raw))
    still = earlier if earlier and (answer.status == 304 or earlier.sha256 == sha256_bytes(answer.body)) else None
    told = ((ROLE, entry.link.role), *about, *(((VERSION, label),) if earlier and not still else ()))
    standing = Earlier(still.record, still.url, still.date, still.payload) if still else None
    if visit.rendered:
        written = resource_records(answer, ((RENDERED, "yes"), *told), standing)
    else:
        written = exchange_records(answer, told, standing)
    stored = _stored(entry, answer, written, still) if entry.link.role == ITEM else None
    return Kept((*records, written.data), about, stored)


def _stored(entry: Entry, answer: Response, written: Written, still: Stored | None) -> Stored:
    """Return where the bytes of an item are: in what was written now, or in what still stands."""
    etag, modified = header(answer, "etag"), header(answer, "last-modified")
    return Stored(
        known_as=entry.known_as,
        url=redact_url(answer.url),
        record=still.record if still else written.record,
        payload=still.payload if still else written.payload,
        date=still.date if still else written.date,
        sha256=still.sha256 if still else sha256_bytes(answer.body),
        size_bytes=still.size_bytes if still else len(answer.body),
        media_type=still.media_type if still else header(answer, "content-type"),
        etag=etag or (still.etag if still else ""),
        last_modified=modified or (still.last_modified if still else ""),
    )


def _about(entry: Entry, visit: Visit, outcome: Outcome, label: str) -> Pairs:
    """Return what stands beside a page in the WARC, its role apart."""
    reserved = visit.reservation
    return (
        (KEY, redact_url(entry.known_as)),
        (ROUND, label),
        ("outcome", f"{outcome.result} {outcome.reason}".strip()),
        ("robots", visit.robots),
        (RESERVED, "yes" if reserved and reserved.tdm_reserved else "no"),
        *((EVIDENCE, line) for line in (reserved.evidence if reserved else ())),
        *(("hop", f"{one.status} {redact_url(one.url)}") for one in visit.asked[:-1]),
        *((f"{LINK}{name}", value) for name, value in sorted(entry.link.fields.items())),
    )
