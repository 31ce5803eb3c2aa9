"""The settings of a stage: a frozen pydantic model in which each field says whether it decides bytes or speed.

Only fields that decide bytes enter a stage's identity, so that turning a speed knob never makes a run start anew.
A field is declared as `limit: Annotated[int, BYTES] = 3`; one that declares neither is refused when its class is
made, not when a run starts. Not here: reading run files (`pipelines.config`) and the settings of any one stage.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipelines.engine.hashing import digest

BYTES = Field(json_schema_extra={"decides": "bytes"})
SPEED = Field(json_schema_extra={"decides": "speed"})


class Settings(BaseModel):
    """Settings of one stage: immutable, no unknown keys, every field declared with `BYTES` or `SPEED`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name in cls.model_fields:
            cls.decides(name)

    @classmethod
    def decides(cls, name: str) -> str:
        """Return "bytes" or "speed" for the field `name`. Raises TypeError when the field declares neither."""
        extra = cls.model_fields[name].json_schema_extra
        decides = extra.get("decides") if isinstance(extra, dict) else None
        if decides not in ("bytes", "speed"):
            raise TypeError(f"{cls.__name__}.{name} must be declared with BYTES or SPEED")
        return str(decides)

    def identity(self) -> dict[str, Any]:
        """Return the fields that decide bytes as JSON values."""
        return {n: v for n, v in self.model_dump(mode="json").items() if self.decides(n) == "bytes"}


def edit_entry(stage: str, version: str, settings: Settings, names: list[str]) -> dict[str, Any]:
    """Return the `edits` entry that a stage leaves on a document whose text it changed by the edits `names`."""
    return {"stage": stage, "version": version, "config": digest(settings.identity())[:12], "names": names}
