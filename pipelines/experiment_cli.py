"""The verb `experiment`: one command from an experiment file to a mixture file and a page that argues for it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from pipelines.experiment_plan import Estimate

console = Console(soft_wrap=True)
ExperimentFile = Annotated[Path, typer.Argument(help="An experiment file, e.g. configs/experiments/replay-ratio.yaml")]


def experiment(
    file: ExperimentFile,
    setting: Annotated[list[str] | None, typer.Option("-s", "--set", help="Override, as key=value; repeatable")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Proxies at a time; default: the CPUs here")] = None,
    address: Annotated[str | None, typer.Option(help="Join the Ray cluster at this address")] = None,
    inline: Annotated[bool, typer.Option("--inline", help="Work in this process, without Ray")] = False,
) -> None:
    """Find the shares of a mixture with small models, confirm them, and write the mixture file and a page."""
    from pipelines.experiment import load_experiment, run_experiment
    from pipelines.experiment_results import write_results
    from pipelines.run import How

    def tell(one: "Estimate") -> None:
        console.print(words(one))

    loaded = load_experiment(file, setting or [])
    how = How(workers, address, inline, live=sys.stderr.isatty())
    storage, manifests, result = run_experiment(loaded, how, tell)
    written = write_results(storage, loaded.config, manifests, result)
    table = Table("component", "natural", "proposal", title=loaded.config.question, title_justify="left")
    for name, natural, proposed in written.shares:
        table.add_row(name, f"{natural:.1%}", f"{proposed:.1%}")
    console.print(table)
    for line in written.told:
        console.print(line)
    out = Path(loaded.config.out).absolute()
    for what, path in written.files.items():
        console.print(f"{what}: {out / path}")


def plan_experiment(file: Path, setting: list[str], workers: int) -> None:
    """Say how many proxies an experiment takes, and how long so many at a time; trains none but for two seconds."""
    from mixer.experiments.sweep import torch_version
    from pipelines.experiment import load_experiment
    from pipelines.experiment_plan import outline

    loaded = load_experiment(file, setting)
    if loaded.config.proxy.tokens_per_s is None:
        torch_version()
    console.print(words(outline(loaded.config, workers)))
    console.print(f"the run it stands on: medmix plan {loaded.run_file}")


def words(one: "Estimate") -> str:
    """Return an estimate in words."""
    if not one.proxies:
        return f"all {one.there} proxies of the sweep and its confirmation are there"
    how = "measured here" if one.measured else "as the file says"
    return (
        f"{one.proxies} proxies to train ({one.there} are there), {one.tokens:,} tokens each at "
        f"{one.tokens_per_s:,.0f} a second ({how}): about {_time(one.seconds)} with {one.workers} at a time"
    )


def _time(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )
