"""The verb `experiment`: one command from an experiment file to a mixture file and a page that argues for it.

`medmix experiment FILE` is short for `medmix experiment run FILE`. Not here: the work itself (`experiment`,
`experiment_eval`).
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

if TYPE_CHECKING:
    from pipelines.experiment_plan import Estimate


class _Files(TyperGroup):
    """A group whose verb `run` need not be said."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        said = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if said else ["run", *args])


experiment_app = typer.Typer(cls=_Files, no_args_is_help=True, help="Find the shares of a mixture with small models.")
console = Console(soft_wrap=True)
ExperimentFile = Annotated[Path, typer.Argument(help="An experiment file, e.g. configs/experiments/replay-ratio.yaml")]
Setting = Annotated[list[str] | None, typer.Option("-s", "--set", help="Override, as key=value; repeatable")]


@experiment_app.command("run")
def experiment(
    file: ExperimentFile,
    setting: Setting = None,
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


@experiment_app.command("eval")
def evaluate(
    model: Annotated[str, typer.Option(help="The checkpoint to judge: a folder, or a name on the hub")],
    file: Annotated[Path | None, typer.Argument(help="The experiment whose texts judge it as well")] = None,
    setting: Setting = None,
    out: Annotated[Path | None, typer.Option(help="For tasks and results; default: eval/ of the experiment")] = None,
) -> None:
    """Write what lm-evaluation-harness shall ask a checkpoint, and tell what it has answered so far."""
    from mixer.experiments.harness import MEDICAL, command, results
    from pipelines.experiment import load_experiment
    from pipelines.experiment_eval import TABLE, checkpoints_csv, write_tasks
    from pipelines.run import How

    folder, own = (out or Path("out/eval")).absolute(), list[str]()
    if file is not None:
        loaded = load_experiment(file, setting or [])
        folder = (out or Path(loaded.config.out) / "eval").absolute()
        own = write_tasks(loaded, How(None, None, True, live=sys.stderr.isatty()), folder)
        console.print(f"tasks: {folder}; they ask for what the proxies were asked:")
        console.print(f"  {command(model, own, folder, include=True)}")
    console.print("medical benchmarks of the harness, whose data sets it fetches from the hub:")
    console.print(f"  {command(model, MEDICAL, folder, include=False)}")
    found = results(folder)
    if not found:
        console.print(f"no results are in {folder} yet; run the commands, then this one again")
        console.print("lm-eval comes with: pip install -e '.[harness]'", markup=False)
        return
    table = Table("model", "target", "what", "value", "error", "items", title="checkpoints", title_justify="left")
    for one in found:
        error = "" if one.error is None else f"{one.error:.4f}"
        table.add_row(one.model, one.target, one.metric, f"{one.value:.4f}", error, f"{one.items:,}")
    console.print(table)
    (folder / TABLE).write_bytes(checkpoints_csv(found))
    console.print(f"table: {folder / TABLE}")


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
