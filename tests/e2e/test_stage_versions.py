"""A stage whose bytes change has a new version: else what an older code left in a run folder is served as its own.

A record's key is what the cache asks for: stage, version, settings, environment and inputs. `golden/demo_records.json`
holds the digests of what the demo's tasks gave, by key; other bytes under the same key are an undeclared change. Edits
that change no bytes, and new versions, settings or inputs, cost nothing: a key that is not in the list passes. The
nightly tier asks that the list be written anew (`MEDMIX_WRITE_RECORDS=1 pytest tests/e2e/test_stage_versions.py`). It
judges what the demo has in it. A digest of the source files instead would fail at each edit of a comment, and as part
of the identity it would run everything again at each release.
"""

import json
import os
from pathlib import Path

import pytest

from pipelines.result import Result

RECORDS = Path(__file__).parents[1] / "golden" / "demo_records.json"
Given = dict[str, dict[str, str]]
"""Key of a record -> role -> sha256 of the file; `stage` names the stage, its version and the shard."""


def records(result: Result) -> Given:
    return {
        shard.key: {
            "stage": f"{manifest.stage}@{manifest.version} {shard.shard}",
            **{role: ref.sha256 for role, ref in sorted(shard.files.items())},
        }
        for manifest in result.manifests.values()
        for shard in manifest.shards
    }


def undeclared(known: Given, found: Given) -> list[str]:
    """Return the stages that gave other bytes under a key that is known."""
    return sorted(found[key]["stage"] for key in known.keys() & found.keys() if known[key] != found[key])


def test_the_same_key_never_gives_other_bytes(demo_result: Result) -> None:
    known, found = json.loads(RECORDS.read_text()), records(demo_result)
    changed = undeclared(known, found)
    assert not changed, f"their bytes changed, so raise the `version` of these stages: {changed}"
    if os.environ.get("MEDMIX_WRITE_RECORDS"):
        RECORDS.write_text(json.dumps(dict(sorted(found.items(), key=lambda one: one[1]["stage"])), indent=1) + "\n")


@pytest.mark.nightly
def test_the_list_knows_what_the_demo_does_now(demo_result: Result) -> None:
    unknown = records(demo_result).keys() - json.loads(RECORDS.read_text()).keys()
    assert not unknown, f"{len(unknown)} records are not in {RECORDS.name}; write it anew, as the docstring says"


def test_a_change_without_a_version_is_seen_and_one_with_it_passes(demo_result: Result) -> None:
    found = records(demo_result)
    key = next(key for key, record in found.items() if record["stage"].startswith("normalize@"))
    assert undeclared({key: {**found[key], "main": "0" * 64}}, found) == [found[key]["stage"]]
    assert undeclared({"f" * 64: {**found[key], "main": "0" * 64}}, found) == []
