"""The table of errors: one exit code and one sentence for each class, and no class left out."""

import importlib
import inspect

import pytest

from pipelines.engine import errors

CODES = {
    "MedmixError": 1,
    "ConfigError": 2,
    "InputError": 3,
    "StorageError": 4,
    "CorruptionError": 5,
    "LockedError": 6,
    "ResourcesError": 7,
    "StageError": 8,
    "QuarantineError": 9,
    "PlanError": 10,
    "TeacherError": 11,
    "BudgetError": 12,
    "ReleaseError": 13,
}
CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass)]


def test_the_table_is_complete_and_codes_are_distinct() -> None:
    assert {one.__name__: one.exit_code for one in CLASSES} == CODES
    assert len(set(CODES.values())) == len(CODES)


@pytest.mark.parametrize("error", CLASSES)
def test_each_class_says_what_it_is_and_its_code(error: type[errors.MedmixError]) -> None:
    assert issubclass(error, errors.MedmixError)
    assert "exit_code" in vars(error)
    assert error.__doc__ is not None
    assert f"xit code {error.exit_code}" in error.__doc__


def test_a_class_of_another_module_ends_with_a_code_of_the_table() -> None:
    """One right below the root would end with exit code 1."""
    importlib.import_module("pipelines.plan")  # whatever the program is made of

    def family(one: type) -> set[type]:
        return {one, *(child for below in one.__subclasses__() for child in family(below))}

    strangers = {one for one in family(errors.MedmixError) if one not in CLASSES}
    mine = {one for one in strangers if one.__module__.startswith(("pipelines", "sources", "mixer"))}
    assert mine
    assert {one for one in mine if "exit_code" in vars(one) or errors.MedmixError in one.__bases__} == set()
