"""Multiple-choice sets of every layout: cases in JSON, and every real set with each question accounted for."""

import contextlib
import dataclasses
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.archive import Item, Limits, open_items
from sources.parse.mcq import parse
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.reasons import REASONS

DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
CASES_DIR = Path(__file__).parent / "cases"
CASES = json.loads((CASES_DIR / "mcq.json").read_text())
SETS = json.loads((CASES_DIR / "mcq_sets.json").read_text())


def read(body: bytes, key: str, options: dict[str, Any]) -> tuple[list[Part], list[Fault]]:
    found = list(parse(body, key, options))
    return [f for f in found if isinstance(f, Part)], [f for f in found if isinstance(f, Fault)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_cases(case: dict[str, Any]) -> None:
    parts, faults = read(case["body"].encode(), case.get("key", "a.jsonl"), case["options"])
    got = [{name: dataclasses.asdict(p)[name] for name in want} for p, want in zip(parts, case["parts"], strict=True)]
    assert got == case["parts"]
    assert [[f.reason, f.name] for f in faults] == case.get("faults", [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "rows"}, "layout 'rows' must be of"),
        ({"gold_is": "guess"}, "gold_is 'guess' of"),
        ({"fields": {"stem": "q"}}, "unknown field 'stem'"),
    ],
)
def test_a_wrong_declaration_is_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(parse(b'{"question": "q"}', "a.jsonl", options))


OPTION_VALUES = st.none() | st.text(max_size=3) | st.integers() | st.lists(st.text(max_size=2), max_size=2)
QUESTIONS = st.fixed_dictionaries(
    {},
    optional={
        "question": st.text(max_size=5) | st.none(),
        "options": st.dictionaries(st.sampled_from("ABCab"), OPTION_VALUES) | st.lists(OPTION_VALUES) | st.text(),
        "answer": st.sampled_from(["A", "b", 0, 1, None, "", True, 1.5, ["A", "B"], {}]),
    },
)


@settings(deadline=None)
@given(
    st.lists(QUESTIONS, min_size=1),
    st.sampled_from(["letters", "list", "pairs"]),
    st.sampled_from(["label", "index", "ordinal", "text"]),
)
def test_every_question_is_a_part_with_a_sound_answer_or_a_fault(
    rows: list[dict[str, Any]], layout: str, gold_is: str
) -> None:
    found: tuple[list[Part], list[Fault]] = ([], [])
    with contextlib.suppress(Unreadable):
        found = read(json.dumps(rows).encode(), "a.json", {"layout": layout, "gold_is": gold_is})
    assert len(found[0]) + len(found[1]) == len(rows)
    assert {f.reason for f in found[1]} <= REASONS.keys()
    for part in found[0]:
        assert part.mcq is not None
        assert all(0 <= place < len(part.mcq["options"]) for place in part.mcq["gold"])
        assert part.mcq["gold"]
        assert all(option and option in part.text for option in part.mcq["options"])


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA is unset or missing")
@pytest.mark.parametrize("case", SETS, ids=lambda case: case["files"])
def test_real_sets(case: dict[str, Any]) -> None:
    reasons: Counter[str] = Counter()
    for path in sorted((DATA / "mcq").glob(case["files"])):
        for item in open_items(path, path.name, "file", Limits()):
            assert isinstance(item, Item)
            parts, faults = read(item.body, item.key, case["options"])
            reasons.update(f.reason for f in faults)
            reasons["part"] += len(parts)
            assert len({p.name for p in parts}) == len(parts)
            assert all(p.mcq and p.mcq["gold"] and p.language for p in parts)
            assert not any("Answer Choices" in p.text for p in parts)
    assert reasons.total() == case["rows"]
    assert reasons["needs_image"] == (270 if "headqa" in case["files"] else 0)
    assert reasons["gold_not_in_options"] == (3 if "afrimedqa" in case["files"] else 0)
    assert reasons.keys() <= {"part", "needs_image", "gold_not_in_options"}
