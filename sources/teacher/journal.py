"""The journal: every answer that a teacher ever gave, by the key of its request, so that none is paid for twice.

A folder of append-only JSONL segments, one for each writer, created exclusively and never touched again; any number of
writers may share it, and any run. Three kinds of lines: `asked`, written before a request is sent; `failed`, a try
that gave nothing (`paid` says whether it may have been charged); `answer`, the end of a request, whatever its outcome.
What was asked and neither failed nor was answered was in flight when its writer died: those calls may have been
charged, and are listed (`doubts`). A line is in the kernel when `write` returns, so a kill -9 loses none; `sync` makes
it outlive a power cut, and no answer is used before. Segments are read in the order of their numbers and the first
answer for a key stands (any before a failure), so all readers agree. Not here: export (`journal_parquet`), and the
texts of requests.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.engine.disk import Disk, Handle, LocalDisk
from pipelines.engine.storage import told
from sources.teacher.journal_line import read_line, read_lines, written
from sources.teacher.request import FAILURES, Answer

_SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A try whose charge is unknown: `reason` is `killed`, or how it failed; `tokens` is the most it may have cost."""

    key: str
    reason: str
    account: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What an account has used: tokens and money of its answers, and the most of its doubts."""

    tokens: int = 0
    money: float = 0.0


class _Place(NamedTuple):
    """Where an answer lies; of several for one key the least stands, so one that was had beats every failure."""

    is_failure: bool
    segment: str
    start: int
    end: int


class Journal:
    """A folder of segments, open for reading and, from the first write on, for this writer's own segment."""

    def __init__(self, path: Path, disk: Disk | None = None) -> None:
        """Read what is there. Raises CorruptionError for a damaged line, StorageError for an unreadable folder."""
        self.path = path
        self._disk = disk or LocalDisk(path)
        self._places: dict[str, _Place] = {}
        self._read_bytes: dict[str, int] = {}
        self._pending: dict[tuple[str, str], Doubt] = {}
        self._doubts: list[Doubt] = []
        self._spent: dict[str, Spent] = {}
        self._probes: dict[str, dict[str, Any]] = {}
        self._handle: Handle | None = None
        self._name = ""
        self._size_bytes = self._synced_bytes = 0
        self.refresh()

    def __len__(self) -> int:
        """Return the number of requests that have an answer."""
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        """Say whether a request has an answer."""
        return key in self._places

    def is_failure(self, key: str) -> bool:
        """Say whether a request that has an answer got nothing from the model."""
        return self._places[key].is_failure

    def keys(self) -> list[str]:
        """Return the keys that have an answer, sorted."""
        return sorted(self._places)

    def stands(self) -> bool:
        """Say whether all that was read is still there, so that reading on will do."""
        return all((self._disk.size(name) or 0) >= end for name, end in self._read_bytes.items())

    def refresh(self) -> None:
        """Read what other writers have added."""
        with told("reading", str(self.path)):
            for name in self._disk.list(""):
                if name.endswith(_SUFFIX) and name != self._name:
                    self._read_segment(name)

    def answer(self, key: str) -> Answer | None:
        """Return the answer to a request, None when there is none."""
        return next(self.answers([key])) if key in self._places else None

    def answers(self, keys: Iterable[str] | None = None) -> Iterator[Answer]:
        """Yield the answers that stand for the keys, in their order; of all keys, sorted, when none are named."""
        segments: dict[str, memoryview] = {}
        for key in self.keys() if keys is None else keys:
            place = self._places[key]
            segment = segments.get(place.segment)
            if segment is None or len(segment) < place.end:
                with told("reading", place.segment):
                    segment = segments[place.segment] = self._disk.read(place.segment)
            body = read_line(bytes(segment[place.start : place.end]))
            assert body is not None, "it was whole when it was read or written"
            yield Answer(**body["answer"])

    def doubts(self) -> list[Doubt]:
        """Return the tries that may have been charged without giving an answer; calls in flight are among them."""
        return sorted([*self._doubts, *self._pending.values()], key=lambda d: (d.key, d.reason))

    def spent(self, account: str) -> Spent:
        """Return what an account has used, in this process or before; doubts count at their most."""
        known = self._spent.get(account, Spent())
        doubtful = sum(doubt.tokens for doubt in self.doubts() if doubt.account == account)
        return Spent(known.tokens + doubtful, known.money)

    def probe(self, endpoint: str) -> dict[str, Any] | None:
        """Return what is known of an endpoint."""
        return self._probes.get(endpoint)

    def write_asked(self, key: str, account: str, tokens: int) -> None:
        """Tell that a request is about to be sent, which may cost `tokens` at most."""
        self._write({"kind": "asked", "key": key, "account": account, "tokens": tokens})

    def write_failed(self, key: str, reason: str, *, paid: bool) -> None:
        """Tell that the try in flight gave no answer, and whether it may have been charged."""
        self._write({"kind": "failed", "key": key, "reason": reason, "paid": paid})

    def write_answer(self, answer: Answer, account: str) -> None:
        """Keep the end of a request; call `sync` before anybody uses it."""
        self._write({"kind": "answer", "key": answer.key, "account": account, "answer": answer.to_json()})

    def write_probe(self, endpoint: str, found: dict[str, Any]) -> None:
        """Keep what a probe of an endpoint found."""
        self._write({"kind": "probe", "key": endpoint, "found": found})

    def sync(self) -> None:
        """Return when everything written before the call is durable; may be called from another thread."""
        size_bytes = self._size_bytes
        if self._handle is not None and size_bytes > self._synced_bytes:
            with told("syncing", self._name):
                self._handle.sync()
            self._synced_bytes = max(size_bytes, self._synced_bytes)

    def close(self) -> None:
        """Make all durable and close the segment; a later write begins another."""
        self.sync()
        if self._handle is not None:
            with told("closing", self._name):
                self._handle.close()
            self._read_bytes[self._name] = self._size_bytes
            self._handle, self._name = None, ""

    def _read_segment(self, name: str) -> None:
        begin = self._read_bytes.get(name, 0)
        if (self._disk.size(name) or 0) <= begin:
            return
        for line in read_lines(bytes(self._disk.read(name)[begin:]), f"{self.path}/{name}", begin):
            self._take(line.body, name, line.start, line.end)
            self._read_bytes[name] = line.end + 1

    def _write(self, body: dict[str, Any]) -> None:
        line = written(body)
        with told("writing", self._name or str(self.path)):
            if self._handle is None:
                self._open()
            assert self._handle is not None
            self._handle.write(line)
        start, self._size_bytes = self._size_bytes, self._size_bytes + len(line)
        self._take(body, self._name, start, self._size_bytes - 1)

    def _open(self) -> None:
        """Create a segment of our own, with the next number that nobody else takes."""
        names = [name for name in self._disk.list("") if name.endswith(_SUFFIX)]
        number = max((int(name.removesuffix(_SUFFIX)) for name in names), default=-1) + 1
        while self._handle is None:
            self._name = f"{number:06d}{_SUFFIX}"
            try:
                self._handle = self._disk.open_new(self._name)
            except FileExistsError:
                number += 1
        self._disk.sync_folder("")
        self._size_bytes = self._synced_bytes = 0

    def _take(self, body: dict[str, Any], name: str, start: int, end: int) -> None:
        """Bring the index to where this line leaves it."""
        kind, key = body["kind"], body["key"]
        if kind == "asked":
            self._pending[name, key] = Doubt(key, "killed", body["account"], body["tokens"])
        elif kind == "failed":
            asked = self._pending.pop((name, key))
            if body["paid"]:
                self._doubts.append(Doubt(key, body["reason"], asked.account, asked.tokens))
        elif kind == "answer":
            self._pending.pop((name, key), None)
            self._take_answer(body, _Place(body["answer"]["outcome"] in FAILURES, name, start, end))
        elif kind == "probe":
            self._probes[key] = body["found"]

    def _take_answer(self, body: dict[str, Any], place: "_Place") -> None:
        self._places[body["key"]] = min(place, self._places.get(body["key"], place))
        answer, before = body["answer"], self._spent.get(body["account"], Spent())
        tokens = answer["prompt_tokens"] + answer["completion_tokens"]
        self._spent[body["account"]] = Spent(before.tokens + tokens, before.money + answer["cost"])
