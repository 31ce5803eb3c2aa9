"""The crawl store of one source: numbered segments, each a WARC file and a sealed list of what it settled.

The WARC file is committed first and the sealed list published last, so a segment is there whole or not at all, and a
kill costs what was fetched since the last one. Readers trust the sealed lists alone, all of them from 0. A crawl goes
on by replaying them. Segments carry the label of their round (the source's `release`): a later round adds to the store
and never rewrites it. Not here: what may be fetched, and what is in a WARC record (`sources.web.warc_write`).
"""

import base64
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.engine.errors import CorruptionError
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import STAGING, Storage
from sources.web.frontier import Entry, Frontier, Outcome
from sources.web.link import Link

FORMAT = 1
Segments = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Stored:
    """The bytes that a link led to: final address, WARC record, digests, and what a conditional request needs."""

    known_as: str
    url: str
    record: str
    payload: str
    date: str
    sha256: str
    size_bytes: int
    media_type: str
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """An answer about a whole host (robots.txt and the like) with its date, kept so that a resumed crawl need not ask
    again within the day."""

    url: str
    status: int
    date: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def read_segments(storage: Storage, source: str) -> Segments:
    """Return the sealed lists of a source in order. Raises CorruptionError, also when one of them is missing."""
    segments: Segments = []
    paths = [path for path in storage.list(f"{source}/segments") if STAGING not in path]
    for number in range(len(paths)):
        path = _sealed_path(source, number)
        body = storage.read_sealed(path)
        if body is None:
            raise CorruptionError(
                f"{path}: missing, though later ones are there; restore it, or move all from it on away"
            )
        expected = {"format": FORMAT, "source": source, "number": number}
        if any(body.get(name) != value for name, value in expected.items()):
            raise CorruptionError(
                f"{path}: holds another list than its name says, or one that another version of medmix wrote; move the "
                "folder away and fetch again"
            )
        segments.append(body)
    return segments


def sweep(storage: Storage, source: str, segments: Segments) -> None:
    """Remove what a killed crawl left beside its segments; only who holds the store's lock may."""
    listed = {file_of(body).path for body in segments}
    left = [path for path in storage.list(f"{source}/warc") if path not in listed]
    for path in left + [path for path in storage.list(f"{source}/segments") if STAGING in path]:
        storage.remove(path)


def last_totals(storage: Storage, source: str) -> Mapping[str, int]:
    """Return the counts in the last sealed list, zeros when there is none; the lists before it are not read."""
    sealed = [path for path in storage.list(f"{source}/segments") if STAGING not in path]
    body = storage.read_sealed(sealed[-1]) if sealed else None
    return body["totals"] if body else {"links": 0, "settled": 0, "items": 0}


def replay(segments: Segments, label: str, frontier: Frontier) -> None:
    """Bring a frontier to where the sealed segments of a round left it."""
    for body in _of_round(segments, label):
        for found in body["found"]:
            link = Link(url=found["url"], role=found["role"], step=found["step"], fields=found["fields"])
            frontier.add(link, found["host"], found["known_as"])
        for settled in body["settled"]:
            outcome = Outcome(settled["result"], settled["reason"], settled["detail"])
            entry, stored = frontier.entries[settled["entry"]], settled.get("stored") or {}
            if entry.outcome is not None:  # it had failed, and was tried again
                frontier.reopen(entry)
            frontier.settle(entry, outcome, stored.get("url", ""))


def settings_of(segments: Segments, label: str) -> str | None:
    """Return the digest of the settings under which a round was begun, None when there is no such round."""
    return next((str(body["settings"]) for body in _of_round(segments, label)), None)


def is_done(segments: Segments, label: str, max_items: int | None = None) -> bool:
    """Say whether the round of this label came to its end, or to a limit of items that is no lower than this one."""
    last = next((body for body in reversed(segments) if body["round"] == label), None)
    if last is None or not last["done"]:
        return False
    limit = last["max_items"]
    return limit is None or (max_items is not None and max_items <= limit)


def failed(segments: Segments, label: str, reasons: Collection[str]) -> list[int]:
    """Return the numbers of a round's links whose last outcome is a failure for one of `reasons`, in order."""
    last = {one["entry"]: one for body in _of_round(segments, label) for one in body["settled"]}
    return sorted(n for n, one in last.items() if one["result"] == "quarantined" and one["reason"] in reasons)


def up_to(segments: Segments, label: str) -> Segments:
    """Return the segments of a round and of those that were begun before it; none when there is no such round."""
    labels = list(dict.fromkeys(body["round"] for body in segments))
    before = set(labels[: labels.index(label) + 1]) if label in labels else set()
    return [body for body in segments if body["round"] in before]


def stored_items(segments: Segments) -> dict[str, Stored]:
    """Return what is stored of each item by the name it is known by: the latest bytes of its address, whichever link
    brought them."""
    found = [Stored(**one["stored"]) for body in segments for one in body["settled"] if one.get("stored")]
    latest = {stored.url: stored for stored in found}
    return {stored.known_as: latest[stored.url] for stored in found}


def before(segments: Segments, label: str) -> Segments:
    """Return the segments of the rounds that were begun before the one of this label, or all when it is new."""
    return [body for body in up_to(segments, label) or segments if body["round"] != label]


def policies(segments: Segments) -> dict[str, Policy]:
    """Return the last answer of each policy address."""
    found: dict[str, Policy] = {}
    for one in (one for body in segments for one in body["policies"]):
        headers = tuple((name, value) for name, value in one["headers"])
        found[one["url"]] = Policy(one["url"], one["status"], one["date"], headers, base64.b64decode(one["body"]))
    return found


def file_of(body: Mapping[str, Any]) -> FileRef:
    """Return the WARC file of a segment."""
    return FileRef(**body["file"])


def _of_round(segments: Segments, label: str) -> Iterable[dict[str, Any]]:
    return (body for body in segments if body["round"] == label)


def _sealed_path(source: str, number: int) -> str:
    return f"{source}/segments/{number:06d}.json"


class OpenSegment:
    """The segment being written: it exists for nobody until `seal`."""

    def __init__(self, storage: Storage, source: str, number: int, facts: Mapping[str, Any]) -> None:
        """`facts` hold what all segments of a round share: `round` (its label), `settings` and `max_items`."""
        self.responses = 0
        self.name = f"{source}-{number:06d}"
        self._storage = storage
        self._staged = storage.create(f"{source}/warc")
        self._is_committed = False
        self._body: dict[str, Any] = {"format": FORMAT, "source": source, "number": number, **facts}
        self._found: list[dict[str, Any]] = []
        self._settled: list[dict[str, Any]] = []
        self._policies: list[dict[str, Any]] = []

    @property
    def size_bytes(self) -> int:
        """Return the bytes written so far."""
        return self._staged.size_bytes

    @property
    def is_empty(self) -> bool:
        """Say whether nothing would be lost without this segment."""
        return not (self._found or self._settled or self._policies)

    def append(self, records: bytes) -> None:
        """Add the records of one exchange."""
        self.responses += 1
        self._staged.write(records)

    def header(self, record: bytes) -> None:
        """Write the record that opens the file."""
        self._staged.write(record)

    def found(self, entry: Entry) -> None:
        """List a link that was found."""
        own = {"url": entry.link.url, "role": entry.link.role, "step": entry.link.step, "fields": entry.link.fields}
        self._found.append({**own, "host": entry.host, "known_as": entry.known_as})

    def settled(self, entry: Entry, stored: Stored | None, leads_to: str = "") -> None:
        """List what became of a link, and where its bytes are, or at which address another link had found them."""
        assert entry.outcome is not None
        kept = {"stored": asdict(stored)} if stored else {"leads_to": leads_to} if leads_to else {}
        self._settled.append({"entry": entry.number, **asdict(entry.outcome), **kept})

    def policy(self, policy: Policy) -> None:
        """Keep an answer about a whole host."""
        headers = [list(pair) for pair in policy.headers]
        body = base64.b64encode(policy.body).decode()
        self._policies.append({**asdict(policy), "headers": headers, "body": body})

    def seal(self, totals: Mapping[str, int], *, done: bool) -> None:
        """Commit the WARC file and then publish the list that makes it count. Raises StorageError."""
        ref = self._staged.commit(self.name, "warc.gz")
        self._is_committed = True
        body = {
            **self._body,
            "file": asdict(ref),
            "found": self._found,
            "settled": self._settled,
            "policies": self._policies,
            "totals": dict(totals),
            "done": done,
        }
        self._storage.publish_sealed(_sealed_path(self._body["source"], self._body["number"]), body)

    def abandon(self) -> None:
        """Take back the staging file, if it is still one."""
        if not self._is_committed:
            self._staged.abandon()
