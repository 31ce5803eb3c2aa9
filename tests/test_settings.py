"""Settings: declared, immutable, finite; their identity is what decides bytes."""

from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from pipelines.engine.hashing import canonical_json
from pipelines.engine.settings import BYTES, SPEED, Settings


class Inner(Settings):
    limit: Annotated[int, BYTES] = 3
    cpus: Annotated[float, SPEED] = 1


class Outer(Settings):
    inner: Annotated[Inner, BYTES] = Inner()
    items: Annotated[tuple[Inner, ...], BYTES] = ()
    named: Annotated[dict[str, Inner], BYTES] = Field(default_factory=dict)
    maybe: Annotated[Inner | None, BYTES] = None
    free: Annotated[dict[str, Any], BYTES] = Field(default_factory=dict)
    weight: Annotated[Decimal, BYTES] = Decimal("0.1")
    where: Annotated[str, SPEED] = ""


FAST = Inner(cpus=8)


@pytest.mark.parametrize(
    "other",
    [
        {"where": "there"},
        {"inner": FAST},
        {"maybe": FAST, "items": (FAST,), "named": {"a": FAST}},
    ],
)
def test_speed_never_enters_an_identity_however_deep(other: dict[str, Any]) -> None:
    slow = {name: _slow(value) for name, value in other.items() if name != "where"}
    assert Outer(**other).identity() == Outer(**slow).identity()


def _slow(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_slow(item) for item in value)
    return {name: _slow(item) for name, item in value.items()} if isinstance(value, dict) else Inner()


@pytest.mark.parametrize(
    "other",
    [
        {"inner": Inner(limit=4)},
        {"items": (Inner(),)},
        {"items": (Inner(limit=4),)},
        {"named": {"a": Inner()}},
        {"maybe": Inner()},
        {"free": {"a": 0.5}},
        {"weight": Decimal("0.2")},
    ],
)
def test_bytes_always_do(other: dict[str, Any]) -> None:
    assert Outer(**other).identity() != Outer().identity()


def test_an_identity_is_json_with_exact_decimals() -> None:
    identity = Outer(weight=Decimal("0.10"), free={"a": [Decimal("0.5")]}).identity()
    assert canonical_json(identity)
    assert (identity["weight"], identity["free"]) == ("0.10", {"a": [0.5]})


def test_a_field_that_declares_neither_is_refused_when_its_class_is_made() -> None:
    with pytest.raises(TypeError, match=r"Bare\.limit must be declared with BYTES or SPEED"):

        class Bare(Settings):
            limit: int = 3


def test_unknown_keys_changes_and_infinities_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Inner.model_validate({"limits": 3})
    with pytest.raises(ValidationError, match="frozen"):
        FAST.limit = 3  # type: ignore[misc]
    with pytest.raises(ValidationError, match="finite"):
        Inner(cpus=float("inf"))
