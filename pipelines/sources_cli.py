"""The verbs of `medmix sources`: what is in the catalogue, and fetching it.

Each verb is a few lines over a module that does the work, as in `pipelines.cli`. Not here: anything that opens the
web by itself (`pipelines.fetch`), and what an entry means (`sources.about`).
"""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

sources_app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The catalogue of sources, and fetching them."
)
console = Console(width=None if sys.stdout.isatty() else 200)
RunFile = Annotated[Path, typer.Argument(help="A run file, e.g. configs/demo.yaml")]
Setting = Annotated[list[str] | None, typer.Option("-s", "--set", help="Override, as key=value; repeatable")]


@sources_app.callback()
def sources() -> None:
    """Group the verbs below `medmix sources`, also while there is only one."""


@sources_app.command("list")
def list_sources() -> None:
    """Print the catalogue with rights, and how much of it was never verified."""
    from sources.listing import Row, counts, read_catalogue, row_of

    entries = list(read_catalogue().values())
    table = Table(*Row._fields, title="sources", title_justify="left")
    for config in entries:
        table.add_row(*row_of(config))
    console.print(table)
    for name, count in counts(entries).items():
        console.print(f"{name}: {count}")


@sources_app.command()
def show(name: Annotated[str, typer.Argument(help="A name that `medmix sources list` prints")]) -> None:
    """Print everything that the catalogue knows of one source."""
    from sources.listing import described, entry

    for field, value in described(entry(name)):
        console.print(f"[bold]{field}[/bold]: {escape(value)}", soft_wrap=True, highlight=False)


@sources_app.command()
def check(
    contact: Annotated[str, typer.Option(help="An https:// page or mailto: address, sent with every request")],
    names: Annotated[list[str] | None, typer.Argument(help="Names in the catalogue; default: all")] = None,
) -> None:
    """Compare entries of the catalogue with the web: a known document, two pages of the list, the page of terms.

    Exit code 1 when any of them moved, is blocked, or changed.
    """
    from sources.listing import entry, read_catalogue
    from sources.web.check import ROT, VERDICTS, check_with_web

    chosen = [entry(name) for name in dict.fromkeys(names or [])] or list(read_catalogue().values())
    reports = check_with_web(chosen, contact)
    table = Table("source", "verdict", "seen", title="check", title_justify="left")
    for report in reports:
        table.add_row(report.source, report.verdict, escape(report.seen))
    console.print(table)
    for verdict in VERDICTS:
        console.print(f"{verdict}: {sum(report.verdict == verdict for report in reports)}")
    raise typer.Exit(any(report.verdict in ROT for report in reports))


@sources_app.command()
def fetch(
    config: RunFile,
    names: Annotated[list[str] | None, typer.Argument(help="Sources to fetch; default: all that can be")] = None,
    setting: Setting = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Groups of hosts to fetch side by side")] = None,
    address: Annotated[str | None, typer.Option(help="Join the Ray cluster at this address")] = None,
    inline: Annotated[bool, typer.Option("--inline", help="Fetch in this process, one source after the other")] = False,
) -> None:
    """Fetch sources into the store of a run file, from the web politely; run again to go on after a stop."""
    from pipelines.fetch import check_finished
    from pipelines.fetch import fetch as fetch_all
    from pipelines.load import load_run
    from pipelines.report.funnel import source_table
    from pipelines.run import How

    loaded = load_run(config, setting or [])
    fetched = fetch_all(loaded, config, names or [], How(workers, address, inline, live=sys.stderr.isatty()))
    for manifest in filter(None, [fetched.manifest, *(one.manifest for one in fetched.frozen)]):
        console.print(source_table(manifest))
    for one in fetched.frozen:
        told = ", ".join(f"{name} {count:,}" for name, count in one.release.changes.items()) or "nothing"
        console.print(f"{one.release.source} {one.release.label}: {told} since the release before")
    for got in fetched.hub:
        console.print(got.told, soft_wrap=True, highlight=False)
    console.print(f"store: {fetched.store}", soft_wrap=True)
    check_finished(fetched)


@sources_app.command()
def purge(
    store: Annotated[Path, typer.Argument(help="A crawl store (the `web.store` of a run file)")],
    source: Annotated[str, typer.Argument(help="A source in packs, as pmc-oa")],
    names: Annotated[list[str], typer.Argument(help="PMCIDs, PMIDs, DOIs or URLs of articles")],
) -> None:
    """Take articles out of the packs of a store for good; a run made again holds nothing of them (`medmix remove`)."""
    from pipelines.check_store import store_sources
    from pipelines.engine.errors import InputError
    from pipelines.engine.lock import RunLock
    from pipelines.engine.storage import local_storage
    from sources.publications.purge import purge as purge_articles

    if not store.is_dir() or source not in store_sources(local_storage(store)):
        raise InputError(f"{store}: there is no source {source} in a store here; give `web.store` and a source of it")
    with RunLock(store):
        done = purge_articles(local_storage(store), source, names)
    for pmcid in done.articles:
        console.print(f"taken out: PMC{pmcid}")
    console.print(f"{len(done.articles):,} articles taken out, {done.packs:,} packs written again")


@contextmanager
def told_to_fetch(config: Path, setting: list[str] | None) -> Iterator[None]:
    """Tell the very command that fetches what a run lacks."""
    from pipelines.plan import Unfetched

    try:
        yield
    except Unfetched as error:
        words = [str(config), *(word for one in setting or [] for word in ("-s", one))]
        raise Unfetched(error.names, error.store, shlex.join(words), otherwise=error.otherwise) from None
