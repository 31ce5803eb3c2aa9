"""The verb `review`: let experts judge a sample of a run's documents in their browser, on this machine.

Not here: the page, the server and what becomes of verdicts (`pipelines.report`, `pipelines.stages.review`).
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.engine.place import local_folder

console = Console(soft_wrap=True, highlight=False)


def review(
    run_folder: Annotated[
        Path, typer.Argument(parser=local_folder, metavar="FOLDER", help="The folder of a run (its `out`)")
    ],
    verdicts: Annotated[
        Path | None, typer.Option(help="The file to append verdicts to; default: RUN-verdicts.jsonl beside the run")
    ] = None,
    documents: Annotated[int, typer.Option(min=1, help="So many documents, the same for all reviewers")] = 200,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one")] = 0,
) -> None:
    """Serve a sample of documents to a reviewer's browser, on this machine alone, until ctrl-C; keep the verdicts."""
    from pipelines.engine.errors import ConfigError
    from pipelines.report.review_page import review_page
    from pipelines.report.review_server import ReviewServer, VerdictLog
    from pipelines.report.shown import IN_HOUSE, sample
    from pipelines.result import read_result

    result = read_result(run_folder)
    path = (verdicts or run_folder.absolute().parent / f"{run_folder.absolute().name}-verdicts.jsonl").absolute()
    if path.is_relative_to(run_folder.absolute()):
        raise ConfigError(f"--verdicts {path}: it lies in the run folder, which holds results alone; put it elsewhere")
    if not path.parent.is_dir():
        raise ConfigError(f"--verdicts {path}: there is no folder {path.parent}; make it first")
    log = VerdictLog(path)
    log.read()  # a damaged file is told now, not when the work is done
    shown = sample(result, documents, IN_HOUSE)
    with ReviewServer(review_page(result.name, shown), {one["id"]: one for one in shown}, log, port) as server:
        console.print(f"review {len(shown):,} documents at {server.url}")
        console.print(f"verdicts: {path}")
        console.print(f'in the run file, before consolidate: {{kind: review, verdicts: [{{path: "{path}"}}]}}')
        console.print("ctrl-C ends it; every verdict is kept as it is given")
        server.serve_forever()
