"""The verbs around training: `feed bench` tells what the feed delivers here, `train-demo` shows how it is used.

Both take the folder of a run or that of a mixture, which may lie on another machine than the run was made on. Training
needs the extra `train`. Not here: the feed (`mixer.feed`) and the training loop (`mixer.train_demo`).
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.engine.errors import InputError
from pipelines.engine.place import local_folder

console = Console(soft_wrap=True)
feed_app = typer.Typer(no_args_is_help=True, help="The training feed.")
Folder = Annotated[
    Path, typer.Argument(parser=local_folder, metavar="FOLDER", help="The folder of a run (its `out`) or of a mixture")
]
Name = Annotated[str | None, typer.Option("--mixture", help="Which mixture, when the run has several")]


@feed_app.callback()
def feed() -> None:
    """Hold the group together: with one verb in it, typer would drop its name."""


@feed_app.command()
def bench(folder: Folder, mixture: Name = None, batch: Annotated[int, typer.Option(min=1)] = 8) -> None:
    """Measure opening, seeking and tokens a second of a mixture's feed, beside numpy on the same shards."""
    from mixer.measure import measure

    table = Table("what", "figure", title=f"feed of {mixture_folder(folder, mixture).name}", title_justify="left")
    for what, figure in measure(mixture_folder(folder, mixture), batch):
        table.add_row(what, figure)
    console.print(table)


def train_demo(
    folder: Folder,
    mixture: Name = None,
    steps: Annotated[int, typer.Option(min=1)] = 200,
    batch: Annotated[int, typer.Option(min=1, help="Sequences of a step, over all ranks")] = 24,
    out: Annotated[Path | None, typer.Option(help="Where checkpoint and losses go; default: RUN/train-demo")] = None,
) -> None:
    """Train a small transformer on a mixture, or go on where it was stopped; under `torchrun` with several ranks."""
    if find_spec("torch") is None:
        raise InputError("training needs PyTorch; install it with: pip install -e '.[train]'")
    from mixer.stored import StoredRows
    from mixer.train_demo import LOSSES, Recipe, train

    rows = StoredRows(mixture_folder(folder, mixture))
    to = out or folder / "train-demo"

    def tell(step: int, loss: float) -> None:
        if step == 1 or step % 20 == 0 or step == steps:
            console.print(f"step {step}: loss {loss:.4f} nats a target")

    train(rows, rows.facts["vocabulary"], Recipe(steps=steps, batch_sequences=batch), to, tell)
    console.print(f"losses: {to / LOSSES}")


def mixture_folder(folder: Path, mixture: str | None) -> Path:
    """Return the folder of a mixture, given as itself or by a run. Raises ConfigError and InputError."""
    if (folder / "mixture.json").is_file():
        return folder
    from pipelines.result import read_result

    result = read_result(folder)
    return folder / result.mixtures[result.named_mixture(mixture)]
