"""One driver per run on a store: the owner record of `lock` as one object, which only conditional puts may change.

It is made where none stands, and renewed or taken over only in the version that was last seen, so the store decides
between two drivers. By the clock of the store, a renewal younger than a minute refuses; an older one is taken over with
a notice, and at once the one of a process of this machine that is no more (after `kill -9`). As with folders there is
no fencing: commits are write-once, so the worst is work done twice.
"""

import errno
import io
import json
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipelines.engine.bucket import ABSENT, Bucket, Found
from pipelines.engine.errors import LockedError, StorageError
from pipelines.engine.lock import HEARTBEAT_S, OWNER, STALE_S, described, owner_record, process_start, this_machine
from pipelines.engine.storage import told

_PROCESSES = Path("/proc/self/ns/pid")


class RunLease:
    """Context manager that holds the run in `bucket` for this process; `owner` says for whom, in words.

    Raises LockedError at once when another driver holds it, and StorageError when the store cannot be used or takes no
    conditions. `notice` is empty, or says whose lease was taken over. `machine` is for tests.
    """

    def __init__(self, bucket: Bucket, owner: str | None = None, *, machine: str | None = None) -> None:
        self.notice = ""
        self._bucket = bucket
        self._machine = machine or _this_machine()
        self._record = {**owner_record(owner, self._machine, time.time()), "lease": uuid.uuid4().hex}
        self._etag = ""
        self._stop = threading.Event()
        self._heart: threading.Thread

    def __enter__(self) -> "RunLease":
        with told("locking", self._bucket.url):
            self._acquire()
        self._stop.clear()
        self._heart = threading.Thread(target=self._keep_beating, name="run-lease-heartbeat", daemon=True)
        self._heart.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._heart.join()
        with suppress(OSError):  # what cannot be given back grows stale
            if self._is_ours(self._standing()):
                self._bucket.delete(OWNER)

    def check(self) -> None:
        """Raise LockedError when another driver took the lease over (this one was stopped for over a minute)."""
        found = self._standing()
        if found and not self._is_ours(found):
            raise self._refusal(found, "took this run over while this process was stopped; let it finish")

    def beat(self) -> None:
        """Renew the lease, unless another owner has taken over. Raises OSError."""
        try:
            self._etag = self._put(IfMatch=self._etag)
        except (FileExistsError, FileNotFoundError):
            found = self._standing()  # an answer that was lost on its way looks the same
            self._etag = found.etag if found and self._is_ours(found) else self._etag

    def _acquire(self) -> None:
        for _ in range(2):  # the holder may give it back while we look
            try:
                self._etag = self._put(**ABSENT)
                return self._prove()
            except FileExistsError:
                found = self._standing()
            if found:
                return self._take_over(found)
        raise OSError(errno.EBUSY, "the lease comes and goes", OWNER)

    def _take_over(self, found: Found) -> None:
        record = _record(found)
        if self._is_ours(found):
            self._etag = found.etag
            return
        if found.age_s < STALE_S and not self._is_gone(record):
            advice = f"stop it there; if that machine is gone, run again {STALE_S:.0f} s after its last heartbeat"
            raise self._refusal(found, advice)
        try:
            self._etag = self._put(IfMatch=found.etag)
        except (FileExistsError, FileNotFoundError):
            raise self._refusal(self._standing() or found, "it was quicker; wait until it ends") from None
        self.notice = f"{self._bucket.url}: took over a stale lease, was {described(record, found.age_s)}"

    def _prove(self) -> None:
        """Raise StorageError when the store puts over what stands, whatever was asked: it could not keep us apart."""
        try:
            self._put(**ABSENT)
        except FileExistsError:
            return
        raise StorageError(
            f"{self._bucket.url}: the store ignores conditions (If-None-Match), so it cannot keep two drivers apart "
            "nor finished shards safe; choose another store or a folder"
        )

    def _put(self, **condition: str) -> str:
        return self._bucket.put(OWNER, io.BytesIO(json.dumps(self._record).encode()), **condition)

    def _keep_beating(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            with suppress(OSError):  # the store may be back before the lease is stale
                self.beat()

    def _standing(self) -> Found | None:
        try:
            return self._bucket.get(OWNER)
        except FileNotFoundError:
            return None

    def _is_ours(self, found: Found | None) -> bool:
        return found is not None and _record(found).get("lease") == self._record["lease"]

    def _is_gone(self, record: dict[str, Any]) -> bool:
        """Say whether the owner was a process of this machine that is no more."""
        here = record.get("machine") == self._machine
        return here and process_start(str(record.get("pid"))) != record.get("process_start")

    def _refusal(self, found: Found, advice: str) -> LockedError:
        return LockedError(f"{self._bucket.url} is {described(_record(found), found.age_s)}; {advice}")


def _record(found: Found) -> dict[str, Any]:
    """Return the owner record; empty when it is none."""
    try:
        record = json.loads(found.body)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _this_machine() -> str:
    """Return what tells machines apart, and containers of one machine too, which do not see each other's processes."""
    return f"{this_machine()} {_PROCESSES.readlink() if _PROCESSES.exists() else ''}"
