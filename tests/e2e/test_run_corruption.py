"""Damage to any committed file of a finished demo run is detected, named, and ends with exit code 5, before any use.

Push: 200 flipped bits over all files, and every file truncated, lost, swapped and joined by strangers. Nightly: 2,000.
"""

import io
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from datasets import load_from_disk
from demo_runs import DEMO, call_medmix, damaged_batches, digests, run_medmix
from rich.console import Console

from pipelines.check import check_run
from pipelines.engine.errors import CorruptionError
from pipelines.load import load_run
from pipelines.publish.beside import write_beside
from pipelines.result import read_result
from pipelines.run import How, run
from pipelines.trace import trace_sequence


def said(folder: Path) -> str:
    """Return what verify calls problems, empty when the run is sound."""
    try:
        check_run(folder, Console(file=io.StringIO()), sweep=False)
    except CorruptionError as error:
        return str(error)
    return ""


def names(problems: str, path: str) -> bool:
    return any(line.startswith(f"{path}: ") for line in problems.splitlines())


@contextmanager
def damaged(folder: Path, path: str, content: bytes | None) -> Iterator[None]:
    """Put other content, or nothing, in the place of a file, and the file back."""
    whole = (folder / path).read_bytes()
    (folder / path).write_bytes(content) if content is not None else (folder / path).unlink()
    try:
        yield
    finally:
        (folder / path).write_bytes(whole)


def check_flips(folder: Path, count: int, seed: int) -> None:
    draw = random.Random(seed)
    paths = sorted(digests(folder))
    for at in range(count):
        path = paths[at % len(paths)] if at < len(paths) else draw.choice(paths)
        content = bytearray((folder / path).read_bytes())
        bit = draw.randrange(8 * len(content))
        content[bit // 8] ^= 1 << bit % 8
        with damaged(folder, path, bytes(content)):
            assert names(said(folder), path), f"seed {seed}: verify misses bit {bit} of {path}"
    assert said(folder) == ""


def test_200_flipped_bits_are_named(demo_copy: Path) -> None:
    check_flips(demo_copy, 200, seed=20)


@pytest.mark.nightly
def test_2000_flipped_bits_are_named(demo_copy: Path) -> None:
    check_flips(demo_copy, 2000, seed=21)


def harms(content: bytes, draw: random.Random) -> list[bytes | None]:
    """Return a file cut short, one with a byte too many, and none at all."""
    return [content[: draw.randrange(len(content))], content + b"\0", None]


def check_harms(folder: Path, seed: int, *, each: bool) -> None:
    draw = random.Random(seed)
    for path in sorted(digests(folder)):
        whole = (folder / path).read_bytes()
        for content in harms(whole, draw) if each else [draw.choice(harms(whole, draw))]:
            if content is None and path == "result.json":
                continue  # without it a run is unfinished, which is no damage
            with damaged(folder, path, content):
                assert names(said(folder), path), f"{path}: {'missing' if content is None else len(content)}"
    assert said(folder) == ""


def test_truncated_lengthened_and_missing_files_are_named(demo_copy: Path) -> None:
    check_harms(demo_copy, seed=5, each=False)


@pytest.mark.nightly
def test_every_file_truncated_lengthened_and_missing(demo_copy: Path) -> None:
    check_harms(demo_copy, seed=9, each=True)


def test_swapped_files_are_named_both(demo_copy: Path) -> None:
    draw = random.Random(6)
    content = {path: (demo_copy / path).read_bytes() for path in sorted(digests(demo_copy))}
    for _ in range(60):
        first, second = draw.sample(sorted(content), 2)
        if content[first] == content[second]:
            continue
        with damaged(demo_copy, first, content[second]), damaged(demo_copy, second, content[first]):
            problems = said(demo_copy)
        assert names(problems, first), f"{first} <-> {second}: {problems}"
        assert names(problems, second), f"{first} <-> {second}: {problems}"


def test_files_that_nothing_lists_are_named_and_the_card_is_none_of_them(demo_copy: Path) -> None:
    result = read_result(demo_copy)
    homes = [*result.mixtures.values(), *(folder.name for folder in demo_copy.glob("documents-*"))]
    homes += [result.manifests[name].folder for name in ("normalize", "publish-demo")]
    homes += [f"{result.manifests['normalize'].folder}/records"]
    added = [f"{home}/{name}" for home in homes for name in ("extra.parquet", "notes.txt")]
    added += [f"{result.mixtures['demo']}/data-00001-of-00001-0123456789abcdef.arrow", "mixtures/other/data.arrow"]
    for path in added:
        (demo_copy / path).parent.mkdir(exist_ok=True)
        (demo_copy / path).write_bytes(b"x")
    list(write_beside(result))
    problems = said(demo_copy)
    assert sorted(line.partition(": ")[0] for line in problems.splitlines()) == sorted(added)


def test_results_of_earlier_settings_are_superseded_and_swept(demo_copy: Path) -> None:
    before = digests(demo_copy)
    old = read_result(demo_copy).mixtures["demo"]
    rows = load_from_disk(str(demo_copy / old)).num_rows
    changed = load_run(DEMO, [f"out={demo_copy}", "seed=5"])
    new = run(changed, How(inline=True, live=False)).mixtures["demo"]
    told = io.StringIO()
    check_run(demo_copy, Console(file=told, width=300), sweep=True)
    assert f"superseded: {old}/state.json" in told.getvalue()
    assert not list((demo_copy / old).iterdir())
    assert said(demo_copy) == ""
    assert load_from_disk(str(demo_copy / new)).num_rows == rows
    run(load_run(DEMO, [f"out={demo_copy}"]), How(inline=True, live=False))
    assert digests(demo_copy).items() >= before.items()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_use_detects_damage_before_it_gives_an_answer(demo_copy: Path) -> None:
    result = read_result(demo_copy)
    lineage = next(result.mixture_manifest("demo", "shards").files("lineage"))
    flip(demo_copy / lineage.path)
    with pytest.raises(CorruptionError, match="lineage"):
        trace_sequence(result, None, 0, 0)
    for ref in (ref for name in result.documents for ref in result.manifests[name].files()):
        flip(demo_copy / ref.path)
    with pytest.raises(CorruptionError, match="documents-"):
        list(write_beside(result))


def test_a_stage_refuses_damaged_input(demo_copy: Path) -> None:
    (ref, *_) = read_result(demo_copy).manifests["tokenize-demo"].files()
    flip(demo_copy / ref.path)
    done = run_medmix("run", DEMO, "--inline", "-s", f"out={demo_copy}", "-s", "mixtures.0.sequence_tokens=128")
    assert done.returncode == 5
    assert ref.path in done.stderr


def test_a_flipped_bit_in_training_data_shows_at_the_first_touch_of_its_batch(demo_copy: Path) -> None:
    (shard,) = read_result(demo_copy).mixture_manifest("demo", "shards").shards
    path = demo_copy / shard.main.path
    assert damaged_batches(demo_copy, shard) == []
    flip(path)
    assert damaged_batches(demo_copy, shard) == [0]


@pytest.mark.parametrize("verb", ["verify", "run", "trace"])
def test_the_command_line_names_the_file_and_ends_with_code_5(demo_copy: Path, verb: str) -> None:
    path = next((demo_copy / "stages").glob("publish-demo@*/manifest-*.json"))
    flip(path)
    words = {"verify": [demo_copy], "run": [DEMO, "--inline", "-s", f"out={demo_copy}"]}
    done = call_medmix(verb, *words.get(verb, [demo_copy, "--sequence", "0"]))
    assert done.returncode == 5
    assert str(path.relative_to(demo_copy)) in done.stderr
    assert "Traceback" not in done.stderr


def test_damaged_notes_on_input_files_are_as_good_as_none(demo_copy: Path) -> None:
    before = digests(demo_copy)
    notes = json.loads((demo_copy / ".inputs.json").read_text())
    assert notes["files"]
    for entry in notes["files"].values():
        entry[-1] = entry[-1].translate(str.maketrans("0123", "2301"))  # one bit of some digits flipped
    (demo_copy / ".inputs.json").write_text(json.dumps(notes))
    run(load_run(DEMO, [f"out={demo_copy}"]), How(inline=True, live=False))
    assert digests(demo_copy) == before
