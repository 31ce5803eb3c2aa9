"""What a text made from others may be used for: never more than each of them, whatever their order."""

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.derived_rights import conflict, inherited, needs_attribution
from sources.rights import PROFILES, Rights, allows, rights_from

CASES = json.loads(Path(__file__).with_name("derived_rights_cases.json").read_text())
LICENCES = [case["spdx"] for case in json.loads(Path(__file__).with_name("rights_cases.json").read_text())["licences"]]


@pytest.mark.parametrize("case", CASES["inherited"], ids=lambda case: case["why"])
def test_a_derived_text_carries_the_terms_of_all(case: dict[str, Any]) -> None:
    own = rights_from(case["own"], "made here")
    for order in permutations(case["parents"]):
        parents = [rights_from(spdx, f"page of {spdx}", attribution=f"author of {spdx}") for spdx in order]
        found = inherited(own, parents)
        assert found.spdx == case["spdx"]
        assert [profile for profile in PROFILES if allows(found, profile)] == case["profiles"]
        assert all(parent.attribution in found.attribution for parent in parents)
        assert all(one.evidence in found.evidence for one in (own, *parents))


@given(st.lists(st.sampled_from(LICENCES), min_size=1, max_size=4), st.sampled_from(LICENCES))
def test_never_more_than_any_parent(parents: list[str], own: str) -> None:
    every = [rights_from(spdx) for spdx in (own, *parents)]
    found = inherited(every[0], every[1:])
    for profile in PROFILES:
        assert not allows(found, profile) or all(allows(one, profile) for one in every)


def test_a_reservation_of_one_parent_reserves_the_whole() -> None:
    found = inherited(rights_from("CC0-1.0"), [rights_from("CC-BY-4.0", tdm_reserved=True)])
    assert found.tdm_reserved
    assert not any(allows(found, profile) for profile in PROFILES)


def test_without_parents_nothing_changes() -> None:
    own = rights_from("CC-BY-4.0", "here", attribution="A. Author")
    assert inherited(own, []) is own


def test_what_was_carried_is_not_doubled() -> None:
    parent = rights_from("CC-BY-4.0", "page", attribution="A. Author")
    once = inherited(rights_from("CC0-1.0", "made here"), [parent])
    assert inherited(once, [parent]) == once


@pytest.mark.parametrize("case", CASES["conflicts"], ids=lambda case: case["spdx"])
def test_share_alike_terms_that_no_licence_meets(case: dict[str, Any]) -> None:
    assert conflict(case["spdx"]) == case["conflict"]


def test_all_but_the_public_domain_asks_to_be_named() -> None:
    assert needs_attribution(rights_from("CC-BY-4.0"))
    assert needs_attribution(Rights())
    assert not needs_attribution(rights_from("CC0-1.0"))
