"""What an experiment declares: components, proxies, what they are judged by, and how far the proposal is confirmed.

An experiment stands on a finished run and asks one question about its components' shares. Weights and shares are exact
decimals. Not here: the run file that it stands on, and reading YAML (`pipelines.experiment_file`).
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, model_validator

from mixer.settings import Name
from mixer.target import DEMO
from pipelines.engine.settings import BYTES, SPEED, Misplaced, Settings
from sources.document import Kind

HELD_OUT, QUESTIONS, SLICE, GENERAL = "held-out", "questions", "slice", "general"
"""Families of targets: `held-out/COMPONENT`, `questions/SET`, `slice/AXIS:NAME`; `general` is a target of its own."""
Share = Annotated[Decimal, Field(ge=0, le=1)]


class ExperimentComponent(Settings):
    """One component: the documents of these sources, kinds, languages and evidence (all of them when not given)."""

    name: Annotated[Name, BYTES]
    sources: Annotated[tuple[str, ...] | None, BYTES] = None
    kinds: Annotated[tuple[Kind, ...] | None, BYTES] = None
    languages: Annotated[tuple[str, ...] | None, BYTES] = None
    evidence: Annotated[tuple[str, ...] | None, BYTES] = None
    max_epochs: Annotated[Decimal, Field(gt=0), BYTES] = Decimal(4)
    """How often the target run may repeat it: a cap on its weight."""
    general: Annotated[bool, BYTES] = False
    """Replay: its held-out documents tell what is forgotten, and its share is an axis of the design."""
    weight: Annotated[Decimal | None, Field(ge=0), BYTES] = None
    """Its share in the mixture that is used today; without any, shares of tokens are (the natural mixture)."""


class ProxyConfig(Settings):
    """The small models: their size and training, and what each asks of the machine.

    With `base`, each proxy is that model trained on, and width, layers, heads and vocabulary say nothing.
    """

    base: Annotated[str | None, SPEED] = None
    """Folder of a checkpoint of `transformers` with its tokenizer.json; the digest of its files is in the identity."""
    target: Annotated[str, BYTES] = DEMO
    """The target that `base` is of, by name of `configs/targets/` or path: which marks documents get."""
    width: Annotated[int, Field(ge=8), BYTES] = 64
    layers: Annotated[int, Field(ge=1), BYTES] = 2
    heads: Annotated[int, Field(ge=1), BYTES] = 4
    vocabulary: Annotated[int, Field(ge=300, le=65_536), BYTES] = 1000
    """Entries of the byte-level BPE that is trained on the components; 4,096 are plenty on a CPU."""
    sequence_tokens: Annotated[int, Field(ge=16), BYTES] = 128
    tokens: Annotated[int, Field(gt=0), BYTES]
    """Tokens that each proxy is trained on: the same for all of them."""
    batch_sequences: Annotated[int, Field(ge=1), BYTES] = 16
    learning_rate: Annotated[float, Field(gt=0), BYTES] = 0.002
    """Of matrices at width 128, in others times 128 / width (as in muP, arXiv 2203.03466); embeddings take 20 times it,
    but for a `base`, all of which takes it as it is."""
    evaluations: Annotated[int, Field(ge=1), BYTES] = 3
    """How often on the way, the end included, a proxy is judged: trajectories can stand in for longer runs."""
    device: Annotated[str, Field(pattern="^(cpu|cuda)$"), BYTES] = "cpu"
    """Bit-exact on `cpu` only."""
    cpus: Annotated[float, Field(gt=0), SPEED] = 1
    gpus: Annotated[float, Field(ge=0), SPEED] = 0
    memory_bytes: Annotated[int, Field(ge=0), SPEED] = 0
    timeout_s: Annotated[float, Field(gt=0), SPEED] = 24 * 3600
    checkpoint_steps: Annotated[int, Field(ge=1), SPEED] = 200
    """Steps between checkpoints, from which a proxy that was killed goes on."""
    tokens_per_s: Annotated[float | None, Field(gt=0), SPEED] = None
    """What one proxy trains in a second on the machine in mind; without it, this machine is measured for the plan."""

    @model_validator(mode="after")
    def _divides(self) -> "ProxyConfig":
        if self.width % (2 * self.heads):
            raise ValueError(f"proxy: width {self.width} must be a multiple of twice the {self.heads} heads")
        if (self.base is None) != (self.target == DEMO):
            raise ValueError("proxy: `base` and `target` go together: a checkpoint, and the target that it is of")
        if self.tokens < self.sequence_tokens * self.batch_sequences:
            raise ValueError(
                f"proxy: {self.tokens:,} tokens are less than one batch of {self.batch_sequences} sequences of "
                f"{self.sequence_tokens} tokens"
            )
        return self

    @property
    def steps(self) -> int:
        """Return how many batches a proxy is trained on."""
        return self.tokens // (self.sequence_tokens * self.batch_sequences)


class HeldOutConfig(Settings):
    """Which documents no proxy is trained on: a share of each component, whole items, up to so many tokens."""

    share: Annotated[Share, BYTES] = Decimal("0.1")
    tokens: Annotated[int, Field(gt=0), BYTES] = 20_000
    """Estimated tokens that judge, of each component, at which it ends; one item of it is always held out."""
    document_tokens: Annotated[int, Field(gt=0), BYTES] = 512
    """So many of a document's tokens judge at most, from a place drawn by the seed: else a long one judges alone."""


class QuestionSet(Settings):
    """Questions whose gold answers are scored: those of these sources of the run that are not for training."""

    name: Annotated[Name, BYTES]
    sources: Annotated[tuple[str, ...], Field(min_length=1), BYTES]
    limit: Annotated[int, Field(ge=1), BYTES] = 200
    """At most so many questions, drawn by the seed."""


class SliceConfig(Settings):
    """Which attributes of the stage `coverage` make targets of their own."""

    axes: Annotated[tuple[str, ...], BYTES] = ("disease", "region", "income")
    min_documents: Annotated[int, Field(ge=1), BYTES] = 20
    """Held-out documents that a slice needs for its loss to be told."""


class DesignConfig(Settings):
    """How the mixtures are drawn; the fields of `mixer.experiments.design`."""

    runs: Annotated[int | None, Field(ge=4), BYTES] = None
    """Mixtures of the sweep; default max(4 x components, 32)."""
    held_out: Annotated[Share, BYTES] = Decimal("0.1")
    """Part of the mixtures that no surface is fitted to: they judge it."""
    general_shares: Annotated[tuple[Share, ...], BYTES] = ()
    """Shares of the general component that the sweep goes through, e.g. 0, 0.01, 0.05, 0.1, 0.25, 0.5."""

    def count(self, components: int) -> int:
        """Return how many mixtures are drawn for so many components."""
        return self.runs or max(4 * components, 32)


class ExperimentConfig(Settings):
    """An experiment: a question, the run whose documents it mixes, proxies, targets, and confirmation."""

    name: Annotated[Name, SPEED]
    question: Annotated[str, Field(min_length=1), SPEED]
    run: Annotated[str, Field(min_length=1), SPEED]
    """The run file, from this file's folder; the run is brought to its end first."""
    out: Annotated[str, Field(min_length=1), SPEED]
    seed: Annotated[int, Field(ge=0), BYTES]
    target_tokens: Annotated[int, Field(gt=0), BYTES]
    """Length of the training that the mixture is for, in tokens of 4 bytes: it decides epochs, hence caps, and how much
    of a scarce component a proxy may see, so that it repeats documents as often as the target will."""
    components: Annotated[tuple[ExperimentComponent, ...], Field(min_length=2), BYTES]
    proxy: Annotated[ProxyConfig, BYTES]
    design: Annotated[DesignConfig, BYTES] = DesignConfig()
    results: Annotated[str | None, SPEED] = None
    """Folder with `ratios.csv` and `metrics.csv` of runs obtained elsewhere, in the place of a sweep; the digests of
    both are in the identity."""
    held_out: Annotated[HeldOutConfig, BYTES] = HeldOutConfig()
    questions: Annotated[tuple[QuestionSet, ...], BYTES] = ()
    slices: Annotated[SliceConfig, BYTES] = SliceConfig()
    objective: Annotated[dict[str, Decimal], Field(min_length=1), BYTES]
    """Targets and their weights, as in {held-out/guidelines: 1, questions/medqa: 2}: what the proposal minimises."""
    forgetting: Annotated[Decimal | None, Field(ge=0), BYTES] = None
    """By how many bits per byte the loss on general text may exceed that of the natural mixture."""
    confirm_seeds: Annotated[int, Field(ge=3), BYTES] = 3
    """Seeds with which the proposal, the natural and the uniform mixture are trained in the end."""

    @model_validator(mode="after")
    def _consistent(self) -> "ExperimentConfig":
        names = [component.name for component in self.components]
        if len(set(names)) < len(names):
            raise Misplaced(f"two components have the same name in {names}", "components")
        if 0 < len([one for one in self.components if one.weight is not None]) < len(names):
            raise Misplaced("give every component a weight, or none of them", "components")
        if self.design.general_shares and not any(one.general for one in self.components):
            raise Misplaced("general_shares needs a component with `general: true`", "design", "general_shares")
        if self.forgetting is not None and not any(one.general for one in self.components):
            raise Misplaced("needs a component with `general: true` to measure it on", "forgetting")
        known = self.targets
        for target, weight in self.objective.items():
            if not target.startswith(f"{SLICE}/") and target not in known:
                raise Misplaced(f"unknown target {target!r}; known: {known} and slice/AXIS:NAME", "objective")
            if weight <= 0:
                raise Misplaced(f"{target}: a weight must be above 0", "objective")
        return self

    @property
    def targets(self) -> list[str]:
        """Return the targets that every run of it has, without those of slices."""
        held_out = [f"{HELD_OUT}/{one.name}" for one in self.components]
        return [*held_out, *(f"{QUESTIONS}/{one.name}" for one in self.questions)] + [GENERAL] * any(
            one.general for one in self.components
        )

    def weighted(self, value: dict[str, Any]) -> float:
        """Return the objective of a run: the weighted mean of its targets."""
        return sum(float(value[name]) * float(w) for name, w in self.objective.items()) / float(
            sum(self.objective.values())
        )
