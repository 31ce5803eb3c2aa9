"""Licence expressions by profile: what is not surely granted is not allowed."""

import json
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.rights import OWN_REFS, PROFILES, UNKNOWN, Basis, Rights, allows, may_release, rights_from

CASES = json.loads(Path(__file__).with_name("rights_cases.json").read_text())
LICENCES = [case["spdx"] for case in CASES["licences"]]


@pytest.mark.parametrize("case", CASES["licences"], ids=lambda case: repr(case["spdx"]))
def test_a_licence_allows_exactly_its_profiles(case: dict[str, Any]) -> None:
    rights = rights_from(case["spdx"], "seen here", attribution="A. Author")
    assert rights.spdx == case["canonical"]
    assert [profile for profile in PROFILES if allows(rights, profile)] == case["profiles"]
    assert (rights.derive, rights.basis) == (case["derive"], case["basis"])
    assert (rights.evidence, rights.attribution) == ("seen here", "A. Author")


@pytest.mark.parametrize("spdx", [*CASES["invalid"], "MIT AND " * 100 + "MIT", "(" * 5000])
def test_what_is_no_expression_known_here_is_refused(spdx: str) -> None:
    with pytest.raises(ValueError, match=r"SPDX|LicenseRef"):
        rights_from(spdx)


@pytest.mark.parametrize("spdx", LICENCES)
def test_reserved_mining_is_a_no_in_every_profile_and_for_deriving(spdx: str) -> None:
    rights = rights_from(spdx, tdm_reserved=True)
    assert not rights.train
    assert not rights.derive
    assert not any(allows(rights, profile) or may_release(rights, profile) for profile in PROFILES)


@pytest.mark.parametrize("spdx", LICENCES)
def test_nothing_is_released_under_research_internal(spdx: str) -> None:
    rights = rights_from(spdx)
    assert not may_release(rights, "research-internal")
    for profile in ("open", "open-noncommercial"):
        assert may_release(rights, profile) == allows(rights, profile)


@pytest.mark.parametrize("profile", ["", "OPEN", "internal", "none", None])
def test_what_is_no_profile_allows_nothing(profile: Any) -> None:
    assert not allows(rights_from("CC0-1.0"), profile)
    assert not may_release(rights_from("CC0-1.0"), profile)


def test_rights_that_nobody_stated_are_unknown_and_for_research_only() -> None:
    assert Rights() == rights_from(UNKNOWN)
    assert [profile for profile in PROFILES if allows(Rights(), profile)] == ["research-internal"]


def test_every_reference_of_our_own_is_in_the_cases() -> None:
    assert set(LICENCES) >= OWN_REFS


@given(first=st.sampled_from(LICENCES), second=st.sampled_from(LICENCES), third=st.sampled_from(LICENCES))
def test_and_never_adds_and_or_never_takes_away(first: str, second: str, third: str) -> None:
    def rank(spdx: str) -> list[bool]:
        return [allows(rights_from(spdx), profile) for profile in PROFILES]

    singles = [rank(spdx) for spdx in (first, second, third)]
    assert rank(f"({first}) AND ({second}) AND ({third})") == [all(one) for one in zip(*singles, strict=True)]
    assert rank(f"({first}) OR ({second}) OR ({third})") == [any(one) for one in zip(*singles, strict=True)]


@given(st.text(max_size=60) | st.text("MITC-BY4.0 ()ANDORWH+", max_size=60))
def test_any_text_is_refused_or_valid(spdx: str) -> None:
    try:
        rights = rights_from(spdx)
    except ValueError:
        return
    assert rights_from(rights.spdx) == rights


def test_a_choice_never_joins_what_two_licences_grant() -> None:
    rights = rights_from("CC-BY-NC-4.0 OR CC-BY-ND-4.0")
    assert not (rights.commercial and rights.derive)


@pytest.mark.parametrize(("train", "redistribute", "derive", "commercial"), list(product([True, False], repeat=4)))
def test_open_asks_for_every_right(train: bool, redistribute: bool, derive: bool, commercial: bool) -> None:
    rights = Rights(spdx="MIT", train=train, redistribute=redistribute, derive=derive, commercial=commercial)
    assert allows(rights, "open") == (train and redistribute and derive and commercial)
    assert allows(rights, "open-noncommercial") == (train and redistribute and derive)


def test_each_basis_that_a_licence_can_give_is_in_the_cases() -> None:
    assert {case["basis"] for case in CASES["licences"]} == set(get_args(Basis)) - {"permission"}
