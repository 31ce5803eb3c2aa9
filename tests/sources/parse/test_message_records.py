"""Chat columns, templates and trees become the turns that were said, or a fault that names what was not understood."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.parse.part import Fault, Part
from sources.parse.record_fields import Row, RowError
from sources.parse.record_messages import messages_of
from sources.parse.records import parse

CASES = json.loads((Path(__file__).parent / "cases" / "messages.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES["read"], ids=lambda case: case["name"])
def test_turns_are_read(case: dict[str, Any]) -> None:
    found = messages_of(Row(case["row"], "1"), case["spec"])
    assert [[turn["role"], turn["content"], turn["trained"]] for turn in found] == case["turns"]


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["name"])
def test_what_is_not_understood_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RowError) as found:
        messages_of(Row(case["row"], "1"), case["spec"])
    assert found.value.reason == case["reason"]


messages = st.recursive(
    st.fixed_dictionaries({"role": st.sampled_from(["prompter", "assistant"]), "text": st.sampled_from("abc")}),
    lambda replies: st.fixed_dictionaries(
        {
            "role": st.sampled_from(["prompter", "assistant"]),
            "text": st.sampled_from("abc"),
            "rank": st.none() | st.integers(0, 3),
            "deleted": st.booleans(),
            "replies": st.lists(replies, max_size=3),
        }
    ),
    max_leaves=12,
)


@given(messages)
def test_a_conversation_is_a_path_of_its_tree_that_ends_with_an_answer(tree: dict[str, Any]) -> None:
    try:
        turns = messages_of(Row(tree, "1"), {"tree": "."})
    except RowError as error:
        if error.reason != "empty_text":
            raise
        return
    assert turns[-1]["role"] == "assistant"
    at = [tree]
    for turn in turns:
        here = [one for one in at if one["text"] == turn["content"]]
        assert here
        at = [reply for one in here for reply in one.get("replies", []) if not reply.get("deleted")]


def test_a_deep_tree_is_read() -> None:
    tree: dict[str, Any] = {"role": "assistant", "text": "end"}
    for depth in range(3000):
        tree = {"role": ["prompter", "assistant"][depth % 2], "text": str(depth), "replies": [tree]}
    assert len(messages_of(Row(tree, "1"), {"tree": "."})) == 3001


@pytest.mark.real
def test_real_trees() -> None:
    root = os.environ.get("MEDMIX_DATA")
    if not root:
        pytest.skip("MEDMIX_DATA names no folder of real files")
    body = gzip.decompress((Path(root) / "replay/instructions/oasst_en_100_message.jsonl.gz").read_bytes())
    options = {"format": "jsonl", "fields": {"messages": {"tree": "."}, "name": "message_id", "language": "lang"}}
    found = list(parse(body, "oasst.jsonl", options))
    parts = [one for one in found if isinstance(one, Part)]
    assert len(found) == body.count(b"\n")
    assert len(parts) > len(found) / 2
    assert all(one.reason == "empty_text" for one in found if isinstance(one, Fault))
    assert all(part.messages and part.messages[-1]["trained"] for part in parts)
