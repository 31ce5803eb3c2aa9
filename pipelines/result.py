"""The index of a finished run: which manifest stands for each stage, and where the results lie.

`result.json` is sealed and replaced when a run finishes; `plan.json` is written before the first task. Readers
(verify, trace, card, report) start here and follow digests, they never list folders. Neither holds a time, a host or an
absolute path, so that two runs of the same work have the same bytes.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.engine.errors import ConfigError, CorruptionError, InputError
from pipelines.engine.hashing import seal, sha256_bytes
from pipelines.engine.manifest import Manifest, read_manifest, stage_folder
from pipelines.engine.place import S3, look_into, place_of
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import Storage

FORMAT = 1
RESULT = "result.json"
PLAN = "plan.json"


@dataclass(frozen=True, slots=True)
class Result:
    """A finished run: manifests by stage in order, the stage that holds the kept documents, mixture folders."""

    name: str
    storage: Storage
    manifests: dict[str, Manifest]
    documents: tuple[str, ...]
    mixtures: dict[str, str]
    notes: list[str]
    config: dict[str, Any]
    files: dict[str, FileRef] = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=dict)
    """What people said: `card`, the section of the run file, `sources`, what each declares beside its bytes, and
    `found_by`, the experiment behind a mixture's weights. Also `limits` and `run_file`, its name and overrides, and
    `generated`, what generations report of themselves, by source."""

    def mixture_manifest(self, name: str, step: str) -> Manifest:
        """Return the manifest of one step (`mixture`, `shards`, `publish`) of a mixture."""
        return self.manifests[f"{step}-{name}"]

    def named_mixture(self, name: str | None) -> str:
        """Return the mixture that a user named, the only one when none was. Raises ConfigError."""
        if name is None and len(self.mixtures) == 1:
            return next(iter(self.mixtures))
        if name not in self.mixtures:
            have = ", ".join(self.mixtures) or "none"
            raise ConfigError(f"--mixture {name}: this run has the mixtures {have}; name one of them")
        return name


def write_plan(storage: Storage, body: dict[str, Any]) -> None:
    """Write what will be done, before anything is."""
    storage.replace_file(PLAN, seal(body))


def write_result(storage: Storage, body: dict[str, Any], done: dict[str, Manifest], derived: dict[str, bytes]) -> None:
    """Write the derived files and then the index, which lists them and the manifests by digest.

    `body` has name, config, described, plan (its digest), documents (stages), mixtures (name -> folder) and notes.
    """
    files = {}
    for path, data in sorted(derived.items()):
        storage.replace_file(path, data)
        files[path] = {"sha256": sha256_bytes(data), "size_bytes": len(data)}
    storage.replace_file(RESULT, seal({**_index(body, done), "files": files}))


def stands(storage: Storage, body: dict[str, Any], done: dict[str, Manifest]) -> bool:
    """Say whether the index of exactly this work is there already, and its derived files with it."""
    try:
        standing = read_index(storage)
        if standing is None or {**standing, "files": {}} != {**_index(body, done), "files": {}}:
            return False
        for path, ref in standing["files"].items():
            storage.read(FileRef(path, ref["sha256"], ref["size_bytes"]))
    except CorruptionError:
        return False
    return True


def _index(body: dict[str, Any], done: dict[str, Manifest]) -> dict[str, Any]:
    stages = [
        {"name": m.stage, "version": m.version, "fingerprint": m.fingerprint, "digest": m.digest} for m in done.values()
    ]
    return {"format": FORMAT, **body, "stages": stages}


def read_plan(storage: Storage) -> dict[str, Any] | None:
    """Return the body of the plan, None when there is none. Raises CorruptionError."""
    return _sealed(storage, PLAN, {"name", "config", "stages", "inputs", "notes"})


def read_index(storage: Storage) -> dict[str, Any] | None:
    """Return the body of the index, None while the run is not finished. Raises CorruptionError."""
    body = _sealed(storage, RESULT, {"format", "name", "config", "plan", "documents", "mixtures", "stages", "files"})
    if body is not None and body["format"] != FORMAT:
        raise CorruptionError(f"{RESULT}: another version of medmix wrote it (format {body['format']}); run again")
    return body


def _sealed(storage: Storage, path: str, keys: set[str]) -> dict[str, Any] | None:
    body = storage.read_sealed(path)
    if body is not None and not keys <= body.keys():
        raise CorruptionError(f"{path}: holds another file than its name says; remove it and run again")
    return body


def read_result(run: Path | str) -> Result:
    """Return a finished run, in a folder or store. Raises InputError when there is none, CorruptionError if damaged."""
    place = place_of(run)
    if not place.startswith(S3) and not Path(place).is_dir():
        raise InputError(f"{run}: there is no such run folder")
    storage = look_into(place)
    body = read_index(storage)
    if body is None:
        raise InputError(
            f"{run}: no finished run here ({RESULT} is missing); see `medmix status {run}`, then run again"
        )
    manifests = {}
    for entry in body["stages"]:
        where = stage_folder(entry["name"], entry["version"])
        manifest = read_manifest(storage, where, entry["fingerprint"])
        if manifest is None or manifest.digest != entry["digest"]:
            state = "is missing" if manifest is None else "is another one"
            raise CorruptionError(f"{where}: the manifest that {RESULT} names {state}; run again to rebuild it")
        manifests[entry["name"]] = manifest
    files = {path: FileRef(path, ref["sha256"], ref["size_bytes"]) for path, ref in body["files"].items()}
    return Result(
        body["name"],
        storage,
        manifests,
        tuple(body["documents"]),
        body["mixtures"],
        body["notes"],
        body["config"],
        files,
        body.get("described", {}),
    )
