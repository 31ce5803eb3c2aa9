"""The verbs of `medmix sources`: what is in the catalogue, and fetching it.

Each verb is a few lines over a module that does the work, as in `pipelines.cli`. Not here: anything that opens the
web by itself (`pipelines.fetch`), and what an entry means (`sources.about`).
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

sources_app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The catalogue of sources, and fetching them."
)
console = Console()
RunFile = Annotated[Path, typer.Argument(help="A run file, e.g. configs/demo.yaml")]
Setting = Annotated[list[str] | None, typer.Option("-s", "--set", help="Override, as key=value; repeatable")]


@sources_app.callback()
def sources() -> None:
    """Group the verbs below `medmix sources`, also while there is only one."""


# list, show and check: one verb a function below this line, decorated with @sources_app.command().


@sources_app.command()
def fetch(
    config: RunFile,
    names: Annotated[list[str] | None, typer.Argument(help="Sources to fetch; default: all with `web`")] = None,
    setting: Setting = None,
) -> None:
    """Fetch sources from the web into the store of a run file, politely; run again to go on after a stop."""
    raise typer.Exit(1)
