"""What a mixture declares: components with weights, epoch caps, phases, a token budget and a target.

Weights are exact: they are read as decimals and become fractions, never floats. A component is told by the sources
and kinds it takes; a document may be in one component only. Not here: proving that a budget holds (`caps`).
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.engine.settings import BYTES, SPEED, Misplaced, Settings
from sources.document import Kind

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]


class ComponentConfig(Settings):
    """One share of a mixture: the documents of these sources and kinds (all of them when not given)."""

    name: Annotated[Name, BYTES]
    sources: Annotated[tuple[str, ...] | None, BYTES] = None
    kinds: Annotated[tuple[Kind, ...] | None, BYTES] = None
    languages: Annotated[tuple[str, ...] | None, BYTES] = None
    evidence: Annotated[tuple[str, ...] | None, BYTES] = None
    """Kinds of publication that the stage `evidence` found: guideline, systematic_review, randomised_trial, ..."""
    weight: Annotated[Decimal, Field(ge=0), BYTES]
    max_epochs: Annotated[Decimal, Field(gt=0), BYTES] = Decimal(4)


class PhaseConfig(Settings):
    """A stretch of the mixture with its own weights; with `weights_to` they move linearly to those."""

    share: Annotated[Decimal, Field(gt=0, le=1), BYTES]
    weights: Annotated[dict[str, Decimal], BYTES]
    weights_to: Annotated[dict[str, Decimal] | None, BYTES] = None


class FoundBy(Settings):
    """The experiment that found a mixture's weights, as its mixture file says; cards quote it."""

    experiment: Annotated[Name, SPEED]
    verdict: Annotated[str, Field(min_length=1), SPEED]
    evidence: Annotated[str, Field(pattern="^[0-9a-f]{64}$"), SPEED]
    """SHA-256 of the record in the experiment's log."""


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
    found_by: Annotated[FoundBy | None, SPEED] = None

    @model_validator(mode="after")
    def _consistent(self) -> "MixtureConfig":
        names = [component.name for component in self.components]
        if len(set(names)) < len(names):
            raise ValueError(f"mixture {self.name}: two components have the same name in {names}")
        if self.total_tokens is not None and self.total_tokens < self.sequence_tokens:
            raise ValueError(
                f"mixture {self.name}: total_tokens {self.total_tokens:,} is less than "
                f"one sequence of {self.sequence_tokens:,}"
            )
        if not self.phases and not any(component.weight for component in self.components):
            raise ValueError(f"mixture {self.name}: all weights are zero; give at least one component a weight")
        for index, phase in enumerate(self.phases):
            if not any(phase.weights.values()) or (phase.weights_to is not None and not any(phase.weights_to.values())):
                raise Misplaced(f"mixture {self.name}: a phase has no weight above zero", "phases", index)
            unknown = (phase.weights.keys() | (phase.weights_to or {}).keys()) - set(names)
            if unknown:
                told = f"mixture {self.name}: a phase names {sorted(unknown)}, the components are {names}"
                raise Misplaced(told, "phases", index, "weights")
        if self.phases and sum(phase.share for phase in self.phases) != 1:
            raise ValueError(
                f"mixture {self.name}: the shares of the phases add up to {sum(p.share for p in self.phases)}"
            )
        return self
