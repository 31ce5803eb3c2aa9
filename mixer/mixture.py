"""The stage that makes a mixture out of tokenised documents: which document goes where, for every sequence.

One task over lengths only: documents are told into components, packed, the budget is proven against the epoch caps,
the schedule assigned, and each place given its packed sequence by a keyed permutation an epoch. The output is the
virtual mixture: component, packed sequence and epoch of each place (`main`), and the pieces of every packed sequence
of each component. Not here: token ids (`materialise`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mixer.caps import Budget, Shape, Supply, fit_budget
from mixer.ledger import TokenLedger
from mixer.pack import Breaks, Packed, PackRule, pack
from mixer.permutation import permutation
from mixer.schedule import Phase, assign, exact, normalise
from mixer.settings import ComponentConfig, MixtureConfig
from mixer.target import Target
from mixer.tokenized import open_tokens
from pipelines.engine.errors import PlanError
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask
from sources.document import Kind

Ints = npt.NDArray[np.int64]
LIGHT = ["source", "kind", "language", "evidence", "marked", "section_breaks", "paragraph_breaks"]


@dataclass(frozen=True, slots=True)
class Share:
    """One component: its documents (rows over all shards of tokens), their lengths and their packing."""

    settings: ComponentConfig
    rows: Ints
    lengths: Ints
    packed: Packed


class Takes(Protocol):
    """What says which documents a component takes; None takes all."""

    name: str
    sources: tuple[str, ...] | None
    kinds: tuple[Kind, ...] | None
    languages: tuple[str, ...] | None
    evidence: tuple[str, ...] | None


class MixtureStage:
    """Plan one mixture over the tokens of its target."""

    version = "3"
    reasons: frozenset[str] = frozenset()

    def __init__(self, settings: MixtureConfig, seed: int, target: Target, absent: frozenset[str]) -> None:
        self.name = f"mixture-{settings.name}"
        self._settings = settings
        self._seed = seed
        self._target = target
        self._absent = absent

    def identity(self) -> dict[str, Any]:
        """Return the mixture's settings, the seed, the target's rules and the sources that are not there."""
        named = {"mixture": self._settings.identity(), "target": self._target.identity()}
        return {**named, "seed": self._seed, "absent": sorted(self._absent)}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task that reads the lengths of every shard of tokens."""
        return [ShardTask("plan", {"tokens": tuple(inputs["tokens"].files())})]

    def run(self, shard: Shard) -> None:
        """Write the order of the sequences and the pieces of each component."""
        documents = _documents(shard)
        member = members(documents, self._settings.components)
        shares = [self._share(documents, member, index) for index in range(len(self._settings.components))]
        budget = self._budget(shares)
        order = order_of(
            [share.settings.name for share in shares], [s.packed for s in shares], budget.phases, self._seed
        )
        shard.write(order)
        for share in shares:
            shard.write(_pieces(share), f"pieces.{share.settings.name}")
        shard.facts.update(self._facts(shares, budget, order))

    def _share(self, documents: pa.Table, member: Ints, index: int) -> Share:
        rows = np.flatnonzero(member == index)
        mine = documents.take(rows)
        lengths = mine["length"].to_numpy().astype(np.int64)
        settings, target = self._settings, self._target
        window = settings.window_documents
        rule = PackRule(settings.sequence_tokens, target.bos, target.eos, target.continuation_bos, window)
        sections, paragraphs = (Breaks.of(mine[name]) for name in ("section_breaks", "paragraph_breaks"))
        packed = pack(lengths, rule, sections, paragraphs, mine["marked"].to_numpy())
        return Share(settings.components[index], rows, lengths, packed)

    def _budget(self, shares: Sequence[Share]) -> Budget:
        settings = self._settings
        supplies = [
            Supply(
                s.settings.name, s.packed.sequences, exact(str(s.settings.max_epochs)), self._is_optional(s.settings)
            )
            for s in shares
        ]
        wanted = settings.total_tokens and settings.total_tokens // settings.sequence_tokens
        return fit_budget(wanted, _shapes(settings), supplies, settings.on_cap)

    def _is_optional(self, component: ComponentConfig) -> bool:
        """Say whether a component may be empty: its sources are absent, or sources of unknown kinds are."""
        return bool(self._absent) and (component.sources is None or set(component.sources) <= self._absent)

    def _facts(self, shares: Sequence[Share], budget: Budget, order: pa.Table) -> dict[str, Any]:
        component, packed = order["component"].to_numpy(), order["packed"].to_numpy()
        facts = []
        for index, share in enumerate(shares):
            ledger = TokenLedger.of(share.packed, share.lengths, packed[component == index])
            ledger.check(f"mixture {self._settings.name}, component {share.settings.name}")
            facts.append(
                {
                    "name": share.settings.name,
                    "requested": str(budget.requested[index]),
                    "effective": str(budget.effective[index]),
                    "max_epochs": str(share.settings.max_epochs),
                    **ledger.to_json(),
                }
            )
        return {
            "target": self._target.name,
            "sequences": len(component),
            "sequence_tokens": self._settings.sequence_tokens,
            "components": facts,
            "notes": list(budget.notes),
            "alarms": [f"mixture {self._settings.name}: {note}" for note in budget.notes],
        }


class Counted(Protocol):
    """So many packed sequences: a packing, or a count in the place of one."""

    @property
    def sequences(self) -> int:
        """Return how many."""
        ...


def order_of(names: Sequence[str], packed: Sequence[Counted], phases: Sequence[Phase], seed: int) -> pa.Table:
    """Return component, packed sequence and epoch of each place, in training order; each epoch is shuffled anew.

    The columns take 14 bytes a place, and making them 8 more for those of the component at hand.
    """
    component = assign(phases)
    picked, epoch = np.zeros(len(component), np.int64), np.zeros(len(component), np.int32)
    for index, (name, share) in enumerate(zip(names, packed, strict=True)):
        places, size = np.flatnonzero(component == index), share.sequences
        for number, first in enumerate(range(0, len(places), size or 1)):
            here = places[first : first + size]
            epoch[here] = number
            picked[here] = permutation(np.arange(len(here)), size, seed, "epoch order", name, number)
    return pa.table({"component": component, "packed": picked, "epoch": epoch})


def _documents(shard: Shard) -> pa.Table:
    """Return the light columns of all documents and their lengths, in shard order."""
    tables = []
    for ref in shard.inputs("tokens"):
        table = open_tokens(shard, ref)
        tables.append(table.select(LIGHT).append_column("length", pc.list_value_length(table["ids"])))
    return pa.concat_tables(tables).combine_chunks()


def members(documents: pa.Table, components: Sequence[Takes]) -> Ints:
    """Return the component of each document, -1 for none. Raises PlanError when two components claim one."""
    member = np.full(documents.num_rows, -1, np.int64)
    for index, component in enumerate(components):
        mine = np.ones(documents.num_rows, np.bool_)
        for column, wanted in (
            ("source", component.sources),
            ("kind", component.kinds),
            ("language", component.languages),
            ("evidence", component.evidence),
        ):
            if wanted is not None:
                found = pc.fill_null(pc.is_in(documents[column], pa.array(wanted, pa.string())), False)
                mine &= found.to_numpy(zero_copy_only=False)
        both = np.flatnonzero(mine & (member >= 0))
        if len(both):
            row = documents.slice(int(both[0]), 1).to_pylist()[0]
            raise PlanError(
                f"components {components[member[both[0]]].name!r} and {component.name!r} both take {len(both):,} "
                f"documents, e.g. of source {row['source']!r}, kind {row['kind']!r}; "
                "tell them apart by sources, kinds, languages or evidence"
            )
        member[mine] = index
    return member


def _shapes(settings: MixtureConfig) -> list[Shape]:
    """Return the phases asked for, weights normalised; without phases one with the components' weights."""
    names = [component.name for component in settings.components]
    if not settings.phases:
        return [Shape(Fraction(1), normalise([exact(str(c.weight)) for c in settings.components]))]
    shapes = []
    for phase in settings.phases:
        start = normalise([exact(str(phase.weights.get(name, 0))) for name in names])
        end = phase.weights_to
        until = normalise([exact(str(end.get(name, 0))) for name in names]) if end else None
        shapes.append(Shape(exact(str(phase.share)), start, until))
    return shapes


def _pieces(share: Share) -> pa.Table:
    """Return the pieces of every packed sequence: its number, the document's row, start, tokens and marks."""
    packed = share.packed
    sequence = np.repeat(np.arange(packed.sequences), np.diff(packed.offsets))
    return pa.table(
        {
            "sequence": sequence,
            "row": share.rows[packed.document],
            "start": packed.start,
            "tokens": packed.tokens,
            "bos": packed.bos,
            "eos": packed.eos,
        }
    )
