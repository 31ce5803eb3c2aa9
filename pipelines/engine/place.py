"""Where a run lies: a folder, or `s3://bucket/prefix` of a store. The one place that tells them apart.

Both hold the same files under the same names, so a run copied from a store to a folder is a run folder. What opens
files by their path (training, exports, releases) asks for such a copy. The client of the store is imported only when a
run lies there. Not here: how a store is spoken to (`bucket`), and sources that lie in one (`objects`).
"""

import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine.errors import ConfigError

if TYPE_CHECKING:
    from pipelines.engine.lease import RunLease
    from pipelines.engine.lock import RunLock
    from pipelines.engine.s3_disk import S3Disk
    from pipelines.engine.storage import Storage

S3 = "s3://"
_URL = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^/]+)*")


def place_of(out: str | Path) -> str:
    """Return the absolute path of a folder, or the URL of a store. Raises ConfigError for a URL that is none."""
    if not str(out).startswith(S3):
        return str(Path(out).absolute())
    url = str(out).rstrip("/")
    if not _URL.fullmatch(url):
        raise ConfigError("out: a place in a store is written s3://bucket/prefix, without keys, queries or empty parts")
    return url


def local_folder(text: str) -> Path:
    """Return the folder that a command works in. Raises ConfigError for a place in a store, saying how to copy it."""
    if text.startswith(S3):
        raise ConfigError(
            f"{place_of(text)}: this command works in a folder of this machine; for a run in a store, copy it first, "
            f"e.g. aws s3 sync {place_of(text)} FOLDER"
        )
    return Path(text)


def open_place(place: str) -> "Storage":
    """Return the storage of a place that may be written. Raises StorageError when it cannot be made or reached."""
    from pipelines.engine.storage import Storage, local_storage, told

    if not place.startswith(S3):
        return local_storage(Path(place))
    disk = _s3_disk(place)
    with told("opening", place):
        disk.bucket.check()
    return Storage(disk)


def look_into(place: str) -> "Storage":
    """Return the storage of a place that is only read, and may not be there."""
    from pipelines.engine.disk import LocalDisk
    from pipelines.engine.storage import Storage

    return Storage(_s3_disk(place) if place.startswith(S3) else LocalDisk(Path(place)))


def locked(place: str) -> "RunLock | RunLease":
    """Return the lock of a place, to be entered."""
    if place.startswith(S3):
        bucket = _s3_disk(place).bucket
        from pipelines.engine.lease import RunLease

        return RunLease(bucket)
    from pipelines.engine.lock import RunLock

    return RunLock(Path(place))


def drivers_folder(place: str, *names: str) -> AbstractContextManager[Path]:
    """Return the folder of the driver's own files, which are no data; for a run in a store they are copied there."""
    if place.startswith(S3):
        from pipelines.engine.mirror import mirrored

        return mirrored(look_into(place), names)
    return nullcontext(Path(place))


def _s3_disk(place: str) -> "S3Disk":
    try:
        from pipelines.engine.bucket import Bucket
        from pipelines.engine.s3_disk import S3Disk
    except ImportError:
        raise ConfigError(f"{place}: a run in a store needs the extra `s3`: pip install -e '.[s3]'") from None
    return S3Disk(Bucket(place))
