"""The run file: what a run is made of, typed, with every field declared as deciding bytes or only speed.

Sources, stages and mixtures are lists of small settings; the stages' own settings live with the stages and meet here
by their `kind`. Weights are exact: they are read as decimals, never as floats. Not here: reading YAML and telling
where a mistake stands (`pipelines.load`), and turning settings into work (`pipelines.plan`).
"""

from decimal import Decimal
from typing import Annotated, Any, Literal, Union

from pydantic import Field, create_model, field_validator, model_validator

from pipelines.engine.settings import BYTES, SPEED, Settings
from pipelines.stage_table import STAGES
from sources.catalog import SourceConfig
from sources.document import Kind
from sources.rights import Profile

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]


class ComponentConfig(Settings):
    """One share of a mixture: the documents of these sources and kinds (all of them when not given)."""

    name: Annotated[Name, BYTES]
    sources: Annotated[tuple[str, ...] | None, BYTES] = None
    kinds: Annotated[tuple[Kind, ...] | None, BYTES] = None
    languages: Annotated[tuple[str, ...] | None, BYTES] = None
    weight: Annotated[Decimal, Field(ge=0), BYTES]
    max_epochs: Annotated[Decimal, Field(gt=0), BYTES] = Decimal(4)


class PhaseConfig(Settings):
    """A stretch of the mixture with its own weights; with `weights_to` they move linearly to those."""

    share: Annotated[Decimal, Field(gt=0, le=1), BYTES]
    weights: Annotated[dict[str, Decimal], BYTES]
    weights_to: Annotated[dict[str, Decimal] | None, BYTES] = None


class MixtureConfig(Settings):
    """Components, budget, sequence length and seed for one target model."""

    name: Annotated[Name, BYTES]
    target: Annotated[str, BYTES]
    """`demo` (a BPE trained by the run), or a file of `configs/targets/` by name, or a path to one."""
    tokenizer: Annotated[str | None, SPEED] = None
    """Path of the target's tokenizer.json on this machine; its digest is part of the identity."""
    sequence_tokens: Annotated[int, Field(ge=8), BYTES] = 4096
    total_tokens: Annotated[int | None, Field(gt=0), BYTES] = None
    """Trained tokens of the target; None means as long as the epoch caps allow."""
    on_cap: Annotated[Literal["fail", "shorten", "redistribute"], BYTES] = "fail"
    components: Annotated[tuple[ComponentConfig, ...], Field(min_length=1), BYTES]
    phases: Annotated[tuple[PhaseConfig, ...], BYTES] = ()
    window_documents: Annotated[int, Field(gt=0), BYTES] = 20_000
    sequences_per_shard: Annotated[int, Field(gt=0), BYTES] = 4096
    optional: Annotated[bool, SPEED] = False
    """Left out, and said so, when its tokenizer file is not there."""

    @model_validator(mode="after")
    def _consistent(self) -> "MixtureConfig":
        names = [component.name for component in self.components]
        if len(set(names)) < len(names):
            raise ValueError(f"mixture {self.name}: two components have the same name in {names}")
        for phase in self.phases:
            unknown = (phase.weights.keys() | (phase.weights_to or {}).keys()) - set(names)
            if unknown:
                raise ValueError(f"mixture {self.name}: a phase names {sorted(unknown)}, the components are {names}")
        if self.phases and sum(phase.share for phase in self.phases) != 1:
            raise ValueError(f"mixture {self.name}: the shares of the phases add up to {sum(p.share for p in self.phases)}")
        return self


class DemoTokenizer(Settings):
    """The byte-level BPE that the run trains for the target `demo`."""

    vocabulary: Annotated[int, Field(ge=300), BYTES] = 2000


class ResourcesConfig(Settings):
    """What one task asks of the cluster."""

    cpus: Annotated[float, Field(gt=0), SPEED] = 1
    memory_bytes: Annotated[int, Field(ge=0), SPEED] = 0
    timeout_s: Annotated[float, Field(gt=0), SPEED] = 6 * 3600


def _stage_model(kind: str) -> Any:
    config = STAGES[kind].config
    return create_model(config.__name__, __base__=config, __doc__=config.__doc__, kind=(Annotated[Literal[kind], BYTES], ...))


StageItem = Annotated[Union[tuple(_stage_model(kind) for kind in STAGES)], Field(discriminator="kind")]  # noqa: UP007


class RunConfig(Settings):
    """A whole run: sources, the stages they go through, and the mixtures made of what is kept."""

    name: Annotated[Name, SPEED]
    out: Annotated[str, SPEED]
    seed: Annotated[int, Field(ge=0), BYTES]
    profile: Annotated[Profile, BYTES] = "research-internal"
    shard_bytes: Annotated[int, Field(ge=1024), BYTES] = 16 << 20
    max_quarantined: Annotated[float, Field(ge=0, le=1), SPEED] = 0.1
    """Share of quarantined records above which the run exits with an error, after finishing."""
    sources: Annotated[tuple[SourceConfig, ...], Field(min_length=1), BYTES]
    stages: Annotated[tuple[StageItem, ...], BYTES]
    demo_tokenizer: Annotated[DemoTokenizer, BYTES] = DemoTokenizer()
    mixtures: Annotated[tuple[MixtureConfig, ...], BYTES] = ()
    resources: Annotated[ResourcesConfig, SPEED] = ResourcesConfig()

    @field_validator("sources", "mixtures")
    @classmethod
    def _distinct(cls, items: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [item.name for item in items]
        if len(set(names)) < len(names):
            raise ValueError(f"names must differ, but are {names}")
        return items

    @model_validator(mode="after")
    def _components_name_sources(self) -> "RunConfig":
        names = {source.name for source in self.sources}
        for mixture in self.mixtures:
            for component in mixture.components:
                unknown = set(component.sources or ()) - names
                if unknown:
                    raise ValueError(
                        f"mixture {mixture.name}, component {component.name}: unknown source {sorted(unknown)}; "
                        f"the run file has {sorted(names)}"
                    )
        return self
