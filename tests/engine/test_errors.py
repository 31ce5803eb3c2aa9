"""The table of errors: one exit code and one sentence for each class, and no class left out."""

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


def test_no_other_module_adds_a_class() -> None:
    """An error outside the table would end with exit code 1."""

    def family(one: type) -> set[type]:
        return {one}.union(*(family(child) for child in one.__subclasses__()))

    strangers = {
        one for one in family(errors.MedmixError) if one.__module__.startswith(("pipelines", "sources", "mixer"))
    }
    assert strangers == set(CLASSES)
