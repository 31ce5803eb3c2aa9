"""What the teacher may see: nothing without the right to derive, nothing held out, nothing taken back."""

from dataclasses import asdict
from typing import Any

import pytest

from sources.rights import PROFILES, Rights, rights_from
from sources.teacher.eligible import REASONS, why_not_shown

MCQ = {"question": "q", "options": ["a", "b"], "gold": [0], "split": "train"}


def _row(rights: Rights, **changes: Any) -> dict[str, Any]:
    return {"id": "d", "retracted": False, "extra": "", "mcq": None, "rights": asdict(rights), **changes}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("rights", "reason"),
    [
        (rights_from("CC-BY-ND-4.0"), "rights_no_derivatives"),
        (rights_from("CC-BY-NC-ND-4.0"), "rights_no_derivatives"),
        (rights_from("CC-BY-4.0", tdm_reserved=True), "rights_tdm_reserved"),
        (rights_from("LicenseRef-all-rights-reserved"), "rights_unknown"),
        (Rights(), "rights_unknown"),
        (rights_from("CC-BY-4.0"), None),
    ],
)
def test_rights_without_derived_texts_bind_in_every_profile(profile: Any, rights: Rights, reason: str) -> None:
    assert why_not_shown(_row(rights), profile) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"retracted": True}, "retracted"),
        ({"extra": '{"reference_only": true}'}, "reference_only"),
        ({"mcq": {**MCQ, "split": "test"}}, "reference_only"),
        ({"mcq": {**MCQ, "split": "validation"}}, "reference_only"),
        ({"mcq": {**MCQ, "split": "dev"}}, "reference_only"),
        ({"mcq": {**MCQ, "split": None}}, "reference_only"),
        ({"mcq": MCQ}, None),
    ],
)
def test_held_out_questions_and_what_was_taken_back_are_never_shown(changes: dict[str, Any], reason: str) -> None:
    assert why_not_shown(_row(rights_from("CC0-1.0"), **changes), "open") == reason
    assert reason is None or reason in REASONS


def test_noncommercial_text_is_not_for_the_open_profile_and_old_versions_for_none() -> None:
    row = _row(rights_from("CC-BY-NC-4.0"))
    assert why_not_shown(row, "open") == "rights_profile"
    assert why_not_shown(row, "open-noncommercial") is None
    assert why_not_shown(row, "open-noncommercial", {"d"}) == "superseded"
