"""The run file: what a run is made of, typed, with every field declared as deciding bytes or only speed.

Sources, stages and mixtures are lists of small settings; the stages' own settings live with the stages and meet here
by their `kind`. Weights are exact: they are read as decimals, never as floats. Not here: reading YAML and telling
where a mistake stands (`pipelines.load`), and turning settings into work (`pipelines.plan`).
"""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import Field, create_model, field_validator, model_validator

from mixer.settings import MixtureConfig, Name
from pipelines.engine.settings import BYTES, SPEED, Misplaced, Settings
from pipelines.report.card_section import CardConfig
from pipelines.stage_table import STAGES
from sources.catalog import SourceConfig
from sources.rights import PROFILES, Profile
from sources.teacher.settings import TeacherSettings
from sources.web.settings import WebRunConfig


class DemoTokenizer(Settings):
    """The byte-level BPE that the run trains for the target `demo`."""

    vocabulary: Annotated[int, Field(ge=300), BYTES] = 2000


class RetentionConfig(Settings):
    """What the audit of slices (stage `coverage`) asks for."""

    floors: Annotated[dict[str, Annotated[float, Field(ge=0, le=1)]], SPEED] = Field(default_factory=dict)
    """Least share of a slice's documents that must be kept, as in {"disease:malaria": 0.5}, or the run fails."""
    alarm: Annotated[float, Field(ge=0, le=1), SPEED] = 0.5
    """A slice that is kept at less than this part of the overall rate is told as an alarm, ..."""
    min_documents: Annotated[int, Field(ge=1), SPEED] = 30
    """... when it has so many documents."""


class ResourcesConfig(Settings):
    """What one task asks of the cluster."""

    cpus: Annotated[float, Field(gt=0), SPEED] = 1
    memory_bytes: Annotated[int, Field(ge=0), SPEED] = 0
    timeout_s: Annotated[float, Field(gt=0), SPEED] = 6 * 3600


def _stage_model(kind: str) -> Any:
    config = STAGES[kind].config
    fields: dict[str, Any] = {"kind": (Annotated[Literal[kind], BYTES], ...)}
    return create_model(config.__name__, __base__=config, __doc__=config.__doc__, **fields)


if TYPE_CHECKING:
    StageItem = Settings
else:
    StageItem = Annotated[Union[tuple(_stage_model(kind) for kind in STAGES)], Field(discriminator="kind")]  # noqa: UP007


class RunConfig(Settings):
    """A whole run: sources, the stages they go through, and the mixtures made of what is kept."""

    name: Annotated[Name, SPEED]
    out: Annotated[str, Field(min_length=1), SPEED]
    seed: Annotated[int, Field(ge=0), BYTES]
    profile: Annotated[Profile, BYTES] = "research-internal"
    shard_bytes: Annotated[int, Field(ge=1024), BYTES] = 16 << 20
    max_quarantined: Annotated[float, Field(ge=0, le=1), SPEED] = 0.1
    """Share of quarantined records above which the run exits with an error, after finishing."""
    sources: Annotated[tuple[SourceConfig, ...], Field(min_length=1), BYTES]
    stages: Annotated[tuple[StageItem, ...], BYTES]
    demo_tokenizer: Annotated[DemoTokenizer, BYTES] = DemoTokenizer()
    mixtures: Annotated[tuple[MixtureConfig, ...], BYTES] = ()
    retention: Annotated[RetentionConfig, SPEED] = RetentionConfig()
    resources: Annotated[ResourcesConfig, SPEED] = ResourcesConfig()
    web: Annotated[WebRunConfig | None, SPEED] = None
    teacher: Annotated[TeacherSettings | None, SPEED] = None
    """Who generates; what it decides is written in each record that it made."""
    card: Annotated[CardConfig, SPEED] = CardConfig()
    _file: str = ""
    _overrides: tuple[str, ...] = ()

    def came_from(self, file: str, overrides: Iterable[str]) -> "RunConfig":
        """Note the run file, as it was named, and the overrides that made these settings; return them."""
        self._file, self._overrides = file, tuple(overrides)
        return self

    @property
    def command(self) -> str:
        """Return the command that runs exactly this, from where it was given; empty when nobody gave one."""
        words = ["medmix", "run", self._file, *(word for one in self._overrides for word in ("-s", one))]
        return shlex.join(words) if self._file else ""

    def read_from(self) -> dict[str, Any]:
        """Return the name of the run file and the overrides that decide bytes and name no folder of a machine."""
        given = [
            one
            for one in self._overrides
            if self.decides(one.partition("=")[0].partition(".")[0]) == "bytes"
            and one.partition("=")[2][:1] not in ("/", "~", "$")
        ]
        return {"name": Path(self._file).name, "settings": given}

    @field_validator("sources", "mixtures")
    @classmethod
    def _distinct(cls, items: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [item.name for item in items]
        if len(set(names)) < len(names):
            raise ValueError(f"names must differ, but are {names}")
        return items

    @model_validator(mode="after")
    def _hub_is_pinned(self) -> "RunConfig":
        for index, source in enumerate(self.sources):
            if source.hub is not None and not source.hub.revision and not source.optional:
                told = (
                    f"pin the commit of {source.hub.repo} that this run reads, 40 hex digits: "
                    "`hub: {revision: ...}`; see its history of commits on the hub"
                )
                raise Misplaced(told, "sources", index, "hub", "revision")
        return self

    @model_validator(mode="after")
    def _judged_last(self) -> "RunConfig":
        """Rights, retraction and removal act in `consolidate` alone, so no mixture may be made without it."""
        kinds = [stage.kind for stage in self.stages]  # type: ignore[attr-defined]
        judged = kinds[: -1 if kinds[-1:] == ["sample"] else None]
        if self.mixtures and (judged.count("consolidate") != 1 or judged[-1] != "consolidate"):
            told = (
                f"a mixture needs `consolidate` as the last stage (but for `sample`), and once; the stages are {kinds}"
            )
            raise Misplaced(told, "stages")
        if "sample" in judged:
            told = "`sample` counts what is left after all other stages, so it stands last"
            raise Misplaced(told, "stages", judged.index("sample"))
        for index, stage in enumerate(self.stages):
            own = getattr(stage, "profile", self.profile)
            if "profile" in stage.model_fields_set and PROFILES.index(own) > PROFILES.index(self.profile):
                told = f"a stage's profile {own!r} allows more than the run's, {self.profile!r}; remove it"
                raise Misplaced(told, "stages", index, "profile")
        return self

    @model_validator(mode="after")
    def _samples_name_sources(self) -> "RunConfig":
        names = {source.name for source in self.sources}
        for index, stage in enumerate(self.stages):
            if unknown := sorted(set(getattr(stage, "sources", ())) - names):
                told = f"unknown source {unknown[0]!r}; the run file has {sorted(names)}"
                raise Misplaced(told, "stages", index, "sources")
        return self

    @model_validator(mode="after")
    def _card_names_sources(self) -> "RunConfig":
        names = {source.name for source in self.sources}
        if unknown := sorted(self.card.sources.keys() - names):
            raise Misplaced(
                f"unknown source {unknown[0]!r}; the run file has {sorted(names)}", "card", "sources", unknown[0]
            )
        return self

    @model_validator(mode="after")
    def _components_name_sources(self) -> "RunConfig":
        names = {source.name for source in self.sources}
        for at, mixture in enumerate(self.mixtures):
            for index, component in enumerate(mixture.components):
                unknown = set(component.sources or ()) - names
                if unknown:
                    told = (
                        f"mixture {mixture.name}, component {component.name}: unknown source {sorted(unknown)}; "
                        f"the run file has {sorted(names)}"
                    )
                    raise Misplaced(told, "mixtures", at, "components", index, "sources")
        return self
