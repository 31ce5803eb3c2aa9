"""What is emitted can be read back, by people and by `medmix status`, and holds no secret."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipelines.engine.events import KINDS, Events, read_status, render_status
from pipelines.engine.progress import short_count

START_S = 1_700_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now_s = START_S

    def __call__(self) -> float:
        return self.now_s


def shard(stage: str, number: int, **changed: Any) -> dict[str, Any]:
    fields = {"records": 100, "tokens": 50_000, "bytes": 200_000, "seconds": 2.0, "quarantined": 1}
    return {"stage": stage, "shard": f"jats-{number:05}", **fields, "worker_rss_bytes": number << 20, **changed}


def play(events: Events, clock: Clock) -> None:
    """A run in its middle: one stage cached, one at two of four shards, one to come."""
    events.emit("run_started", command="medmix run a.yaml")
    for stage, shards, cached in (("parse", 3, 3), ("normalize", 5, 1), ("pack", 2, 0)):
        events.emit("stage_planned", stage=stage, shards=shards, cached=cached)
    events.emit("stage_cached", stage="parse")
    events.emit("stage_started", stage="normalize")
    clock.now_s += 10
    events.emit("shard_done", **shard("normalize", 1))
    events.emit("shard_retried", stage="normalize", shard="jats-00002", reason="worker died")
    clock.now_s += 10
    events.emit("shard_done", **shard("normalize", 2))
    events.emit("note", text="pmc: 3 files skipped")


def quiet(folder: Path, clock: Clock) -> Events:
    return Events(folder, live=False, stream=io.StringIO(), clock=clock)


def rendered(folder: Path, now_s: float | None = None) -> str:
    console = Console(file=io.StringIO(), width=140, force_terminal=False)
    console.print(render_status(read_status(folder), now_s))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return str(text)


def test_status_adds_up_the_events(tmp_path: Path) -> None:
    clock = Clock()
    with quiet(tmp_path, clock) as events:
        play(events, clock)
        assert events.status == read_status(tmp_path)
    status = read_status(tmp_path)
    assert (status.state, list(status.stages)) == ("running", ["parse", "normalize", "pack"])
    assert [stage.state for stage in status.stages.values()] == ["cached", "running", "planned"]
    stage = status.stages["normalize"]
    assert (stage.shards_done, stage.shards_cached, stage.shards) == (2, 1, 5)
    assert (stage.records, stage.tokens, stage.bytes, stage.seconds, stage.quarantined) == (200, 100_000, 400_000, 4, 2)
    assert (stage.retried, stage.peak_rss_bytes) == (1, 2 << 20)
    assert stage.records_per_s(clock.now_s) == 10
    assert stage.left_s(clock.now_s) == 20
    assert status.notes == ["pmc: 3 files skipped"]


def test_the_table_shows_what_a_reader_asks(tmp_path: Path) -> None:
    clock = Clock()
    with quiet(tmp_path, clock) as events:
        play(events, clock)
    table = rendered(tmp_path)
    row = next(line for line in table.splitlines() if "normalize" in line)
    for cell in ("running", "3/5", "1 retried", "10.0", "100k", " 2 ", "0:00:20"):
        assert cell in row
    assert "3/3" in next(line for line in table.splitlines() if "parse" in line)
    assert "pmc: 3 files skipped" in table
    assert "2023-11-14 22:13:40 UTC" in table


def test_a_finished_and_a_failed_run_say_so(tmp_path: Path) -> None:
    clock = Clock()
    with quiet(tmp_path, clock) as events:
        play(events, clock)
        events.emit("stage_done", stage="normalize")
        events.emit("run_failed", error="disk full at [shards]")
        clock.now_s += 1000
    status = read_status(tmp_path)
    assert (status.state, status.error) == ("failed", "disk full at [shards]")
    assert status.stages["normalize"].records_per_s(clock.now_s) == 10
    assert "failed: disk full at [shards]" in rendered(tmp_path)
    with quiet(tmp_path, clock) as events:
        events.emit("run_started")
        events.emit("run_done")
    status = read_status(tmp_path)
    assert (status.state, status.error, status.stages) == ("done", "", {})


@pytest.mark.parametrize(
    "torn", [b'{"time": 1, "kind": "run_do', b'{"time": 1, "kind": "note", "text": "5 \xc2', b"[]", b"7"]
)
def test_a_torn_last_line_is_passed_over_and_kept_apart(tmp_path: Path, torn: bytes) -> None:
    clock = Clock()
    with quiet(tmp_path, clock) as events:
        events.emit("run_started")
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(torn)
    assert read_status(tmp_path).state == "running"
    with quiet(tmp_path, clock) as events:
        events.emit("run_done")
    assert read_status(tmp_path).state == "done"


def test_a_folder_without_events_has_no_state(tmp_path: Path) -> None:
    assert read_status(tmp_path).state == "none"
    assert "no run has started" in rendered(tmp_path)


def test_without_a_terminal_stages_and_failures_are_json_lines_and_shards_are_not(tmp_path: Path) -> None:
    clock, stream = Clock(), io.StringIO()
    console = Console(file=io.StringIO(), force_terminal=False)
    with Events(tmp_path, live=True, console=console, stream=stream, clock=clock) as events:
        play(events, clock)
    told = [json.loads(line)["kind"] for line in stream.getvalue().splitlines()]
    assert "shard_done" not in told
    assert {"run_started", "stage_planned", "stage_started", "stage_cached", "shard_retried", "note"} == set(told)
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == len(told) + 2


def test_on_a_terminal_the_table_is_drawn_and_no_json(tmp_path: Path) -> None:
    clock, stream = Clock(), io.StringIO()
    console = Console(file=io.StringIO(), force_terminal=True, width=140)
    with Events(tmp_path, live=True, console=console, stream=stream, clock=clock) as events:
        play(events, clock)
        events.emit("note", text="[bold]not markup[/] [redacted]")
    screen = console.file.getvalue()  # type: ignore[attr-defined]
    assert stream.getvalue() == ""
    for part in ("normalize", "3/5", "worker died", "[bold]not markup[/] [redacted]"):
        assert part in screen


def test_no_secret_reaches_the_file_or_the_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "canary-value-1")
    stream = io.StringIO()
    with Events(tmp_path, live=False, stream=stream, clock=Clock()) as events:
        events.emit(
            "note", text="x canary-value-1", nested={"canary-value-1": ["canary-value-1", Path("/canary-value-1")]}
        )
        events.emit("run_failed", error=ValueError("GET https://h/?api_key=canary2&id=1"))
    everything = stream.getvalue() + (tmp_path / "events.jsonl").read_text()
    assert "canary" not in everything
    assert "https://h/?id=1" in everything


def test_unusual_texts_are_one_line_each(tmp_path: Path) -> None:
    with quiet(tmp_path, Clock()) as events:
        events.emit("note", text="a\nb\u2028c \ud800 5 µg <200")
    [line] = (tmp_path / "events.jsonl").read_bytes().split(b"\n")[:-1]
    assert json.loads(line)["text"].startswith("a\nb\u2028c ")
    assert read_status(tmp_path).notes


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with quiet(tmp_path, Clock()) as events, pytest.raises(ValueError, match="stage_finished"):
        events.emit("stage_finished")
    assert "stage_done" in KINDS


def test_a_full_disk_silences_the_file_once_and_lets_the_run_go_on(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").symlink_to("/dev/full")
    stream = io.StringIO()
    with Events(tmp_path, live=False, stream=stream, clock=Clock()) as events:
        events.emit("run_started")
        events.emit("run_done")
    assert events.status.state == "done"
    assert stream.getvalue().count("No space left") == 1


@pytest.mark.parametrize(
    ("count", "short"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (12_345, "12.3k"),
        (999_499, "999k"),
        (999_999, "1M"),
        (4_560_000, "4.56M"),
        (7 * 10**9, "7G"),
    ],
)
def test_counts_are_short(count: int, short: str) -> None:
    assert short_count(count) == short


def test_what_is_done_stays_done_when_a_later_run_is_refused(tmp_path: Path) -> None:
    with quiet(tmp_path, Clock()) as events:
        events.emit("run_refused", error="no such source")
        assert (events.status.state, events.status.error) == ("failed", "no such source")
        events.emit("run_started", name="a")
        events.emit("run_done", name="a")
    with quiet(tmp_path, Clock()) as events:
        events.emit("run_refused", error="no cap fits")
    status = read_status(tmp_path)
    assert (status.state, status.error, status.notes) == ("done", "", ["refused since: no cap fits"])
    with quiet(tmp_path, Clock()) as events:
        events.emit("run_started", name="a")
        events.emit("run_failed", error="no disk")
    assert (read_status(tmp_path).state, read_status(tmp_path).error) == ("failed", "no disk")
