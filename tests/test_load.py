"""Mistakes in a run file are told as file:line:column, key, what is wrong and the nearest right name."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.engine.errors import ConfigError
from pipelines.load import load_run

MISTAKES = json.loads(Path(__file__).with_name("load_cases.json").read_text())
GOOD = """\
name: demo
out: out/demo
seed: 7
sources:
  - {name: who, kind: guideline, path: who}
stages:
  - kind: normalize
  - kind: consolidate
mixtures:
  - name: m
    target: demo
    components:
      - name: all
        weight: 0.1
"""


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def to(text: str, name: str = "run.yaml") -> Path:
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
        return tmp_path / name

    return to


def told(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_run(path, overrides)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_a_good_file_with_exact_decimals_and_paths_from_where_they_are_written(write: Any) -> None:
    path = write(GOOD.replace("0.1", "0.1000000000000000000000000000001"))
    run = load_run(path)
    assert run.mixtures[0].components[0].weight == Decimal("0.1000000000000000000000000000001")
    assert run.sources[0].path == str(path.parent / "who")
    assert load_run(write(GOOD)).mixtures[0].components[0].weight == Decimal(1) / Decimal(10)


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case["message"][:60])
def test_mistakes(write: Any, case: dict[str, str]) -> None:
    assert case["message"] in told(write(GOOD.replace(case["old"], case["new"], 1)))


def test_all_mistakes_are_told_at_once(write: Any) -> None:
    lines = told(write(GOOD.replace("seed: 7", "seed: x").replace("target", "targte"))).splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["run.yaml:3:1", "run.yaml:10:5", "run.yaml:11:5"]


@pytest.mark.parametrize("text", ["", "- a\n", "just words", "a: 1\n---\nb: 2\n"])
def test_what_is_no_run_file(write: Any, text: str) -> None:
    assert told(write(text)).startswith("run.yaml:")


def test_a_file_that_is_not_there_with_the_nearest_name(write: Any) -> None:
    path = write(GOOD, "demo.yaml")
    assert told(path.with_name("dem.yaml")) == "dem.yaml: there is no such file; did you mean demo.yaml?"


def test_a_byte_order_mark_is_no_mistake(write: Any) -> None:
    assert load_run(write("\ufeff" + GOOD)).name == "demo"


def test_anchors_and_merge_keys(write: Any) -> None:
    text = GOOD.replace(
        "  - {name: who, kind: guideline, path: who}",
        "  - &a {name: who, kind: guideline, path: who}\n  - {<<: *a, name: cdc}",
    )
    assert [(s.name, s.kind) for s in load_run(write(text)).sources] == [("who", "guideline"), ("cdc", "guideline")]
    assert "run.yaml:6:5: sources.1.kin: unknown key; did you mean 'kind'?" in told(
        write(text.replace("who, kind: guideline", "who, kin: guideline"))
    )


def test_a_used_source_file_with_its_own_positions(write: Any) -> None:
    write("kind: guideline\npath: data\npriorty: 3\n", "who-source.yaml")
    run = GOOD.replace("{name: who, kind: guideline, path: who}", "{use: who-source.yaml, title: T}")
    assert told(write(run)) == "who-source.yaml:3:1: sources.0.priorty: unknown key; did you mean 'priority'?"
    write("kind: guideline\npath: data\npriority: 3\n", "who-source.yaml")
    source = load_run(write(run)).sources[0]
    assert (source.name, source.title, source.priority) == ("who-source", "T", 3)
    assert source.path.endswith("/data")
    write("kind: poem\npath: data\n", "who-source.yaml")
    assert told(write(run)).startswith("who-source.yaml:1:1: sources.0.kind: Input should be 'guideline'")
    write("- kind\n", "who-source.yaml")
    assert told(write(run)).startswith("who-source.yaml:1:1: the file of a source or a mixture is a mapping")
    write("a: [\n", "who-source.yaml")
    assert "who-source.yaml:2:1: not valid YAML" in told(write(run))


def test_a_used_file_that_is_not_there(write: Any) -> None:
    run = GOOD.replace("{name: who, kind: guideline, path: who}", "{use: absent.yaml}")
    assert told(write(run)) == "run.yaml:5:6: use: there is no such file absent.yaml"


def test_overrides_set_values_as_yaml(write: Any) -> None:
    run = load_run(
        write(GOOD),
        [
            "seed=8",
            "out=a=b",
            "mixtures.0.total_tokens=1e6",
            "mixtures.0.components.0.weight=0.3",
            "sources.0.release='2024'",
            "sources.0.language=null",
            "sources.0.include=[a, b]",
            "sources.0.path=here",
            "resources.cpus=2",
            "stages.0={kind: language, min_letters: 5}",
            'sources.0.title="x: y"',
        ],
    )
    assert (run.seed, run.out, run.mixtures[0].total_tokens, run.resources.cpus) == (8, "a=b", 1_000_000, 2)
    assert run.mixtures[0].components[0].weight == Decimal("0.3")
    source = run.sources[0]
    assert (source.release, source.language, source.include, source.path) == ("2024", None, ("a", "b"), "here")
    assert (source.title, run.stages[0].kind) == ("x: y", "language")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "-s seed: write it as key=value"),
        ("=3", "-s =3: write it as key=value"),
        ("seed=x", "-s seed=x: seed: Input should be a valid integer"),
        ("sede=3", "-s sede=3: sede: unknown key; did you mean 'seed'?"),
        ("sources.3.path=x", "-s sources.3.path=x: 3: the list has 1 items, counted from 0"),
        ("sources.who.path=x", "-s sources.who.path=x: 'who': the list has 1 items"),
        ("seed.x=3", "-s seed.x=3: there is no 'x' to set: 7 is a single value"),
        ("name.x.y=3", "there is no 'x' to set: 'demo' is a single value"),
        ("out=[a", "-s out=[a: not valid YAML"),
        ("resources.cpu=3", "-s resources.cpu=3: resources.cpu: unknown key; did you mean 'cpus'?"),
        ("sources.0.rights={spdx: X}", "-s sources.0.rights={spdx: X}"),
    ],
)
def test_mistakes_in_overrides(write: Any, override: str, message: str) -> None:
    assert message in told(write(GOOD), override)


def test_an_override_does_not_hide_where_other_mistakes_stand(write: Any) -> None:
    run = write(GOOD.replace("kind: guideline, ", ""))
    assert told(run, "sources.0.title=T") == "run.yaml:5:5: sources.0.kind: this field is missing; add it"


def test_free_form_options_hold_plain_numbers(write: Any) -> None:
    text = GOOD.replace("path: who}", "path: who, options: {a: 0.5, b: [1.5, {c: 2}]}}")
    assert load_run(write(text)).sources[0].options == {"a": 0.5, "b": [1.5, {"c": 2}]}
    assert type(load_run(write(text)).sources[0].options["a"]) is float


@pytest.mark.parametrize("stages", ["[]", "[{kind: normalize}]", "[{kind: consolidate}, {kind: normalize}]"])
def test_no_mixture_without_a_last_word_on_rights(write: Any, stages: str) -> None:
    text = GOOD.replace("stages:\n  - kind: normalize\n  - kind: consolidate\n", f"stages: {stages}\n")
    with pytest.raises(ConfigError, match="a mixture needs `consolidate` as the last stage"):
        load_run(write(text))


def test_a_stage_cannot_allow_more_than_the_run(write: Any) -> None:
    text = GOOD.replace("kind: consolidate\n", "kind: consolidate\n    profile: research-internal\n")
    with pytest.raises(ConfigError, match="allows more than the run's"):
        load_run(write(text), ["profile=open"])


SITE = """
  - name: site
    kind: guideline
    web:
      connector: html_index
      hosts: [guide.example.org]
      options:
        start: ["https://guide.example.org/list"]
        item: li
"""


def test_options_of_a_connector_are_checked_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(f"name: x\nout: {tmp_path}/out\nseed: 1\nstages: []\nsources:{SITE}")
    with pytest.raises(ConfigError) as told:
        load_run(path)
    line = SITE.count("\n", 0, SITE.index("item:")) + 5
    assert f"{path}:{line}:9: sources.0.web.options.item: there is no such option; did you mean 'items'?" in str(
        told.value
    )
    with pytest.raises(
        ConfigError, match=r"-s sources\.0\.web\.hosts=.*: sources\.0\.web\.hosts: .*registrable domain"
    ):
        load_run(
            path,
            [
                "sources.0.web.options={start: ['https://guide.example.org/list'], items: li}",
                "sources.0.web.hosts=['*.co.uk']",
            ],
        )
