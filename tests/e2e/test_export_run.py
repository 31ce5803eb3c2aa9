"""`medmix export` writes the documents of a run by component, and configs that say what a mixture asks for."""

import json
import re
import sys
import types
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mixer.export_jsonl import document_weights
from pipelines.cli import app
from pipelines.engine.errors import InputError
from pipelines.result import Result


def exported(folder: Path, to: str, out: Path) -> str:
    done = CliRunner().invoke(app, ["export", str(folder), "--to", to, "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return (out / "README.md").read_text()


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_the_documents_of_a_run_go_to_the_component_that_takes_them(demo_result: Result, tmp_path: Path) -> None:
    folder = Path(demo_result.storage.disk.root)
    exported(folder, "jsonl", tmp_path / "jsonl")
    facts = demo_result.mixture_manifest("demo", "mixture").shards[0].facts
    lines = {
        component["name"]: read_lines(tmp_path / "jsonl" / f"{component['name']}.jsonl")
        for component in facts["components"]
    }
    for component in facts["components"]:  # of a component that the mixture does not use up, those that it takes
        whole = component["sequences"] >= component["unique_sequences"]
        assert 0 < len(lines[component["name"]]) <= component["documents"]
        assert len(lines[component["name"]]) == component["documents"] or not whole
    ids = Counter(line["id"] for found in lines.values() for line in found)
    assert max(ids.values()) == 1
    assert {line["kind"] for line in lines["guidelines"]} == {"guideline"}
    assert all(line["text"] and line["licence"] for found in lines.values() for line in found)


def test_torchtitans_config_names_the_files_and_its_weights(
    demo_result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(Path(demo_result.storage.disk.root), "torchtitan", tmp_path / "titan")
    told: list[tuple[float, str]] = []
    for name in ("torchtitan", "torchtitan.components", "torchtitan.components.data", "torchtitan.hf_datasets"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    data: Any = sys.modules["torchtitan.components.data"]
    texts: Any = types.ModuleType("torchtitan.hf_datasets.text_datasets")
    monkeypatch.setitem(sys.modules, texts.__name__, texts)
    kept = types.SimpleNamespace
    data.IndexedJsonlSource = texts.TextProcessor = types.SimpleNamespace(Config=lambda **given: given)
    data.SingleDatasetConfig = data.ConcatThenSplitPackingConfig = data.DatasetMixConfig = lambda **given: kept(**given)
    data.WeightedDataset = lambda weight, dataset: told.append((weight, dataset.source["patterns"][0]))
    exec((tmp_path / "titan" / "data.py").read_text(), {})
    facts = demo_result.mixture_manifest("demo", "mixture").shards[0].facts
    weights = document_weights(facts["components"])
    assert {Path(path).stem: pytest.approx(weight) for weight, path in told} == weights
    assert all(Path(path).is_file() for _, path in told)


def test_a_folder_with_something_in_it_is_left_alone(demo_result: Result, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    told = CliRunner().invoke(
        app, ["export", str(demo_result.storage.disk.root), "--to", "jsonl", "--out", str(tmp_path)]
    )
    assert isinstance(told.exception, InputError)
    assert re.search("not empty", str(told.exception))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
