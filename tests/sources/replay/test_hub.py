"""From a hub on loopback to documents: pinned, frozen, verified, resumed; code of a data set is never run."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.hub.repository import Repository
from fakes.hub.server import Hub, hub_on_loopback
from pydantic import ValidationError

from pipelines.check_store import verify_store
from pipelines.config import RunConfig
from pipelines.engine import hub as hub_module
from pipelines.engine.errors import ConfigError, CorruptionError, InputError
from pipelines.engine.storage import local_storage
from pipelines.fetch import fetch
from pipelines.load import load_run
from pipelines.plan import Unfetched
from pipelines.run import How, run
from sources.catalog import SourceConfig
from sources.replay.settings import HubConfig
from sources.replay.store import home

ROOT = Path(__file__).resolve().parents[3]
CARD = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: data/test-00000.parquet
- config_name: talks
  data_files: "talks/*.jsonl"
---
# Texts
"""


def parquet(first: int, rows: int, group: int = 20) -> bytes:
    sink = io.BytesIO()
    texts = [f"{number} CD4 <200, 5 mg. " + "words of a page " * 8 for number in range(first, first + rows)]
    table = pa.table({"text": texts, "subset": [["a", "b"][n % 2] for n in range(rows)]})
    pq.write_table(
        table, sink, row_group_size=group, write_page_checksum=True, compression="none", use_dictionary=False
    )
    return sink.getvalue()


FILES = {
    "README.md": CARD.encode(),
    ".gitattributes": b"*.parquet filter=lfs\n",
    "data/train-00000.parquet": parquet(0, 100),
    "data/train-00001.parquet": parquet(100, 80),
    "data/test-00000.parquet": parquet(900, 10),
    "talks/1.jsonl": b"".join(json.dumps({"text": f"talk {n}"}).encode() + b"\n" for n in range(5)),
    "weights.bin": b"\x80" * 50,
    "dataset_infos.json": b"{}",
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setattr(hub_module, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 500)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with hub_on_loopback() as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        yield served


@pytest.fixture
def texts(hub: Hub) -> Repository:
    repository = hub.add(Repository("someone/texts"))
    repository.commit(FILES)
    return repository


def config(tmp_path: Path, seed: int = 7, **hub: Any) -> RunConfig:
    source = {"name": "web", "kind": "replay", "parser": "records", "hub": {"repo": "someone/texts", **hub}}
    source["options"] = {"fields": {"text": "text", "extra": {"subset": "subset"}}}
    web = {"contact": "mailto:a@uni.example.edu", "store": str(tmp_path / "store")}
    return RunConfig.model_validate(
        {"name": "r", "out": str(tmp_path / "out"), "seed": seed, "web": web, "sources": [source]}
        | {"stages": [{"kind": "consolidate"}], "shard_bytes": 4096}
    )


def fetched(loaded: RunConfig) -> Any:
    return fetch(loaded, Path("run.yaml"), [], How(inline=True, live=False)).hub[0]


def documents(loaded: RunConfig) -> list[dict[str, Any]]:
    result = run(loaded, How(inline=True, live=False))
    files = result.manifests["extract-web"].files()
    return [row for ref in files for row in pq.read_table(Path(loaded.out) / ref.path).to_pylist()]


def store_files(tmp_path: Path) -> dict[str, bytes]:
    found = (tmp_path / "store" / "web").rglob("*")
    return {str(path.relative_to(tmp_path / "store")): path.read_bytes() for path in found if path.is_file()}


def test_a_pinned_data_set_becomes_documents_and_a_run_asks_nobody(hub: Hub, texts: Repository, tmp_path: Path) -> None:
    loaded = config(tmp_path, revision=texts.names["main"])
    with pytest.raises(Unfetched, match="medmix sources fetch"):
        run(loaded, How(inline=True, live=False))
    assert hub.asked == []
    frozen = fetched(loaded).frozen
    assert [part.file.path for part in frozen.parts] == [
        "data/test-00000.parquet",
        "data/train-00000.parquet",
        "data/train-00001.parquet",
    ], "the default configuration, all splits, by path"
    asked = len(hub.asked)
    rows = documents(loaded)
    assert len(hub.asked) == asked
    assert {row["release"] for row in rows} == {frozen.release}
    texts_there = {row["text"].split(" ")[0] for row in rows}
    assert texts_there == {str(n) for n in [*range(180), *range(900, 910)]}
    assert rows[10]["key"] == "data/train-00000.parquet#1"
    assert fetched(loaded).brought == 0


def test_a_moved_branch_changes_nothing(hub: Hub, texts: Repository, tmp_path: Path) -> None:
    pinned = texts.names["main"]
    loaded = config(tmp_path, revision=pinned, files=["data/train-*"])
    first = fetched(loaded).frozen
    before = store_files(tmp_path)
    texts.commit({**FILES, "data/train-00000.parquet": parquet(5000, 40), "data/train-00002.parquet": parquet(1, 30)})
    assert fetched(loaded).frozen == first
    assert store_files(tmp_path) == before
    elsewhere = config(tmp_path / "other", revision=pinned, files=["data/train-*"])
    assert fetched(elsewhere).frozen.release == first.release
    moved = config(tmp_path / "moved", revision=texts.names["main"], files=["data/train-*"])
    assert fetched(moved).frozen.release != first.release


@pytest.mark.parametrize("revision", ["main", "v1.0", "short"])
def test_a_name_that_may_move_is_refused_with_what_it_is_now(
    hub: Hub, texts: Repository, tmp_path: Path, revision: str
) -> None:
    texts.names["v1.0"] = now = texts.names["main"]
    asked = now[:10] if revision == "short" else revision
    loaded = config(tmp_path, revision=asked)
    with pytest.raises(ConfigError, match=rf"hub\.revision '{asked}' may move; pin the commit.*it is {now} now"):
        fetched(loaded)
    with pytest.raises(ConfigError, match="asks the hub which it is now"):
        run(loaded, How(inline=True, live=False))
    assert hub.bodies() == []


def test_a_name_that_the_hub_does_not_know_is_refused(hub: Hub, texts: Repository, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"may move.*no such revision"):
        fetched(config(tmp_path, revision="nowhere"))
    with pytest.raises(InputError, match="no such revision"):
        fetched(config(tmp_path, revision="0" * 40))


def test_a_transfer_that_breaks_goes_on_where_it_broke(hub: Hub, texts: Repository, tmp_path: Path) -> None:
    path, whole = "data/train-00000.parquet", FILES["data/train-00000.parquet"]
    hub.drop(path, 3000, 2000)
    hub.fail(path, 503)
    loaded = config(tmp_path, revision=texts.names["main"], files=[path])
    assert fetched(loaded).brought == 1
    stored = next(body for name, body in store_files(tmp_path).items() if name.endswith(path))
    assert stored == whole
    ranges = [one.range for one in hub.bodies(path)]
    assert ranges[0] is None
    assert {"bytes=3000-", "bytes=5000-"} <= set(ranges[1:]), "what had come was not asked for again"


def test_a_file_that_never_comes_is_told_and_the_next_fetch_goes_on(
    hub: Hub, texts: Repository, tmp_path: Path
) -> None:
    path = "data/train-00001.parquet"
    hub.drop(path, 4000)
    hub.fail(path, *[502] * hub_module.TRIES)
    loaded = config(tmp_path, revision=texts.names["main"], files=["data/train-*"])
    with pytest.raises(InputError, match=r"train-00001\.parquet.*the hub did not answer as it should, 5 times"):
        fetched(loaded)
    with pytest.raises(Unfetched):
        run(loaded, How(inline=True, live=False))
    hub.asked.clear()
    assert fetched(loaded).brought == 1
    assert [(one.path, one.range) for one in hub.bodies()] == [(path, "bytes=4000-")]


@pytest.mark.parametrize("path", ["data/train-00000.parquet", "talks/1.jsonl"], ids=["lfs", "git blob"])
def test_bytes_with_another_digest_are_refused(hub: Hub, texts: Repository, tmp_path: Path, path: str) -> None:
    body = bytearray(FILES[path])
    body[len(body) // 2] ^= 1
    texts.lies[path] = bytes(body)
    loaded = config(tmp_path, revision=texts.names["main"], files=[path])
    with pytest.raises(InputError, match=rf"{path}.*what came has the digest .* the hub lists"):
        fetched(loaded)
    assert not any(name.endswith((path, ".part")) for name in store_files(tmp_path))
    texts.lies.clear()
    assert fetched(loaded).brought == 1


def test_a_data_set_that_needs_its_script_is_refused(hub: Hub, texts: Repository, tmp_path: Path) -> None:
    script = b"import os; os.environ['RAN'] = '1'"
    sha = texts.commit({**FILES, "texts.py": script})
    with pytest.raises(InputError, match=r"loading script, texts\.py, and no code of a data set is ever run"):
        fetched(config(tmp_path, revision=sha))
    loaded = config(tmp_path, revision=sha, files=["**/*"])
    names = [part.file.path for part in fetched(loaded).frozen.parts]
    assert len(names) == 4, "data alone, whatever the patterns match"
    assert not any(name.endswith(("texts.py", "weights.bin", "README.md")) for name in store_files(tmp_path))
    assert "RAN" not in os.environ
    only = texts.commit({"texts.py": script, "helpers.py": b""})
    with pytest.raises(InputError, match=r"none of its 2 files is data of a known format.*it has \.py"):
        fetched(config(tmp_path, revision=only, files=["*.py"]))


def test_a_gated_data_set_takes_the_token_of_the_environment(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gated = hub.add(Repository("someone/texts", gated=True, token="hf_" + "x" * 34))
    loaded = config(tmp_path, revision=gated.commit(FILES))
    with pytest.raises(InputError, match="the repository is gated; accept its terms"):
        fetched(loaded)
    monkeypatch.setenv("HF_TOKEN", gated.token)
    assert fetched(loaded).brought == 3
    assert all(gated.token.encode() not in body for body in store_files(tmp_path).values())
    assert gated.token not in (tmp_path / "store" / "events.jsonl").read_text()


def test_an_unknown_data_set_is_told(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the hub has no such repository, or it is private"):
        fetched(config(tmp_path, revision="0" * 40))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"split": "train"}, ["data/train-00000.parquet", "data/train-00001.parquet"]),
        ({"split": "test"}, ["data/test-00000.parquet"]),
        ({"config": "talks"}, ["talks/1.jsonl"]),
        ({"files": ["talks/"]}, ["talks/1.jsonl"]),
        ({"config": "talk"}, "did you mean 'talks'"),
        ({"split": "dev"}, r"no split 'dev', but \['test', 'train'\]"),
        ({"files": ["*.csv"]}, "none of its 8 files is data of a known format"),
    ],
)
def test_which_files(hub: Hub, texts: Repository, tmp_path: Path, asked: dict[str, Any], expected: Any) -> None:
    loaded = config(tmp_path, revision=texts.names["main"], **asked)
    if isinstance(expected, str):
        with pytest.raises((ConfigError, InputError), match=expected):
            fetched(loaded)
        return
    assert [part.file.path for part in fetched(loaded).frozen.parts] == expected


def test_a_name_that_leaves_the_folder_is_refused(hub: Hub, texts: Repository, tmp_path: Path) -> None:
    sha = texts.commit({"../../evil.jsonl": b'{"text": "x"}\n'})
    with pytest.raises(InputError, match="leaves the repository"):
        fetched(config(tmp_path, revision=sha))


def test_a_sample_brings_row_groups_and_not_files(hub: Hub, texts: Repository, tmp_path: Path) -> None:
    loaded = config(tmp_path, revision=texts.names["main"], split="train", tokens=1_000)
    frozen = fetched(loaded).frozen
    assert all(part.window for part in frozen.parts)
    held = sum(one.size_bytes for one in (part.file for part in frozen.parts))
    assert 4_000 <= frozen.size_bytes < min(held, 12_000)
    assert all(one.range for one in hub.bodies("parquet")), "no file was asked for whole"
    rows = documents(loaded)
    assert len(rows) == 20 * len(frozen.parts)
    assert sum(row["tokens"] for row in rows) >= 900
    whole = config(tmp_path / "whole", revision=texts.names["main"], split="train")
    fetched(whole)
    by_key = {row["key"]: row for row in documents(whole)}
    assert all(row["text"] == by_key[row["key"]]["text"] and row["id"] == by_key[row["key"]]["id"] for row in rows)
    again = config(tmp_path / "again", revision=texts.names["main"], split="train", tokens=1_000)
    assert fetched(again).frozen.release == frozen.release
    other = config(tmp_path / "seed", seed=8, revision=texts.names["main"], split="train", tokens=1_000)
    assert fetched(other).frozen.release != frozen.release
    everything = config(tmp_path / "all", revision=texts.names["main"], split="train", tokens=10**9)
    assert len(fetched(everything).frozen.parts) == 9


def test_streaming_resumes_at_the_row_group(hub: Hub, texts: Repository, tmp_path: Path) -> None:
    loaded = config(tmp_path, revision=texts.names["main"], split="train", tokens=10**9)
    path = "data/train-00001.parquet"
    frozen = fetched(config(tmp_path / "undisturbed", revision=texts.names["main"], split="train", tokens=10**9)).frozen
    second = next(part.window for part in frozen.parts if part.file.path == path and part.window.group == 2)
    wanted = f"bytes={second.start_byte}-{second.end_byte - 1}"

    hub.asked.clear()
    original = hub.fault

    def fault(asked: str) -> int | None:
        is_second = hub.asked[-1].path == path and hub.asked[-1].range == wanted
        return 500 if is_second and asked == path and broken else original(asked)

    broken = True
    hub.fault = fault  # type: ignore[method-assign]
    with pytest.raises(InputError, match=r"train-00001\.parquet"):
        fetched(loaded)
    broken = False
    done = {name for name in store_files(tmp_path) if name.endswith(".window")}
    assert 0 < len(done) < 9
    hub.asked.clear()
    assert fetched(loaded).brought == 9 - len(done)
    groups = [one for one in hub.bodies("parquet") if one.range and not is_footer(one.path, one.range)]
    assert len(groups) == 9 - len(done), "each row group that was there was not asked for again"
    assert wanted in {one.range for one in groups}
    assert len(documents(loaded)) == 180


def is_footer(path: str, asked: str) -> bool:
    return int(asked.partition("-")[2]) == len(FILES[path]) - 1


def test_a_killed_fetch_goes_on_and_asks_for_nothing_twice(hub: Hub, texts: Repository, tmp_path: Path) -> None:
    loaded = config(tmp_path, revision=texts.names["main"], split="train", tokens=10**9)
    script = (
        "import sys, os, pathlib; from pipelines.config import RunConfig; from pipelines.fetch import fetch\n"
        "from pipelines.run import How; import sources.replay.fetch as f; settle = f._settle; n = [0]\n"
        "def stop(held, target):\n    settle(held, target); n[0] += 1\n    n[0] == 4 and os._exit(137)\n"
        "f._settle = stop; f.AT_ONCE = 1\n"
        "fetch(RunConfig.model_validate_json(sys.argv[1]), pathlib.Path('r'), [], How(inline=True, live=False))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", script, loaded.model_dump_json()]
    assert subprocess.run(words, env=environment, capture_output=True, timeout=120).returncode == 137
    before = len([one for one in hub.bodies("parquet") if not is_footer(one.path, one.range or "-0")])
    assert before == 4
    hub.asked.clear()
    assert fetched(loaded).brought == 5
    assert len([one for one in hub.bodies("parquet") if not is_footer(one.path, one.range or "-0")]) == 5


def test_a_store_that_was_damaged_is_told(hub: Hub, texts: Repository, tmp_path: Path) -> None:
    loaded = config(tmp_path, revision=texts.names["main"], split="test")
    fetched(loaded)
    name = next(name for name in store_files(tmp_path) if name.endswith(".parquet"))
    (tmp_path / "store" / name).write_bytes(b"short")
    with pytest.raises(CorruptionError, match=r"not the \d+ bytes that were stored"):
        run(loaded, How(inline=True, live=False))


def test_a_release_that_is_declared_is_held_to(hub: Hub, texts: Repository, tmp_path: Path) -> None:
    loaded = config(tmp_path, revision=texts.names["main"], split="test")
    release = fetched(loaded).frozen.release
    (source,) = loaded.sources
    right = loaded.model_copy(update={"sources": (source.model_copy(update={"release": release}),)})
    assert {row["release"] for row in documents(right)} == {release}
    wrong = loaded.model_copy(update={"sources": (source.model_copy(update={"release": "2024"}),)})
    with pytest.raises(ConfigError, match=f"`release` is 2024, but the files in the store are {release}"):
        run(wrong, How(inline=True, live=False))


def test_the_seed_counts_only_where_something_is_drawn() -> None:
    whole, drawn = HubConfig(repo="a/b", revision="0" * 40), HubConfig(repo="a/b", revision="0" * 40, tokens=5)
    assert home("s", whole, 1) == home("s", whole, 2)
    assert home("s", drawn, 1) != home("s", drawn, 2)


def test_verify_rereads_what_the_hub_gave(hub: Hub, texts: Repository, tmp_path: Path) -> None:
    loaded = config(tmp_path, revision=texts.names["main"], split="train")
    fetched(loaded)
    storage = local_storage(tmp_path / "store")
    sound = verify_store(storage)
    assert (sound.problems, sound.orphans) == ([], [])
    assert sound.checked_bytes >= sum(len(FILES[f"data/train-0000{n}.parquet"]) for n in (0, 1))
    path = next(path for path in (tmp_path / "store").rglob("train-00001.parquet"))
    left = path.with_name("train-00001.parquet.part")
    left.write_bytes(b"x")
    body = bytearray(path.read_bytes())
    body[77] ^= 1
    path.write_bytes(bytes(body))
    damaged = verify_store(storage)
    assert [problem.partition(": ")[0] for problem in damaged.problems] == [str(path.relative_to(tmp_path / "store"))]
    assert damaged.orphans == [str(left.relative_to(tmp_path / "store"))]


def test_a_run_file_pins_the_commit_of_a_preset(tmp_path: Path) -> None:
    (tmp_path / "preset.yaml").write_text("kind: replay\nhub: {repo: someone/texts, config: talks}\n")
    run_file = tmp_path / "run.yaml"
    run_file.write_text("name: r\nout: o\nseed: 1\nstages: []\nsources:\n  - {use: preset.yaml}\n")
    with pytest.raises(ConfigError, match=r"preset\.yaml:2:1: sources\.0\.hub.*pin the commit of someone/texts"):
        load_run(run_file)
    run_file.write_text(run_file.read_text().replace("preset.yaml}", f"preset.yaml, hub: {{revision: {'a' * 40}}}}}"))
    assert load_run(run_file).sources[0].hub == HubConfig(repo="someone/texts", config="talks", revision="a" * 40)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hub": {"repo": "texts"}},
        {"hub": {"repo": "a/b", "files": ["*"], "split": "train"}},
        {"hub": {"repo": "a/b"}, "path": "somewhere"},
        {"hub": {"repo": "a/b", "tokens": 0}},
    ],
)
def test_sources_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SourceConfig(name="s", kind="replay", **wrong)
