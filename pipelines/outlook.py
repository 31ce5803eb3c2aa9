"""What a run would fetch, and how far it would reach, told before anything is there and without the network.

For every source that the store does not have: where it comes from, whether the profile may train on it, how much it was
once seen to hold (`expected`), and what reading it politely and working through it would take. For every mixture:
what each component needs, what is known to be there, and the epochs that follow. Figures are of the catalogue and of
measurements on another corpus: they say what to buy, not what will come. Not here: the plan of what is there (`plan`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table

from mixer.schedule import exact, normalise
from mixer.settings import ComponentConfig, MixtureConfig
from pipelines.config import RunConfig
from pipelines.plan import in_store
from sources.catalog import SourceConfig
from sources.crawled import store_of
from sources.files import folder_of
from sources.rights import allows, rights_from

TOKENS_A_CPU_SECOND = 140_000
"""Raw files to packed ids for one target: the real sample's 11 M tokens took 80 CPU seconds."""
SECONDS_A_REQUEST = 2.0
"""One request a host at a time, a second apart; pages of scanned or large files take longer than the pause."""


@dataclass(frozen=True, slots=True)
class Want:
    """A source that is not there: its declaration, and why it cannot be had yet, if so."""

    source: SourceConfig
    note: str


def absent(config: RunConfig) -> list[Want]:
    """Return the sources whose data is neither in the store nor in the folder that they name."""
    store = store_of(config.web)
    wanted = []
    for source in config.sources:
        if source.hub is not None and not source.hub.revision:
            wanted.append(Want(source, "pin the commit first"))
        elif source.is_fetched and in_store(source, store, config.seed) is None:
            wanted.append(Want(source, ""))
        elif not source.is_fetched and folder_of(source.model_copy(update={"optional": True}), Path.cwd()) is None:
            wanted.append(Want(source, "bring it by hand"))
    return wanted


def render_outlook(config: RunConfig, wanted: list[Want], cores: int) -> RenderableType:
    """Return what is absent, what that would take on so many cores, and what the mixtures would make of it."""
    told = [_sources(config, wanted, cores)]
    return Group(*told, *(_mixture(config, mixture) for mixture in config.mixtures))


def _sources(config: RunConfig, wanted: list[Want], cores: int) -> Table:
    title = f"not there yet: {len(wanted)} of {len(config.sources)} sources"
    table = Table("source", "from", "licence", config.profile, "documents", "tokens", "fetch", title=title)
    table.add_column(f"work, {cores} cores")
    table.add_column("note")
    table.title_justify = "left"
    for want in wanted:
        source, tokens = want.source, expected_tokens(want.source)
        documents = source.expected.documents if source.expected else 0
        fetching = _hours(documents * SECONDS_A_REQUEST) if source.web and documents else "by size"
        figures = _count(documents), _count(tokens), "?" if source.web and not documents else fetching
        work = _hours(tokens / TOKENS_A_CPU_SECOND / cores) if tokens else "?"
        told = source.name, _origin(source), source.rights.spdx, _allowed(config, source)
        table.add_row(*told, *figures, work, want.note)
    known = [tokens for want in wanted if (tokens := expected_tokens(want.source))]
    work = _hours(sum(known) / TOKENS_A_CPU_SECOND / cores)
    table.add_row(f"all {len(known)} known", "", "", "", "", f"{sum(known):,}", "", work, "", style="bold")
    return table


def expected_tokens(source: SourceConfig) -> int:
    """Return the tokens that a source should bring: those asked for, else those once counted; 0 when nobody knows."""
    if source.hub and source.hub.tokens:
        return source.hub.tokens
    return source.expected.tokens if source.expected else 0


def _count(number: int) -> str:
    return f"{number:,}" if number else "?"


def _origin(source: SourceConfig) -> str:
    if source.web:
        return ", ".join(source.web.hosts)
    return f"hub: {source.hub.repo}" if source.hub else source.path


def _allowed(config: RunConfig, source: SourceConfig) -> str:
    """Say whether the run's profile may train on what the source declares; a document may state its own terms."""
    return "yes" if allows(rights_from(source.rights.spdx), config.profile) else "only what states it may"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 360 else f"{seconds / 60:,.1f} min"


def _mixture(config: RunConfig, mixture: MixtureConfig) -> Table:
    budget = mixture.total_tokens
    length = f"{budget:,} tokens" if budget else "as long as the caps allow"
    title = f"mixture {mixture.name} for {mixture.target}: {length}, sequences of {mixture.sequence_tokens:,}"
    table = Table("component", "weight", "tokens wanted", "tokens known", "epochs", "at most", title=title)
    table.title_justify = "left"
    for component, share in zip(mixture.components, _shares(mixture), strict=True):
        known = _known_tokens(config, component)
        wanted = int(share * budget) if budget else None
        epochs = f"{wanted / known:.2f}" if wanted and known else "?"
        figures = f"{wanted:,}" if wanted is not None else "?", f"{known:,}" if known else "?"
        table.add_row(component.name, f"{float(share):.2%}", *figures, epochs, str(component.max_epochs))
    return table


def _shares(mixture: MixtureConfig) -> Iterator[Fraction]:
    """Yield each component's share of the tokens: of the weights, or over all phases."""
    if not mixture.phases:
        yield from normalise([exact(str(component.weight)) for component in mixture.components])
        return
    totals = [Fraction(0)] * len(mixture.components)
    for phase in mixture.phases:
        ends = [phase.weights, phase.weights_to or phase.weights]
        for weights in ends:
            shares = normalise([exact(str(weights.get(c.name, 0))) for c in mixture.components])
            totals = [t + exact(str(phase.share)) * s / 2 for t, s in zip(totals, shares, strict=True)]
    yield from totals


def _known_tokens(config: RunConfig, component: ComponentConfig) -> int:
    """Return the tokens that the catalogue knows of in a component's sources, 0 when it knows none."""
    mine = [
        source
        for source in config.sources
        if (component.sources is None or source.name in component.sources)
        and (component.kinds is None or source.kind in component.kinds)
    ]
    return sum(expected_tokens(source) for source in mine)
