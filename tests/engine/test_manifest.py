"""Records, manifests and the law between stages: the same content, the same digest; lost records, a sentence."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from fakes.disk import MemoryDisk

from pipelines.engine.errors import CorruptionError, StageError
from pipelines.engine.hashing import seal
from pipelines.engine.law import account_faults, chain_faults
from pipelines.engine.ledger import Counts, Ledger
from pipelines.engine.manifest import (
    Manifest,
    ShardRecord,
    manifest_path,
    read_manifest,
    read_record,
    record_path,
    task_key,
)
from pipelines.engine.stage import FileRef, ShardTask
from pipelines.engine.storage import Storage

FILE = FileRef("stages/a@1/x-00000-00.parquet", "ab" * 32, 100, 3, 30)
KEY = "0123456789abcdef" * 4


def counts(records: int, tokens: int, out: int | None = None) -> Counts:
    kept = records if out is None else out
    dropped = Counter({"short": records - kept}) if records > kept else Counter()
    weight = Counter({"short": (records - kept) * 10}) if records > kept else Counter()
    return Counts(records, tokens, kept, tokens - weight.total(), kept, tokens - weight.total(), dropped, weight)


def manifest(name: str, inputs: dict[str, tuple[Manifest, ...]], **sources: Counts) -> Manifest:
    record = ShardRecord("x-00000", KEY, {"main": FILE}, Ledger(dict(sources)), {"first": ("a", 1)})
    digests = {role: tuple(one.digest for one in given) for role, given in inputs.items()}
    return Manifest(name, "1", KEY, {"n": (1, 2)}, digests, (record,), frozenset({"short"}))


FIRST = manifest("first", {}, pmc=counts(5, 50, 4))
OTHER = manifest("other", {}, who=counts(3, 30))
FACTS = manifest("facts", {"documents": (FIRST, OTHER)}, pmc=Counts(4, 40, 4, 40), who=Counts(3, 30, 3, 30))
KNOWN = {one.digest: one for one in (FIRST, OTHER, FACTS)}


def test_json_keeps_a_manifest_and_its_digest() -> None:
    back = Manifest.from_json(json.loads(json.dumps(FACTS.to_json())))
    assert back.digest == FACTS.digest
    assert back.to_json() == json.loads(json.dumps(FACTS.to_json()))
    assert back.shards[0].main == FILE


def test_a_shard_without_a_main_file_is_told() -> None:
    record = replace(FIRST.shards[0], files={"rejects": FILE})
    with pytest.raises(StageError, match=r"shard x-00000: .*no main file, only \['rejects'\]"):
        _ = record.main


def test_the_ledger_of_a_stage_is_the_sum_of_its_shards() -> None:
    twice = replace(FIRST, shards=(*FIRST.shards, replace(FIRST.shards[0], shard="x-00001")))
    assert twice.ledger.of("pmc").records_in == 10
    assert twice.ledger.of("pmc").dropped == {"short": 2}


TASK = ShardTask("x-00000", {"documents": (FILE,)}, {"rows": [0, 5]})


def test_the_key_of_a_task_hangs_on_what_decides_its_bytes() -> None:
    base = task_key("clean", "1", {"n": 1}, TASK)
    other = replace(FILE, sha256="cd" * 32)
    changed = [
        task_key("clean2", "1", {"n": 1}, TASK),
        task_key("clean", "2", {"n": 1}, TASK),
        task_key("clean", "1", {"n": 2}, TASK),
        task_key("clean", "1", {"n": 1}, replace(TASK, shard="x-00001")),
        task_key("clean", "1", {"n": 1}, replace(TASK, params={"rows": [0, 6]})),
        task_key("clean", "1", {"n": 1}, replace(TASK, inputs={"documents": (other,)})),
        task_key("clean", "1", {"n": 1}, replace(TASK, inputs={"documents": (FILE, other)})),
        task_key("clean", "1", {"n": 1}, replace(TASK, inputs={"documents": (other, FILE)})),
        task_key("clean", "1", {"n": 1}, replace(TASK, inputs={"attributes": (FILE,)})),
    ]
    assert len({base, *changed}) == 1 + len(changed)
    moved = replace(FILE, path="/elsewhere/x.parquet")
    assert task_key("clean", "1", {"n": 1}, replace(TASK, inputs={"documents": (moved,)})) == base


def stored(path: str, body: dict) -> Storage:
    storage = Storage(MemoryDisk())
    storage.replace_file(path, seal(body))
    return storage


@pytest.mark.parametrize("body", [{}, {"shard": "x-00001", "key": KEY}, FIRST.to_json()])
def test_a_sound_file_that_is_not_this_record_is_refused(body: dict) -> None:
    path = record_path("stages/first@1", "x-00000", KEY)
    with pytest.raises(CorruptionError, match=f"{path}.*run again"):
        read_record(stored(path, body), "stages/first@1", "x-00000", KEY)


@pytest.mark.parametrize(
    "body", [{}, OTHER.to_json(), {**FIRST.to_json(), "format": 2}, {**FIRST.to_json(), "fingerprint": "ff" * 32}]
)
def test_a_sound_file_that_is_not_this_manifest_is_refused(body: dict) -> None:
    path = manifest_path("stages/first@1", KEY)
    with pytest.raises(CorruptionError, match=f"{path}.*run again"):
        read_manifest(stored(path, body), "stages/first@1", KEY)


def test_what_was_never_written_is_none() -> None:
    storage = Storage(MemoryDisk())
    assert read_record(storage, "stages/first@1", "x-00000", KEY) is None
    assert read_manifest(storage, "stages/first@1", KEY) is None


SOUND = [
    manifest("next", {"documents": (FIRST, OTHER)}, pmc=counts(4, 40, 2), who=counts(3, 30)),
    manifest("union", {"documents": (FIRST,), "facts": (FACTS,)}, pmc=counts(4, 40)),
    manifest("findings", {"facts": (FACTS,)}),
    manifest("resolve", {"keys": (FACTS,)}, pmc=Counts(4, 40, 4, 40), who=Counts(3, 30, 3, 30)),
    manifest("pack", {"left": (FIRST,), "right": (OTHER,)}, pmc=counts(4, 40), who=counts(3, 30)),
]


@pytest.mark.parametrize("sound", [FIRST, OTHER, FACTS, *SOUND], ids=lambda one: one.stage)
def test_sound_stages_have_no_fault(sound: Manifest) -> None:
    assert [*account_faults(sound), *chain_faults(sound, KNOWN)] == []


@pytest.mark.parametrize(
    ("faulty", "said"),
    [
        (manifest("next", {"documents": (FIRST,)}, pmc=counts(3, 40)), "'pmc'.*(4, 40).*(3, 40) went in"),
        (manifest("next", {"documents": (FIRST,)}, pmc=counts(4, 39)), "'pmc'.*(4, 40).*(4, 39) went in"),
        (manifest("next", {"documents": (FIRST, OTHER)}, pmc=counts(4, 40)), "'who'.*(3, 30).*(0, 0) went in"),
        (manifest("next", {"documents": (FIRST,)}, pmc=counts(4, 40), nice=counts(1, 1)), "'nice'.*(0, 0).*(1, 1)"),
        (manifest("next", {"documents": (FIRST,)}), "'pmc'.*(4, 40).*(0, 0) went in"),
        (manifest("pack", {"left": (FIRST,), "right": (OTHER,)}, pmc=counts(4, 40)), "'who'"),
        (manifest("resolve", {"keys": (FACTS,)}, pmc=Counts(4, 40, 4, 40)), "'who'.*(3, 30).*(0, 0)"),
        (manifest("next", {"documents": (SOUND[0],)}, pmc=counts(2, 20)), "a manifest that is not here"),
    ],
)
def test_what_is_lost_between_stages_is_told(faulty: Manifest, said: str) -> None:
    faults = list(chain_faults(faulty, KNOWN))
    assert len(faults) == 1
    assert all(part in faults[0] for part in said.split(".*"))


def test_what_is_lost_in_a_shard_or_listed_twice_is_told() -> None:
    lost = manifest("next", {}, pmc=Counts(records_in=2, records_kept=1))
    assert "1 records and 0 tokens are neither kept" in "".join(account_faults(lost))
    twice = replace(FIRST, shards=FIRST.shards * 2)
    assert "listed more than once: x-00000" in "".join(account_faults(twice))
