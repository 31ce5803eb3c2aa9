"""Every field of a run file decides bytes or speed, and the identity changes exactly when the former do."""

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from pipelines.config import RunConfig
from pipelines.engine.settings import Settings
from pipelines.stage_table import STAGES

NEEDED = {
    "decontaminate": {"references": [{"path": "boards.jsonl", "fields": {"question": "q"}}]},
    "datatrove": {"block": "RegexFilter", "args": {"regex_exp": "x"}},
    "safety": {"trust": {"who": "high"}},
    "scores": {"models": {"educational": "models/educational"}},
    "consolidate": {"min_scores": {"educational": 0.5}},
    "review": {"verdicts": [{"path": "verdicts.jsonl"}]},
    "sample": {"sources": {"who": {"tokens": 5, "by": "folder", "held_out": "0.5"}}},
}
FOUND_BY = {"experiment": "e", "verdict": "better than natural", "evidence": "0" * 64}
LAST = ("consolidate", "sample")
FULL: dict[str, Any] = {
    "name": "full",
    "out": "out/full",
    "seed": 7,
    "sources": [
        {"name": "who", "kind": "guideline", "path": "who"},
        {
            "name": "cdc",
            "kind": "guideline",
            "path": "cdc",
            "web": {"connector": "sitemap", "hosts": ["stacks.example.org"]},
            "about": {
                "publisher": "p",
                "region": "US",
                "audience": "mixed",
                "setting": "mixed",
                "languages": ["en"],
                "lineage": "cdc",
                "canary": {"url": "https://stacks.example.org/1", "strings": ["5 mg"]},
                "verified": {
                    claim: {"on": "2026-01-01", "evidence": "https://stacks.example.org/1"}
                    for claim in ("enumeration", "extraction", "rights", "canary")
                },
            },
        },
        {
            "name": "pmc",
            "kind": "article",
            "path": "s3://pmc-oa-opendata",
            "release": "r1",
            "pmc_oa": {"inventory": "2026-11-28", "ids": ["PMC7"], "published_from": "2020", "published_to": "2021"},
        },
        {"name": "corpus", "kind": "replay", "hub": {"repo": "someone/texts", "revision": "0" * 40}},
    ],
    "web": {"contact": "mailto:a@example.org"},
    "card": {"sources": {"who": {"title": "t"}}},
    "stages": [{"kind": kind, **NEEDED.get(kind, {})} for kind in [*sorted(STAGES.keys() - LAST), *LAST]],
    "teacher": {
        "model": "m",
        "revision": "1",
        "key_env": "OPENAI_API_KEY",
        "serve": {"engine": "vllm", "model": "org/weights", "options": ["--max-model-len"]},
    },
    "mixtures": [
        {
            "name": "plain",
            "target": "demo",
            "components": [{"name": "all", "weight": "0.5"}, {"name": "rest", "kinds": ["mcq"], "weight": "0.5"}],
        },
        {
            "name": "m",
            "target": "demo",
            "found_by": FOUND_BY,
            "components": [{"name": "all", "weight": "0.5"}, {"name": "rest", "kinds": ["mcq"], "weight": "0.5"}],
            "phases": [
                {"share": "0.5", "weights": {"all": "1", "rest": "1"}},
                {"share": "0.5", "weights": {"all": "1"}, "weights_to": {"all": "2"}},
            ],
        },
    ],
}
for source in FULL["sources"]:
    source["expected"] = {"documents": 1, "tokens": 2, "basis": "counted"}
Place = tuple[str | int, ...]
TIED = {
    ("mixtures", 1, group, at, name) for group, name in (("phases", "share"), ("components", "name")) for at in (0, 1)
} | {
    ("profile",),
    ("sources", 0, "name"),
    ("sources", 1, "pmc_oa"),
    *(("sources", at, "hub") for at in (0, 1, 2)),
    ("sources", 2, "web"),
    *(("sources", 3, name) for name in ("path", "web", "pmc_oa")),
    ("teacher", "url"),
}
"""What cannot change alone: shares add up to one, phases name the components (the first mixture has no phases), a
stage's own profile, which stands in every dump, may not be laxer than the run's, the sample names its source, a
source comes from one place, and a teacher is at one."""


def places(model: BaseModel, at: Place = (), bytes_above: bool = True) -> Iterator[tuple[Place, bool]]:
    """Yield (place, decides bytes) of each field below a model; a field within a speed field decides speed."""
    assert isinstance(model, Settings)
    for name in type(model).model_fields:
        decides = bytes_above and model.decides(name) == "bytes"
        value = getattr(model, name)
        yield (*at, name), decides
        children = [((name,), value)] if isinstance(value, BaseModel) else []
        if isinstance(value, tuple):
            children = [((name, index), item) for index, item in enumerate(value) if isinstance(item, BaseModel)]
        if isinstance(value, dict):
            children = [((name, key), item) for key, item in value.items() if isinstance(item, BaseModel)]
        for step, child in children:
            yield from places(child, (*at, *step), decides)


def others(value: Any, annotation: Any) -> list[Any]:
    """Return values to try in place of one."""
    literals = [
        item for part in (annotation, *get_args(annotation)) if get_origin(part) is Literal for item in get_args(part)
    ]
    if literals and not isinstance(value, dict | list | tuple):
        return [item for item in literals if item != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float | Decimal):
        return [value + 1, value / 2, value * 2, (value + 1) / 2]
    if isinstance(value, str):
        return [
            f"{value}x",
            "2019-05-01",
            "CC-BY-4.0",
            "NLLBx",
            "lines",
            "never verified",
            "folder",
            "kind",
            "A_TOKEN",
            "1" * 64,
        ]
    if isinstance(value, dict):
        return [{**value, "flipped": 1}, dict.fromkeys(value, 3), {}]
    if isinstance(value, list | tuple):
        halves = [item / 2 for item in value] if all(isinstance(item, float) for item in value) else []
        phase = {"share": 1, "weights": {"all": 1}}
        return [
            halves,
            list(value)[:-1],
            [*value, "x"],
            ["who"],
            ["guideline"],
            [*value, *value],
            [phase],
            ["*.who.int"],
            ["PMC1"],
        ]
    return ["x", ["who"], ["guideline"], 5, 1_000_000, {"all": 2}, SITE["web"], SITE["about"], PMC["pmc_oa"], FOUND_BY]


RUN = RunConfig.model_validate(FULL)
SITE = FULL["sources"][1]
PMC = FULL["sources"][2]
PLACES = list(places(RUN))


def annotation_at(place: Place) -> Any:
    node: Any = RUN
    for step in place[:-1]:
        node = node[step] if isinstance(step, int) or isinstance(node, dict) else getattr(node, step)
    return type(node).model_fields[str(place[-1])].annotation


def flipped(place: Place) -> RunConfig | None:
    """Return the run with another valid value at a place, None when none of those tried is valid."""
    tree = RUN.model_dump(mode="python")
    node: Any = tree
    for step in place[:-1]:
        node = node[step]
    value = node[place[-1]]
    for other in others(value, annotation_at(place)):
        changed = copy.deepcopy(tree)
        node = changed
        for step in place[:-1]:
            node = node[step]
        node[place[-1]] = other
        try:
            run = RunConfig.model_validate(changed)
        except ValidationError:
            continue
        if run != RUN:
            return run
    return None


@pytest.mark.parametrize(
    ("place", "decides_bytes"),
    PLACES,
    ids=lambda value: ".".join(map(str, value)) if value and isinstance(value, tuple) else "",
)
def test_the_identity_changes_if_and_only_if_a_field_decides_bytes(place: Place, decides_bytes: bool) -> None:
    if place[-1] == "kind" and place[0] == "stages":
        pytest.skip("another kind is another model")
    run = flipped(place)
    if run is None:
        inner = [other for other, _ in PLACES if other[: len(place)] == place and other != place]
        assert inner or place in TIED, f"no other valid value was found for {place}"
        return
    assert (run.identity() != RUN.identity()) == decides_bytes


def test_all_settings_that_a_run_file_can_hold_are_walked() -> None:
    walked = {type(node_at(place[:-1])).__name__ for place, _ in PLACES}
    assert set(RunConfig.model_json_schema()["$defs"]) <= walked


def node_at(place: Place) -> Any:
    node: Any = RUN
    for step in place:
        node = node[step] if isinstance(step, int) or isinstance(node, dict) else getattr(node, step)
    return node


def test_shares_of_phases_decide_bytes() -> None:
    other = copy.deepcopy(FULL)
    other["mixtures"][1]["phases"][0]["share"], other["mixtures"][1]["phases"][1]["share"] = "0.25", "0.75"
    assert RunConfig.model_validate(other).identity() != RUN.identity()


def test_equal_weights_written_otherwise_are_exact() -> None:
    assert RUN.mixtures[0].components[0].weight == Decimal("0.5")
    other = copy.deepcopy(FULL)
    other["mixtures"][0]["components"][0]["weight"] = Decimal("0.50")
    assert RunConfig.model_validate(other) == RUN


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sources": [FULL["sources"][0], FULL["sources"][0]]}, "names must differ"),
        ({"sources": []}, "at least 1 item"),
        ({"max_quarantined": 1.5}, "less than or equal to 1"),
        ({"profile": "closed"}, "Input should be 'open'"),
        ({"name": "A run"}, "should match pattern"),
    ],
)
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RunConfig.model_validate({**FULL, **change})


def test_a_run_is_immutable() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        RUN.seed = 8  # type: ignore[misc]
