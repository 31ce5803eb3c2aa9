"""The verbs (plan, run, generate, status, verify, trace, card, review, publish, diff, remove, ...) and groups.

Each verb is a few lines over a module that does the work. A mistake of the user, a full disk, a damaged file or a held
lock is told in one message with its own exit code (see `pipelines.engine.errors`), never as a stack trace.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from pipelines.engine.errors import MedmixError
from pipelines.experiment_cli import experiment_app, plan_experiment
from pipelines.export_cli import export
from pipelines.feed_cli import feed_app, train_demo
from pipelines.guard import check_names
from pipelines.publish_cli import diff, publish, remove
from pipelines.review_cli import review
from pipelines.scores_cli import thresholds, train_scores
from pipelines.sources_cli import sources_app, told_to_fetch

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(sources_app, name="sources")
app.add_typer(feed_app, name="feed")
app.command("train-demo")(train_demo)
app.add_typer(experiment_app, name="experiment")
app.command()(export)
app.command()(review)
app.command()(publish)
app.command()(diff)
app.command()(remove)
app.command()(thresholds)
app.command("train-scores")(train_scores)
console = Console(width=None if sys.stdout.isatty() else 160)
INTERRUPTED = 130
"""Exit code after ctrl-C, as shells have it."""
RunFile = Annotated[Path, typer.Argument(help="A run file, e.g. configs/demo.yaml")]
RunFolder = Annotated[str, typer.Argument(help="The `out` of a run: a folder, or s3://bucket/prefix")]
Setting = Annotated[list[str] | None, typer.Option("-s", "--set", help="Override, as key=value; repeatable")]


@app.command()
def plan(
    config: RunFile,
    setting: Setting = None,
    cores: Annotated[int, typer.Option(min=1, help="For the hours of what is not there yet")] = 16,
) -> None:
    """Show stages, what is cached and why the rest would run, what is not there yet; what an experiment costs."""
    from pipelines.load import has_key, load_run
    from pipelines.outlook import absent, render_outlook
    from pipelines.plan import Unfetched
    from pipelines.run import expect

    if has_key(config, "proxy"):
        plan_experiment(config, setting or [], cores)
        return
    run_config = load_run(config, setting or [])
    wanted = absent(run_config)
    if wanted:
        console.print(render_outlook(run_config, wanted, cores))
    try:
        with told_to_fetch(config, setting):
            planned, expectations = expect(run_config)
    except Unfetched as error:
        console.print(f"note: {error}", soft_wrap=True)  # a command that is to be copied stays in one line
        return
    table = Table("stage", "shards", "cached", "tokens (est.)", "why", title="plan", title_justify="left")
    for item in expectations:
        figures = ("?" if n is None else f"{n:,}" for n in (item.shards, item.cached, item.tokens))
        table.add_row(item.stage, *figures, item.why)
    console.print(table)
    for note in planned.notes:
        console.print(f"note: {note}")


@app.command()
def run(
    config: RunFile,
    setting: Setting = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Workers of a local Ray; default: the CPUs of this machine")
    ] = None,
    address: Annotated[str | None, typer.Option(help="Join the Ray cluster at this address")] = None,
    inline: Annotated[bool, typer.Option("--inline", help="Work in this process, without Ray")] = False,
) -> None:
    """Do everything that is not done yet, and print where the results are."""
    from pipelines.engine.place import place_of
    from pipelines.engine.spared_imports import spare_pandas
    from pipelines.load import load_run
    from pipelines.report.contamination import contamination_table
    from pipelines.report.funnel import funnel_table
    from pipelines.report.retention import retention_table
    from pipelines.run import How, check_floors, check_quarantine, kept_slices
    from pipelines.run import run as run_all
    from pipelines.stages.sample_apply import held_out_files

    spare_pandas()
    loaded = load_run(config, setting or [])
    with told_to_fetch(config, setting):
        result = run_all(loaded, How(workers, address, inline, live=sys.stderr.isatty()))
    console.print(funnel_table(result.manifests))
    out = place_of(loaded.out)
    if "contamination_report" in result.manifests:
        console.print(contamination_table(result.manifests["contamination_report"], result.storage))
    for note in result.notes:
        console.print(f"note: {note}")
    for name in result.documents:
        main = result.manifests[name].shards[0].main.path if result.manifests[name].shards else ""
        console.print(f"documents: {out}/{Path(main).parent}", soft_wrap=True)
    for path in {str(Path(file).parent) for one in result.manifests.values() for file in held_out_files(one)}:
        console.print(f"held out, never trained on: {out}/{path}", soft_wrap=True)
    for name, folder in result.mixtures.items():
        console.print(f"mixture {name}: {out}/{folder}", soft_wrap=True)
    if kept := kept_slices(result):
        console.print(retention_table(kept))
    check_quarantine(loaded, result)
    check_floors(loaded, result)


@app.command()
def generate(
    config: Annotated[Path, typer.Argument(help="A generation file, e.g. configs/generate/demo.yaml")],
    setting: Setting = None,
    only_plan: Annotated[bool, typer.Option("--plan", help="Say requests, tokens and cost; ask nothing")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Shards to work on side by side; default: 1")] = None,
    address: Annotated[str | None, typer.Option(help="Join the Ray cluster at this address")] = None,
    inline: Annotated[bool, typer.Option("--inline", help="Work in this process, without Ray")] = False,
) -> None:
    """Make text from a finished run with a teacher: enriched questions, questions from guidelines."""
    from pipelines.generate import generate as generate_all
    from pipelines.generate import look_ahead
    from pipelines.load import load_generation
    from pipelines.report.generated import forecast_table, generated_tables
    from pipelines.run import How

    loaded = load_generation(config, setting or [])
    if only_plan:
        console.print(forecast_table(look_ahead(loaded)))
        return
    result = generate_all(loaded, How(workers, address, inline, live=sys.stderr.isatty()))
    for table in generated_tables(result.manifests):
        console.print(table)
    console.print(f"generated: {Path(loaded.out).absolute()}; look at samples.html there", soft_wrap=True)


@app.command()
def status(run_folder: RunFolder) -> None:
    """Show how far a run is, from its events."""
    from pipelines.engine.errors import InputError
    from pipelines.engine.events import read_status, render_status

    found = read_status(run_folder)
    if found.updated_s is None:
        raise InputError(f"{run_folder}: this is not the folder of a run; give the `out` of a run file")
    console.print(render_status(found))


@app.command()
def verify(
    folder: Annotated[str, typer.Argument(help="The `out` of a run, or a crawl store (its `web.store`)")],
    sweep: Annotated[bool, typer.Option("--sweep", help="Remove leftovers of crashes and of superseded work")] = False,
) -> None:
    """Reread every digest and the conservation law; list what no manifest lists."""
    from pipelines.check import check_folder

    check_folder(folder, console, sweep=sweep)


@app.command()
def trace(
    run_folder: RunFolder,
    sequence: Annotated[int, typer.Option("--sequence", help="Row of the mixture, counted from 0")],
    token: Annotated[int | None, typer.Option("--token", help="Position in the row, counted from 0")] = None,
    mixture: Annotated[str | None, typer.Option("--mixture", help="Which mixture, when the run has several")] = None,
) -> None:
    """Say which document, source, URL and licence a sequence or token comes from."""
    from pipelines.result import read_result
    from pipelines.trace import render_trace, trace_sequence

    result = read_result(run_folder)
    console.print(render_trace(trace_sequence(result, mixture, sequence, token)))


@app.command()
def card(
    run_folder: RunFolder,
    previous: Annotated[str | None, typer.Option(help="The run of the release before, to tell what changed")] = None,
) -> None:
    """Write the dataset card with licences, attribution and checksums beside the data files, in RUN/release."""
    from pipelines.publish.beside import write_beside
    from pipelines.result import read_result

    before = read_result(previous) if previous else None
    for path in write_beside(read_result(run_folder), previous=before):
        console.print(f"{'card: ' if path.endswith('README.md') else ''}{run_folder}/{path}", soft_wrap=True)


@app.command()
def report(run_folder: RunFolder) -> None:
    """Write the report of a run as one HTML page that needs no network: RUN/report.html."""
    from pipelines.report.page import FILE, report_page
    from pipelines.result import read_result

    result = read_result(run_folder)
    result.storage.replace_file(FILE, report_page(result, run_folder).encode())
    console.print(f"report: {run_folder}/{FILE}", soft_wrap=True)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a run file."""
    from pipelines.config import RunConfig

    print(json.dumps(RunConfig.model_json_schema(), indent=2))


@app.command()
def doctor() -> None:
    """Check this machine: packages, names, memory, disk, Ray."""
    from pipelines.doctor import examine

    findings = examine()
    table = Table("check", "found", "verdict", title="doctor", title_justify="left")
    for finding in findings:
        table.add_row(finding.check, finding.found, finding.verdict)
    console.print(table)
    if any(finding.verdict.startswith("bad") for finding in findings):
        raise typer.Exit(1)


def main() -> NoReturn:
    """Run the command line; errors end with their message and exit code."""
    try:
        check_names()
        app()
        sys.exit(0)
    except MedmixError as error:
        _stop(str(error), error.exit_code)
    except OSError as error:
        where = error.filename or "the system"
        _stop(f"{where}: {error.strerror or error}; check the path, its permissions and the disk", 4)
    except (KeyboardInterrupt, SystemExit) as ended:  # typer turns the first into the second, without a word
        if isinstance(ended, SystemExit) and ended.code != INTERRUPTED:
            raise
        _stop("stopped; what was finished is kept, run again to go on", INTERRUPTED)


def _stop(message: str, code: int) -> NoReturn:
    Console(stderr=True, highlight=False).print(f"medmix: {message}", markup=False, soft_wrap=True)
    sys.exit(code)
