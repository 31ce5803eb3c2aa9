"""Bad input costs itself and nothing else: exactly the bad is quarantined, with stage and reason, and the run says so.

Push: poison documents under fake parsers; every file of the folder of bad inputs, where MEDMIX_DATA is given.
"""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from demo_runs import REPOSITORY, run_medmix
from rich.console import Console

from pipelines.engine.errors import QuarantineError
from pipelines.load import load_run
from pipelines.report.funnel import funnel_table
from pipelines.result import Result, read_result
from pipelines.run import How, check_quarantine, run
from sources import extract
from sources.catalog import PARSERS, ParserInfo

EXPECTED = json.loads((Path(__file__).parent / "bad_inputs.json").read_text())
POISON = {"segfault": "parser_crashed", "spin": "parser_timeout", "sleep": "parser_timeout", "memory": "parser_memory"}
GOOD = [
    f"the {place} clinic keeps oral rehydration salts, zinc 20 mg and a clean cup" for place in "abcdefghijklmnopqrst"
]
STAGES = "stages: [{kind: normalize}, {kind: language}, {kind: quality}, {kind: dedup_exact}, {kind: consolidate}]\n"
SOURCES = {
    "html": "use: html.yaml, include: ['*']",
    "xml": "use: xml.yaml",
    "jats": "use: jats.yaml",
    "json": "kind: replay, parser: records, options: {fields: {text: text}}",
    "pdf": "use: pdf.yaml",
    "warc": "use: warc.yaml",
    "encodings": "kind: replay",
    "empty": "kind: replay",
}


@pytest.fixture
def fake_parser(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the parser `text` do what its items say, in the sandbox of this process."""
    paths = [str(REPOSITORY), str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setitem(PARSERS, "text", ParserInfo("fakes.poison_parser:parse"))
    monkeypatch.setattr(extract, "_open", {})
    yield
    for sandbox in extract._open.values():
        sandbox.close()


def rejects(result: Result, stages: str = "") -> dict[str, tuple[str, str]]:
    """Return (outcome, reason) of everything that was not kept, by source and key."""
    root = result.storage.disk.root
    refs = [ref for n, m in result.manifests.items() if n.startswith(stages) for ref in m.files("rejects")]
    rows = [row for ref in refs for row in pq.read_table(root / ref.path).to_pylist()]
    return {f"{row['source']}/{row['key']}": (row["outcome"], row["reason"]) for row in rows}


def kept(result: Result) -> dict[str, str]:
    """Return the texts of the kept documents by source and key."""
    root = result.storage.disk.root
    refs = [ref for name in result.documents for ref in result.manifests[name].files()]
    rows = [row for ref in refs for row in pq.read_table(root / ref.path).to_pylist()]
    return {f"{row['source']}/{row['key']}": row["text"] for row in rows}


def test_poison_among_good_documents_costs_only_itself(tmp_path: Path, fake_parser: None) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, text in enumerate(GOOD):
        (folder / f"{number:02d}-good.txt").write_text(json.dumps({"part": {"text": text}}))
    for at, deed in enumerate(POISON):
        (folder / f"{5 * at:02d}-{deed}.txt").write_text(json.dumps({"do": deed}))
    (tmp_path / "run.yaml").write_text(
        f"name: poison\nout: {tmp_path / 'out'}\nseed: 1\nshard_bytes: 1024\n{STAGES}sources:\n"
        f"  - {{name: texts, kind: guideline, path: {folder}, parser: text, cpu_s: 1, wall_s: 4,\n"
        "     memory_bytes: 1073741824}\n"
    )
    config = load_run(tmp_path / "run.yaml", ["max_quarantined=0.1"])
    result = run(config, How(inline=True, live=False))
    bad = {f"texts/{5 * at:02d}-{deed}.txt": ("quarantined", why) for at, (deed, why) in enumerate(POISON.items())}
    assert rejects(result) == bad
    assert kept(result) == {f"texts/{number:02d}-good.txt": text for number, text in enumerate(GOOD)}
    with pytest.raises(QuarantineError, match=r"4 of 24 records \(16.7%\).*10.0%") as stopped:
        check_quarantine(config, result)
    assert stopped.value.exit_code == 9
    table = io.StringIO()
    Console(file=table, width=200).print(funnel_table(result.manifests))
    assert "parser_timeout 2, parser_crashed 1, parser_memory 1" in table.getvalue()
    events = (tmp_path / "out" / "events.jsonl").read_text()
    assert "shard_retried" not in events
    assert not any(text in events for text in GOOD)


@pytest.fixture(scope="module")
def bad_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run over every file of bad inputs."""
    data = os.environ.get("MEDMIX_DATA")
    if not data or not (Path(data) / "bad_inputs").is_dir():
        pytest.skip("MEDMIX_DATA names no folder with bad_inputs")
    folder = tmp_path_factory.mktemp("bad")
    lines = [f"  - {{name: {n}, path: {data}/bad_inputs/{n}, {declared}}}" for n, declared in SOURCES.items()]
    text = "\n".join(lines).replace("use: ", f"use: {REPOSITORY}/configs/sources/")
    (folder / "run.yaml").write_text(f"name: bad\nout: {folder / 'out'}\nseed: 1\n{STAGES}sources:\n{text}\n")
    done = run_medmix("run", folder / "run.yaml", "--inline")
    assert done.returncode == 9, done.stderr
    assert "records (59.0%) were quarantined, the run file allows 10.0% (max_quarantined)" in done.stderr
    assert "entity_expansion 3" in done.stdout
    return folder / "out"


@pytest.mark.real
def test_every_bad_input_has_the_outcome_that_it_should(bad_run: Path) -> None:
    result = read_result(bad_run)
    found = {key: reason for key, (_, reason) in rejects(result).items()} | dict.fromkeys(kept(result), "kept")
    assert {key: (found.get(key), expected) for key, expected in EXPECTED.items() if found.get(key) != expected} == {}


@pytest.mark.real
def test_no_bad_input_vanishes(bad_run: Path) -> None:
    result = read_result(bad_run)
    found = rejects(result).keys() | kept(result).keys()
    for source in SOURCES:
        for path in (Path(os.environ["MEDMIX_DATA"]) / "bad_inputs" / source).iterdir():
            key = f"{source}/{path.name}"
            assert any(one == key or one.startswith((f"{key}!", f"{key}#")) for one in found), key


@pytest.mark.real
def test_what_is_kept_of_bad_inputs_is_whole_text(bad_run: Path) -> None:
    texts = kept(read_result(bad_run))
    assert texts
    assert not [key for key, text in texts.items() if "\ufffd" in text or "\x00" in text]
    assert len(texts["html/bazillion_elements.html.gz"]) > 100_000
