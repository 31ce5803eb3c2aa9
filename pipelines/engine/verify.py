"""Reads back everything that a run committed and says what is wrong: what `medmix verify` and its `--sweep` do.

Every manifest and record is unsealed, every listed file is read and hashed, Parquet rows are counted, and the
conservation law is checked within shards and between stages. Files that nothing lists are problems (a reader would
never open them, so somebody put them there); what dead writers left unfinished are orphans; finished shards that no
current manifest uses are superseded. Only the last two may be swept. Not here: run-level files (plan, reports, lock).
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.errors import CorruptionError
from pipelines.engine.hashing import canonical_json
from pipelines.engine.law import account_faults, chain_faults
from pipelines.engine.manifest import Manifest, ShardRecord, manifest_of, record_of, record_path
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import STAGING, Storage, as_buffer

ROOT = "stages"
_MANIFEST = re.compile(rf"{ROOT}/[^/]+/manifest-[0-9a-f]{{16}}\.json")
_NAMED = re.compile(r"([^/]+-)[0-9a-f]{12}(?![^/])")
CARD = "README.md"
_RECORD = re.compile(rf"{ROOT}/[^/]+/records/[^/]+\.json")


@dataclass(slots=True)
class Verdict:
    """What was found. `problems` are sentences, `orphans` and `superseded` are paths that a sweep would remove."""

    problems: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    checked_files: int = 0
    checked_bytes: int = 0


@dataclass(slots=True)
class _Run:
    """All that the lists of a run folder say, by path; `unreadable` are lists that say nothing any more."""

    manifests: dict[str, Manifest] = field(default_factory=dict)
    records: dict[str, ShardRecord] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def verify(storage: Storage, current: Collection[str] | None = None) -> Verdict:
    """Read everything under `stages/` and return the verdict; `current` names the manifests in use (default: all).

    Only who knows the plan can name a lost manifest that nothing else was built on, so pass `current` when it is known.
    """
    verdict = Verdict()
    run = _read_lists(storage, verdict)
    lost = set(current or ()) - run.manifests.keys() - set(run.unreadable)
    verdict.problems += [f"{path}: missing, though the plan needs it; run again" for path in sorted(lost)]
    _check_lists(run, verdict)
    listed = _refs(run.records.values()) + [ref for one in run.manifests.values() for ref in _refs(one.shards)]
    _read_homes(storage, {ref.path for ref in listed if not ref.path.startswith(f"{ROOT}/")}, run, verdict)
    for ref in sorted(set(listed), key=lambda ref: (ref.path, ref.sha256, ref.rows)):
        _check_file(storage, ref, verdict)
    _sort_extra(run, set(run.others) - {ref.path for ref in listed}, verdict)
    verdict.superseded = _superseded(run, current)
    return verdict


def sweep(storage: Storage, verdict: Verdict) -> None:
    """Remove what the verdict calls orphans and superseded: lists first, so that no list ever names a missing file."""
    paths = [*verdict.orphans, *verdict.superseded]
    lists = [path for path in paths if _MANIFEST.fullmatch(path) or _RECORD.fullmatch(path)]
    for path in sorted(lists):
        storage.remove(path)
    for folder in sorted({path.rpartition("/")[0] for path in lists}):
        storage.sync_folder(folder)
    for path in sorted(set(paths) - set(lists)):
        storage.remove(path)


def _read_lists(storage: Storage, verdict: Verdict) -> _Run:
    run = _Run()
    for path in storage.list(ROOT):
        if path.rpartition("/")[2].startswith(STAGING):
            verdict.orphans.append(path)
        elif not (_MANIFEST.fullmatch(path) or _RECORD.fullmatch(path)):
            run.others.append(path)
        elif not _read_list(storage, path, run, verdict):
            run.unreadable.append(path)
    return run


def _read_homes(storage: Storage, listed: Collection[str], run: _Run, verdict: Verdict) -> None:
    """Look for strangers among results kept outside `stages/`; a card (README.md) is none.

    All of a top folder that holds results is ours, and so is one that differs only in the 12 digits at its end.
    """
    tops = {path.partition("/")[0] for path in listed}
    stems = {found[1] for top in tops if (found := _NAMED.fullmatch(top))}
    here = {path for path in storage.list(".") if (found := _NAMED.match(path)) and found[1] in stems}
    here |= {path for top in tops for path in storage.list(top)}
    names = {path: PurePosixPath(path).name for path in here}
    verdict.orphans += sorted(path for path in here if names[path].startswith(STAGING))
    run.others += sorted(path for path in here if not names[path].startswith((STAGING, CARD)))


def _read_list(storage: Storage, path: str, run: _Run, verdict: Verdict) -> bool:
    """Read a manifest or a record into `run`; say whether it could be trusted."""
    try:
        body = storage.read_sealed(path) or {}
        if _RECORD.fullmatch(path):
            run.records[path] = record_of(path, body)
        else:
            run.manifests[path] = manifest_of(path, body)
    except CorruptionError as error:
        verdict.problems.append(str(error))
        return False
    verdict.checked_files += 1
    verdict.checked_bytes += storage.size(path) or 0
    if path in run.manifests and canonical_json(body["ledger"]) != canonical_json(run.manifests[path].ledger.to_json()):
        verdict.problems.append(f"{path}: its ledger is not the sum of its shards")
    return True


def _check_lists(run: _Run, verdict: Verdict) -> None:
    known = {manifest.digest: manifest for manifest in run.manifests.values()}
    for path, manifest in run.manifests.items():
        verdict.problems += [f"{path}: {fault}" for fault in account_faults(manifest)]
        verdict.problems += [f"{path}: {fault}" for fault in chain_faults(manifest, known)]
        for shard in manifest.shards:
            where = record_path(manifest.folder, shard.shard, shard.key)
            record = run.records.get(where)
            if record is None and where not in run.unreadable:
                verdict.problems.append(f"{where}: listed in {path} but missing")
            elif record is not None and canonical_json(record.to_json()) != canonical_json(shard.to_json()):
                verdict.problems.append(f"{where}: differs from what {path} says of the shard")


def _check_file(storage: Storage, ref: FileRef, verdict: Verdict) -> None:
    """Read one listed file: size, digest and, for Parquet, pages and rows."""
    verdict.checked_files += 1
    verdict.checked_bytes += ref.size_bytes
    try:
        data = storage.read(ref)
    except CorruptionError as error:
        verdict.problems.append(str(error))
        return
    if ref.path.endswith(".parquet"):
        rows = pq.ParquetFile(pa.BufferReader(as_buffer(data))).metadata.num_rows
        if rows != ref.rows:
            verdict.problems.append(f"{ref.path}: {rows} rows, but its record says {ref.rows}")


def _sort_extra(run: _Run, extra: Collection[str], verdict: Verdict) -> None:
    """An unlisted file beside what a manifest lists is a problem; where a stage was interrupted it is an orphan."""
    whole = {_folder(ref.path) for one in run.manifests.values() for ref in _refs(one.shards)}
    whole |= {_folder(path) for path in (*run.manifests, *run.unreadable)}
    begun = {path for path in extra if _folder(path) not in whole and (path.startswith(f"{ROOT}/") or _is_named(path))}
    verdict.orphans += sorted(begun)
    verdict.problems += [
        f"{path}: no manifest or record lists it; it was put there, or a changed run was interrupted: remove it"
        for path in sorted(set(extra) - begun)
    ]


def _is_named(path: str) -> bool:
    """Say whether a file lies in a folder of results that is named by what decided them."""
    return any(_NAMED.fullmatch(part) for part in path.split("/")[:-1])


def _superseded(run: _Run, current: Collection[str] | None) -> list[str]:
    """Return the lists and files that no current manifest needs; a folder with an unreadable list is left alone."""
    blind = {_folder(path) for path in run.unreadable}
    kept = {path for path in run.manifests if current is None or path in current or _folder(path) in blind}
    used = {record for path in kept for record in _records(run.manifests[path])}
    old = {record for path in run.manifests.keys() - kept for record in _records(run.manifests[path])}
    done = {_folder(path) for path in kept} - blind
    unused = {path for path in run.records if path not in used and (path in old or _folder(path) in done)}
    kept |= run.records.keys() - unused
    lists = {path: {ref.path for ref in _refs(one.shards)} for path, one in run.manifests.items()}
    lists |= {path: {ref.path for ref in _refs([one])} for path, one in run.records.items()}
    needed = {file for path in kept for file in lists[path]}
    unneeded = {file for path in lists.keys() - kept for file in lists[path]} - needed
    return sorted((lists.keys() - kept) | (unneeded & set(run.others)))


def _folder(path: str) -> str:
    """Return the folder that stands or falls as one: of a stage, or of results elsewhere."""
    return "/".join(path.split("/")[:2]) if path.startswith(f"{ROOT}/") else path.rpartition("/")[0]


def _records(manifest: Manifest) -> list[str]:
    return [record_path(manifest.folder, shard.shard, shard.key) for shard in manifest.shards]


def _refs(shards: Iterable[ShardRecord]) -> list[FileRef]:
    return [ref for shard in shards for ref in shard.files.values()]
