"""What is known of every link of one source in one round: pending, handed out, or settled with its outcome.

Pure bookkeeping: no time, no network, no files. A link is known by its URL and role; entries are numbered in the order
in which they were found, and that order alone decides what comes next, listings before items until `max_items` are in
sight. Every entry ends as kept, dropped or quarantined, so that the counts of a crawl add up. Not here: which spelling
of a URL is the same as another (`sources.web.visit`), and how the numbers survive a crash (`sources.web.store`).
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from sources.web.link import Link

Result = Literal["kept", "dropped", "quarantined"]
MAX_ITEMS = "max_items"
"""Why links stay unvisited when a source stops after so many items."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a link; `reason` is empty for what is kept."""

    result: Result
    reason: str = ""
    detail: str = ""


@dataclass(slots=True)
class Entry:
    """One distinct link and its place in the order of discovery; `outcome` is None until it is settled."""

    number: int
    link: Link
    host: str
    known_as: str
    is_open: bool = False
    outcome: Outcome | None = None


@dataclass(slots=True)
class _Queue:
    """The entries of one host by role, in order of discovery; settled ones are passed over when they come up."""

    indexes: deque[Entry] = field(default_factory=deque)
    items: deque[Entry] = field(default_factory=deque)


class Frontier:
    """All links of one source in one round."""

    def __init__(self, max_items: int | None = None) -> None:
        self.entries: list[Entry] = []
        self.kept_items = 0
        self._max_items = max_items
        self._waiting_items = 0
        self._open_items = 0
        self._known: set[tuple[str, str]] = set()
        self._queues: dict[str, _Queue] = {}
        self._stored: set[str] = set()

    def add(self, link: Link, host: str, known_as: str) -> Entry | None:
        """Take a link under the URL it is known by; None when it is known already."""
        if (known_as, link.role) in self._known:
            return None
        self._known.add((known_as, link.role))
        entry = Entry(len(self.entries), link, host, known_as)
        self.entries.append(entry)
        queue = self._queues.setdefault(host, _Queue())
        (queue.items if link.role == "item" else queue.indexes).append(entry)
        self._waiting_items += link.role == "item"
        return entry

    def next(self, host: str) -> Entry | None:
        """Hand out the entry of a host whose turn it is; None when there is none now."""
        queue = self._ready(host)
        if queue is None:
            return None
        entry = queue.popleft()
        entry.is_open = True
        if entry.link.role == "item":
            self._waiting_items -= 1
            self._open_items += 1
        return entry

    def put_back(self, entry: Entry) -> None:
        """Take back an entry that was handed out and could not be visited now; it is the first of its host again."""
        queue = self._queues[entry.host]
        (queue.items if entry.link.role == "item" else queue.indexes).appendleft(entry)
        entry.is_open = False
        if entry.link.role == "item":
            self._open_items -= 1
            self._waiting_items += 1

    def reopen(self, entry: Entry) -> None:
        """Let a failed link wait again; only while nothing was handed out yet, so that it keeps its place."""
        entry.outcome = None
        self._waiting_items += entry.link.role == "item"

    def hosts(self) -> Iterator[str]:
        """Yield the hosts that have an entry to hand out now, in the order in which they were found."""
        yield from (host for host in self._queues if self._ready(host) is not None)

    def settle(self, entry: Entry, outcome: Outcome, stored_url: str = "") -> None:
        """Note what became of an entry; `stored_url` is the address whose bytes were stored for it."""
        if entry.link.role == "item":
            self._open_items -= entry.is_open
            self._waiting_items -= not entry.is_open
            self.kept_items += outcome.result == "kept"
            if outcome.result == "kept":
                self._stored |= {entry.known_as, stored_url}
        entry.is_open = False
        entry.outcome = outcome

    def is_stored(self, known_as: str) -> bool:
        """Say whether an item's bytes came from this address."""
        return known_as in self._stored

    def unsettled(self) -> list[Entry]:
        """Return the entries without an outcome, in order."""
        return [entry for entry in self.entries if entry.outcome is None]

    def _ready(self, host: str) -> deque[Entry] | None:
        """Return the queue of a host whose first entry may be handed out now."""
        queue = self._queues.get(host)
        if queue is None:
            return None
        for waiting in (queue.indexes, queue.items):
            while waiting and waiting[0].outcome is not None:
                waiting.popleft()
        taken = self.kept_items + self._open_items
        if queue.indexes and (self._max_items is None or taken + self._waiting_items < self._max_items):
            return queue.indexes
        return queue.items if queue.items and (self._max_items is None or taken < self._max_items) else None
