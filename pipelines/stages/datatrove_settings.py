"""The settings of a datatrove block, apart from the block: a run that names none need not import datatrove."""

from typing import Annotated, Any

from pydantic import Field

from pipelines.engine.settings import BYTES, Settings


class DatatroveConfig(Settings):
    """Which block, and the arguments of its class."""

    block: Annotated[str, BYTES]
    args: Annotated[dict[str, Any], BYTES] = Field(default_factory=dict)
