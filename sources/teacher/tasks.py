"""A generation file: what is made of which finished run, by which teacher, with which journal.

Generation is a job of its own, as crawling is: `medmix generate FILE` reads the kept documents of a run and writes a
folder that a source of another run reads (`parser: generated`). `medmix run` never asks a teacher. `out` and `run` are
relative to where you are, `journal` to the file. Not here: doing it (`generation`).
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.engine.settings import BYTES, SPEED, Misplaced, Settings
from sources.document import Kind
from sources.rights import Profile
from sources.teacher.settings import TeacherSettings

Form = Literal["question", "vignette"]


class McqTask(Settings):
    """Enrich the questions of some sources of the run."""

    kind: Annotated[Literal["mcq"], BYTES]
    sources: Annotated[tuple[str, ...], Field(min_length=1), BYTES]
    attempts: Annotated[int, Field(ge=1, le=64), BYTES] = 3
    orders: Annotated[int, Field(ge=2, le=26), BYTES] = 2
    """Orders of the options in which the answer must be gold, the document's own included."""
    passages: Annotated[int, Field(ge=1, le=9), BYTES] = 4
    """How many passages are shown with a question."""


class GuidelineTask(Settings):
    """Ask questions of the sections of some sources of the run."""

    kind: Annotated[Literal["guideline_qa"], BYTES]
    sources: Annotated[tuple[str, ...], Field(min_length=1), BYTES]
    attempts: Annotated[int, Field(ge=1, le=64), BYTES] = 3
    forms: Annotated[tuple[Form, ...], Field(min_length=1), BYTES] = ("question", "vignette")
    least_chars: Annotated[int, Field(ge=1), BYTES] = 300
    most_chars: Annotated[int, Field(ge=1), BYTES] = 6000
    """Sections with fewer or more characters are left out, and counted."""


class DifferentialTask(Settings):
    """Tell anew, in the teacher's words, the differentials that some sources of the run hold."""

    kind: Annotated[Literal["differential"], BYTES]
    sources: Annotated[tuple[str, ...], Field(min_length=1), BYTES]
    attempts: Annotated[int, Field(ge=1, le=64), BYTES] = 3
    knowledge: Annotated[str, Field(min_length=1), SPEED]
    """The base that they were drawn from: a folder of configs/knowledge or a path. Its digest decides bytes."""


Task = Annotated[McqTask | GuidelineTask | DifferentialTask, Field(discriminator="kind")]


class GenerationConfig(Settings):
    """One generation file; `name` is the name of the source that its documents have."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$"), BYTES]
    out: Annotated[str, Field(min_length=1), SPEED]
    seed: Annotated[int, Field(ge=0), BYTES]
    profile: Annotated[Profile, BYTES] = "research-internal"
    run: Annotated[str, Field(min_length=1), SPEED]
    """The folder of the finished run whose kept documents are read."""
    evidence: Annotated[tuple[Kind, ...], Field(min_length=1), BYTES] = ("guideline", "article", "label", "reference")
    """Kinds of documents whose passages are shown with a question."""
    tasks: Annotated[tuple[Task, ...], Field(min_length=1), BYTES]
    teacher: Annotated[TeacherSettings, BYTES]
    journal: Annotated[str, Field(min_length=1), SPEED]
    """The folder in which every answer is kept, and found again by any later job."""
    retries: Annotated[int, Field(ge=0), BYTES] = 0
    """Raise it to do the job again and ask anew what ended without any answer, as after an outage; answers stay."""
    items_per_shard: Annotated[int, Field(ge=1), BYTES] = 500

    @model_validator(mode="after")
    def _distinct(self) -> "GenerationConfig":
        kinds = [task.kind for task in self.tasks]
        if twice := [index for index, kind in enumerate(kinds) if kind in kinds[:index]]:
            raise Misplaced(f"{kinds[twice[0]]!r} stands twice; give it all its sources at once", "tasks", twice[0])
        return self
