"""Settings that know what they decide: each field of a config says whether it decides bytes or only speed.

Only fields that decide bytes enter an identity, so that turning a speed knob, or moving a folder, never makes a run
start anew. A field is declared as `limit: Annotated[int, BYTES] = 3`; one that declares neither is refused when its
class is made. SPEED also covers what says only where things lie or what the program prints. Not here: reading files.
"""

from decimal import Decimal
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

BYTES = Field(json_schema_extra={"decides": "bytes"})
SPEED = Field(json_schema_extra={"decides": "speed"})


class Misplaced(ValueError):
    """A mistake that a validator of a whole found in one of its parts, at `place` below it."""

    def __init__(self, message: str, *place: str | int) -> None:
        super().__init__(message)
        self.place = place


class Settings(BaseModel):
    """Immutable settings without unknown keys, every field declared with `BYTES` or `SPEED`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name in cls.model_fields:
            cls.decides(name)

    @model_validator(mode="before")
    @classmethod
    def _truth_is_no_number(cls, given: Any) -> Any:
        """Refuse true and false where a number is wanted: pydantic would read `seed: true` as 1."""
        for name, value in given.items() if isinstance(given, dict) else ():
            if isinstance(value, bool) and name in cls.model_fields and _is_number(cls.model_fields[name].annotation):
                raise Misplaced(f"Input should be a number, which {str(value).lower()} is not", name)
        return given

    @field_validator("*", mode="after")
    @classmethod
    def _free_form_is_json(cls, value: Any, info: ValidationInfo) -> Any:
        """Turn decimals into floats in fields of any content, such as options: whoever reads them knows only JSON."""
        is_free = info.field_name and cls.model_fields[info.field_name].annotation == dict[str, Any]
        return _as_json(value) if is_free else value

    @classmethod
    def decides(cls, name: str) -> str:
        """Return "bytes" or "speed" for the field `name`. Raises TypeError when the field declares neither."""
        extra = cls.model_fields[name].json_schema_extra
        decides = extra.get("decides") if isinstance(extra, dict) else None
        if decides not in ("bytes", "speed"):
            raise TypeError(f"{cls.__name__}.{name} must be declared with BYTES or SPEED")
        return str(decides)

    def identity(self) -> dict[str, Any]:
        """Return the fields that decide bytes as JSON values, nested settings by their own identity."""
        dumped = self.model_dump(mode="json")
        names = [name for name in type(self).model_fields if self.decides(name) == "bytes"]
        return {name: _deciding(getattr(self, name), dumped[name]) for name in names}


def _is_number(annotation: Any) -> bool:
    kinds = set(get_args(annotation)) if get_origin(annotation) in (Union, UnionType) else {annotation}
    return kinds <= {int, float, Decimal, type(None)} and kinds != {type(None)}


def _deciding(value: Any, dumped: Any) -> Any:
    """Return a dumped value with all settings within it, however deep, reduced to their identity."""
    if isinstance(value, Settings):
        return value.identity()
    if isinstance(value, list | tuple):
        return [_deciding(*pair) for pair in zip(value, dumped, strict=True)]
    if isinstance(value, dict):
        return {key: _deciding(item, inner) for item, (key, inner) in zip(value.values(), dumped.items(), strict=True)}
    return dumped


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value
