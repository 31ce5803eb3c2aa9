"""What a stage wrote: the only list that readers trust.

A *record* is the memo of one shard task: published once under the digest of everything that decides its bytes, it
lets a resumed or changed run keep finished work. The *manifest* of a stage joins the records in shard order and is
published last, under the stage's fingerprint. Both are sealed JSON and hold nothing of time, host or workers, so
the same work gives the same bytes. Not here: deciding what must run (`driver`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.engine.environment import environment
from pipelines.engine.errors import CorruptionError, StageError
from pipelines.engine.hashing import digest
from pipelines.engine.ledger import Ledger
from pipelines.engine.stage import FileRef, ShardTask, Stage
from pipelines.engine.storage import Storage

FORMAT = 1


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """The committed files of one shard by role ("main", "rejects", ...), and its counts."""

    shard: str
    key: str
    files: Mapping[str, FileRef]
    ledger: Ledger
    facts: Mapping[str, Any]

    @property
    def main(self) -> FileRef:
        """The shard's output. Raises StageError when its stage wrote none."""
        if "main" not in self.files:
            raise StageError(
                f"shard {self.shard}: its stage committed no main file, only {sorted(self.files)}; it must write a "
                "table without rows when none survives; this is a defect of the stage, please report it"
            )
        return self.files["main"]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        files = {role: asdict(ref) for role, ref in sorted(self.files.items())}
        return {
            "shard": self.shard,
            "key": self.key,
            "files": files,
            "ledger": self.ledger.to_json(),
            "facts": dict(self.facts),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ShardRecord":
        """Return the record that `to_json` wrote."""
        files = {role: FileRef(**ref) for role, ref in value["files"].items()}
        return cls(value["shard"], value["key"], files, Ledger.from_json(value["ledger"]), value["facts"])


@dataclass(frozen=True, slots=True)
class Manifest:
    """All shards of one stage at one fingerprint. `digest` identifies the content for whoever builds on it."""

    stage: str
    version: str
    fingerprint: str
    identity: Mapping[str, Any]
    inputs: Mapping[str, tuple[str, ...]]
    """For each role, the digests of the manifests that were read, in order."""
    shards: tuple[ShardRecord, ...]
    reasons: frozenset[str]

    @property
    def folder(self) -> str:
        """The stage's folder under the run folder."""
        return stage_folder(self.stage, self.version)

    @property
    def digest(self) -> str:
        """Digest of the whole manifest: what a downstream stage records as its input."""
        return digest(self.to_json())

    @property
    def ledger(self) -> Ledger:
        """Counts of the stage: the sum over its shards."""
        total = Ledger()
        for shard in self.shards:
            total.add(shard.ledger)
        return total

    def files(self, role: str = "main") -> Iterator[FileRef]:
        """Yield the files of a role in shard order."""
        for shard in self.shards:
            if role in shard.files:
                yield shard.files[role]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "format": FORMAT,
            "stage": self.stage,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "identity": dict(self.identity),
            "inputs": {role: list(digests) for role, digests in self.inputs.items()},
            "reasons": sorted(self.reasons),
            "shards": [shard.to_json() for shard in self.shards],
            "ledger": self.ledger.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Manifest":
        """Return the manifest that `to_json` wrote."""
        return cls(
            value["stage"],
            value["version"],
            value["fingerprint"],
            value["identity"],
            {role: tuple(digests) for role, digests in value["inputs"].items()},
            tuple(ShardRecord.from_json(shard) for shard in value["shards"]),
            frozenset(value["reasons"]),
        )


def stage_folder(stage: str, version: str) -> str:
    """Return the folder of a stage: its human-readable address."""
    return f"stages/{stage}@{version}"


def whole_identity(stage: Stage) -> dict[str, Any]:
    """Return what a stage says decides its bytes, and the environment, which decides them too."""
    return {**stage.identity(), "environment": environment()}


def task_key(stage: str, version: str, identity: Mapping[str, Any], task: ShardTask) -> str:
    """Return the digest of everything that decides the bytes of one shard."""
    inputs = {role: [ref.sha256 for ref in refs] for role, refs in task.inputs.items()}
    return digest([stage, version, identity, task.shard, inputs, dict(task.params), task.folder])


def record_path(folder: str, shard: str, key: str) -> str:
    """Return where the record of a shard task is published."""
    return f"{folder}/records/{shard}-{key[:16]}.json"


def manifest_path(folder: str, fingerprint: str) -> str:
    """Return where a manifest is published."""
    return f"{folder}/manifest-{fingerprint[:16]}.json"


def read_record(storage: Storage, folder: str, shard: str, key: str) -> ShardRecord | None:
    """Return a shard's record, None when the task has not committed. Raises CorruptionError."""
    path = record_path(folder, shard, key)
    body = storage.read_sealed(path)
    return None if body is None else record_of(path, body)


def read_manifest(storage: Storage, folder: str, fingerprint: str) -> Manifest | None:
    """Return a stage's manifest, None when it has not committed. Raises CorruptionError."""
    path = manifest_path(folder, fingerprint)
    body = storage.read_sealed(path)
    return None if body is None else manifest_of(path, body)


def record_of(path: str, body: Mapping[str, Any]) -> ShardRecord:
    """Return the record found at `path`. Raises CorruptionError when a sound file of another name stands there."""
    folder = path.partition("/records/")[0]
    if record_path(folder, body.get("shard", ""), body.get("key", "")) != path:
        raise CorruptionError(f"{path}: holds another list than its name says; remove it and run again")
    return ShardRecord.from_json(body)


def manifest_of(path: str, body: Mapping[str, Any]) -> Manifest:
    """Return the manifest found at `path`. Raises CorruptionError as `record_of`, and for another format."""
    folder = stage_folder(body.get("stage", ""), body.get("version", ""))
    if manifest_path(folder, body.get("fingerprint", "")) != path or body["format"] != FORMAT:
        raise CorruptionError(
            f"{path}: holds another list than its name says, or one that another version of medmix wrote; "
            "remove it and run again"
        )
    return Manifest.from_json(body)
