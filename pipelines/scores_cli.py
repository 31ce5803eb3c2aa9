"""The verbs about quality: `train-scores` from labelled passages, and what `thresholds` would keep of a finished run.

Not here: the work itself (`scores_train`, `report.thresholds`).
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console(soft_wrap=True, highlight=False)


def train_scores(
    labels: Annotated[Path, typer.Argument(help='JSON lines with "text" and "label" (0 or 1)')],
    out: Annotated[Path, typer.Option(help="Where the model goes")],
    strength: Annotated[float, typer.Option(min=0, help="Inverse of the regularisation; lower is more cautious")] = 1.0,
) -> None:
    """Train a score of texts (medically informative, educational, ...) from labels; tell how well it orders others."""
    from pipelines.scores_train import train

    told = train(labels, out, strength)
    console.print(f"{out}: trained on {told.trained:,} passages, AUC {told.auc:.3f} on {told.held_out:,} held out")
    if told.warning:
        console.print(f"note: {told.warning}")


def thresholds(
    run_folder: Annotated[str, typer.Argument(help="The `out` of a run: a folder, or s3://bucket/prefix")],
    statistic: Annotated[str, typer.Argument(help="A statistic of `quality` or a score: words, medical_density, ...")],
    at: Annotated[list[float] | None, typer.Option(help="A threshold; repeatable. Default: tenths")] = None,
    most: Annotated[bool, typer.Option("--most", help="Keep what is at most the threshold, not at least")] = False,
    picture: Annotated[Path | None, typer.Option(help="Write the curves as a page (HTML) here")] = None,
) -> None:
    """Show what thresholds on a statistic or score would keep of each source and slice of a finished run."""
    from pipelines.report.thresholds import curves, groups_of, steps, thresholds_table, values_of, write_picture
    from pipelines.result import read_result

    result = read_result(run_folder)
    values = values_of(result, statistic)
    limits = sorted(at or steps(values))
    groups = groups_of(result)
    found = curves(values, groups, limits, most)
    console.print(thresholds_table(statistic, found, limits, most))
    if not groups:
        console.print("note: without the stage `coverage` there are no slices, and no sources are told apart")
    if picture:
        write_picture(picture, statistic, found, limits, most)
        console.print(f"picture: {picture}")
