"""The verbs of `medmix sources`: what is in the catalogue, and fetching it.

Each verb is a few lines over a module that does the work, as in `pipelines.cli`. Not here: anything that opens the
web by itself (`pipelines.fetch`), and what an entry means (`sources.about`).
"""

import sys
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
def fetch(
    config: RunFile,
    names: Annotated[list[str] | None, typer.Argument(help="Sources to fetch; default: all with `web`")] = None,
    setting: Setting = None,
) -> None:
    """Fetch sources from the web into the store of a run file, politely; run again to go on after a stop."""
    raise typer.Exit(1)
