"""What a source on the hub declares: a data set at one commit, and which of its files.

The commit is 40 hex digits, as a branch or a tag may move. A preset of the catalogue cannot know it, so a run file must
say it (`pipelines.config` asks for it). Not here: asking the hub (`sources.replay.fetch`).
"""

from typing import Annotated

from pydantic import Field, model_validator

from pipelines.engine.settings import BYTES, Settings


class HubConfig(Settings):
    """A data set of the hub: `files` by patterns, or those that its card gives to a `config` and a `split`."""

    repo: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[\w.-]+$"), BYTES]
    revision: Annotated[str, BYTES] = ""
    """The commit, 40 hex digits; pinned by the run file."""
    config: Annotated[str | None, BYTES] = None
    split: Annotated[str | None, BYTES] = None
    files: Annotated[tuple[str, ...], BYTES] = ()
    """Patterns of paths in the repository, instead of `config` and `split`."""
    tokens: Annotated[int | None, Field(gt=0), BYTES] = None
    """Fetch about so many estimated tokens: row groups (of other formats, files) drawn by the run's seed."""

    @model_validator(mode="after")
    def _one_way(self) -> "HubConfig":
        if self.files and (self.config or self.split):
            raise ValueError("give either `files`, or `config` and `split`, not both")
        return self
