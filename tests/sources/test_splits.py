"""The rule of official splits: what a source may declare, what a row says of itself, and what becomes of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from test_extract import config, ran, stage

from pipelines.config import RunConfig
from pipelines.engine.errors import ConfigError
from pipelines.plan import plan_run
from sources.catalog import SourceConfig
from sources.digests import DigestCache
from sources.splits import check_split, is_training_split, reference_reason, split_note

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "sources").glob("*.yaml"))
SETS = [tree for path in CONFIGS if (tree := YAML(typ="safe").load(path.read_text(encoding="utf-8")))["kind"] == "mcq"]
FIELDS = {"question": "q", "options": "o", "gold": "a", "split": "s"}


@pytest.mark.parametrize(
    ("name", "trains"),
    [
        ("train", True), ("Train", True), ("training", True), ("auxiliary_train", True), ("train-00000", True),
        ("train_set", True), ("test", False), ("validation", False), ("dev", False), ("eval", False), ("", False),
        ("train_test", False), ("held-out", False), ("train+validation", False), ("restrained", False),
        ("fold0", False), ("constraint", False), ("trainee", False),
    ],
)  # fmt: skip
def test_only_a_name_of_training_is_for_training(name: str, trains: bool) -> None:
    assert is_training_split(name) is trains


@pytest.mark.parametrize("split", ["test", "validation", "dev", "fold0"])
def test_a_test_split_asked_for_as_training_data_is_an_error_that_names_the_rule(split: str) -> None:
    asked = config(parser="mcq", options={"split": split})
    with pytest.raises(
        ConfigError, match=rf"source src: options.split: '{split}'.*rule.*decontamination.*reference_only"
    ):
        check_split(asked)
    check_split(config(parser="mcq", options={"split": split}, reference_only=True))
    check_split(config(parser="mcq", options={"split": "train"}))


def test_the_error_comes_when_the_plan_is_made(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"q": "?"}\n')
    source = {"name": "quiz", "kind": "mcq", "path": str(tmp_path), "parser": "mcq", "options": {"split": "test"}}
    run = {"name": "r", "out": str(tmp_path / "out"), "seed": 1, "sources": [source], "stages": []}
    with pytest.raises(ConfigError, match=r"source quiz: options\.split: 'test'"):
        plan_run(RunConfig.model_validate(run), DigestCache(tmp_path / "cache"))
    source["options"] = {}
    [note] = plan_run(RunConfig.model_validate(run), DigestCache(tmp_path / "cache")).notes
    assert "source quiz names no split" in note


@pytest.mark.parametrize("tree", SETS, ids=[tree["name"] for tree in SETS])
def test_the_sets_of_the_catalogue_keep_the_rule_and_cannot_be_turned(tree: dict[str, Any]) -> None:
    declared = SourceConfig.model_validate(tree)
    check_split(declared)
    assert split_note(declared) is None
    if declared.reference_only:
        with pytest.raises(ConfigError, match="decontamination"):
            check_split(SourceConfig.model_validate({**tree, "reference_only": False}))


def test_rows_that_say_their_split_are_kept_for_reference_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    rows = [
        {"q": f"Which dose? {split}", "o": {"A": "5 mg", "B": "<5 mg"}, "a": "B", **({"s": split} if split else {})}
        for split in ("train", "test", "validation", "")
    ]
    (folder / "q.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    planned = stage(folder, kind="mcq", parser="mcq", options={"fields": FIELDS})
    said = {}
    for document in ran(planned, tmp_path / "out").documents.values():
        assert document.mcq is not None
        said[document.mcq["split"] or ""] = json.loads(document.extra or "{}")
    assert said["train"] == {}
    for split in ("test", "validation", ""):
        assert said[split]["reference_only"] is True
    assert "official split 'test'" in said["test"]["reference_reason"]
    assert "no split is named" in said[""]["reference_reason"]


def test_texts_that_are_no_questions_have_no_split() -> None:
    assert reference_reason(None) is None
    assert split_note(config(parser="records")) is None
    check_split(config(parser="text", options={"sections": "none"}))
