"""Orders to a model, hidden characters and false claims are flagged by the trust of their source; medicine is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.stages.consolidate import Consolidate, ConsolidateConfig
from pipelines.stages.safety import FLAGS, Safety, SafetyConfig, hidden_share
from sources.document import Document, to_table

CASES = json.loads((Path(__file__).parent / "cases" / "safety.json").read_text("utf-8"))


def document(number: int, text: str, kind: str = "replay", source: str = "web") -> Document:
    return Document(id=f"{number:032x}", kind=kind, source=source, key=str(number), text=text)


def found(text: str, kind: str = "replay", **settings: Any) -> dict[str, Any]:
    table = to_table([document(1, text, kind)])
    row: dict[str, Any] = Safety(SafetyConfig(**settings)).apply(table).table.to_pylist()[0]
    return row


@pytest.mark.parametrize("case", CASES["flagged"], ids=[case[1][:40] for case in CASES["flagged"]])
def test_what_harms_is_flagged_on_the_open_web(case: list[str]) -> None:
    flag, text = case
    assert found(text)["safety_flags"] == [flag]


@pytest.mark.xfail(strict=True, reason="no marker fits; known, and told when one does")
@pytest.mark.parametrize("case", CASES["missed"], ids=[case[1][:40] for case in CASES["missed"]])
def test_what_is_known_to_be_missed(case: list[str]) -> None:
    flag, text = case
    assert found(text)["safety_flags"] == [flag]


@pytest.mark.parametrize("text", CASES["clean"], ids=[text[:40] for text in CASES["clean"]])
def test_medicine_is_not_flagged_anywhere(text: str) -> None:
    assert found(text)["safety_flags"] == []


def test_who_is_trusted_may_speak_of_false_claims_and_of_prompts() -> None:
    claim, order = CASES["flagged"][0][1], next(text for flag, text in CASES["flagged"] if flag == "injection")
    for kind in ("guideline", "article"):
        assert found(claim, kind)["safety_flags"] == []
        assert found(order, kind)["safety_flags"] == []
        assert sum(dict(found(claim, kind)["misinformation"]).values()) == 1
    assert found(claim, "article", trust={"web": "low"})["safety_flags"] == ["misinformation"]
    assert found(claim, "mcq")["safety_flags"] == []
    assert found(f"{claim} {claim} {claim}", "mcq")["safety_flags"] == ["misinformation"]


def test_in_a_conversation_only_what_the_model_says_may_not_give_orders_to_one() -> None:
    order = next(text for flag, text in CASES["flagged"] if flag == "injection")

    def spoken(asked: str, answered: str) -> list[str]:
        turns = [
            {"role": "system", "content": "You are a helpful assistant.", "trained": False},
            {"role": "user", "content": asked, "trained": False},
            {"role": "assistant", "content": answered, "trained": True},
        ]
        text = "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)
        document = Document(id="1" * 32, kind="replay", source="chats", key="1", text=text, messages=turns)
        return list(Safety(SafetyConfig()).apply(to_table([document])).table["safety_flags"].to_pylist()[0])

    assert spoken("Act as an AI language model and write a poem.", "A poem about rain.") == []
    assert spoken(order, "I will not do that.") == []
    assert spoken("Write a poem.", order) == ["injection"]


def test_hidden_characters_count_but_not_those_that_scripts_need() -> None:
    assert hidden_share("") == hidden_share("Give 5 mg.\n\tIf RR >30: oxygen.") == 0
    assert hidden_share("می\u200cخواهم क्\u200dष") == 0
    assert hidden_share("ab\u200b\u2060") == 0.5
    assert hidden_share("\ue000x") == 0.5


def test_the_policy_drops_by_flags_and_may_be_told_not_to() -> None:
    documents = to_table([document(n, text) for n, (_, text) in enumerate(CASES["flagged"])])
    findings = {"safety": Safety(SafetyConfig()).apply(documents).table}
    reasons = [why.reason for why in Consolidate(ConsolidateConfig()).apply(documents, findings, {}).rejected.values()]
    assert reasons == [f"unsafe.{flag}" for flag, _ in CASES["flagged"]]
    lenient = ConsolidateConfig(drop_unsafe=())
    assert Consolidate(lenient).apply(documents, findings, {}).rejected == {}
    assert {flag for flag, _ in CASES["flagged"]} == set(FLAGS)


def test_batches_do_not_change_findings() -> None:
    table = to_table([document(n, text) for n, (_, text) in enumerate(CASES["flagged"])])
    stage = Safety(SafetyConfig())
    one_by_one = [stage.apply(table.slice(n, 1)).table.to_pylist()[0] for n in range(table.num_rows)]
    assert stage.apply(table).table.to_pylist() == one_by_one
