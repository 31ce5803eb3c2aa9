"""The verbs about releases: `publish` a run, tell what `diff`ers between two, `remove` documents and prove it.

Each verb is a few lines over a module of `pipelines.publish`. Without `--yes` nothing leaves the machine and nothing is
changed. Not here: what a release holds and what forbids it.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pipelines.engine.errors import ConfigError, ReleaseError
from pipelines.engine.place import local_folder

console = Console(soft_wrap=True, highlight=False)
RunFolder = Annotated[
    Path, typer.Argument(parser=local_folder, metavar="FOLDER", help="The folder of a run (its `out`)")
]
MANY = 50
"""Refusals that are printed one by one."""


def publish(  # noqa: PLR0913 - each is an option of the command line
    run_folder: RunFolder,
    repo: Annotated[str, typer.Option(help="ORG/NAME on the hub, or a folder or URL: s3://bucket/x, file:///x")],
    yes: Annotated[bool, typer.Option("--yes", help="Send it; without, only tell what would be sent")] = False,
    public: Annotated[bool, typer.Option("--public", help="Make a new repository public")] = False,
    ask: Annotated[list[str] | None, typer.Option(help="Gate it: what readers must tell; repeatable")] = None,
    arrow: Annotated[bool, typer.Option("--arrow", help="Bring the folders that load_from_disk opens too")] = False,
    previous: Annotated[Path | None, typer.Option(help="The run of the release before, to tell what changed")] = None,
    parents: Annotated[list[Path] | None, typer.Option(help="Runs that hold what its texts were made from")] = None,
) -> None:
    """Tell what a release would hold and what forbids it; with --yes bring it to the hub, privately, and tag it."""
    from pipelines.publish.gate import held_back, refusals
    from pipelines.publish.release import Wanted, release_files, tag_of
    from pipelines.result import read_result

    if "://" not in repo and not repo.startswith((".", "/")) and repo.count("/") != 1:
        raise ConfigError(f"--repo {repo}: give ORG/NAME on the hub, or a folder (./x, /x) or URL (s3://bucket/x)")
    result = read_result(run_folder)
    _print_held_back(held_back(result))
    _refuse([str(one) for one in refusals(result, [read_result(one) for one in parents or ()])])
    before = read_result(previous) if previous else None
    try:
        tag = tag_of(result)
        files = release_files(result, run_folder.absolute(), Wanted(repo, arrow, tuple(ask or ()), before))
    except ConfigError as error:  # a hole in the card
        raise ReleaseError(f"{error}; nothing was sent") from error
    _print_files(files)
    if not yes:
        console.print(f"dry run: nothing was sent to {repo}; add --yes to release it as {tag}")
        return
    _send(files, repo, tag, private=not public, gated=bool(ask))


def _send(files: list[Any], repo: str, tag: str, *, private: bool, gated: bool) -> None:
    from pipelines.engine.hub_upload import HubTarget
    from pipelines.engine.url_upload import UrlTarget
    from pipelines.publish.send import send

    if "://" in repo or repo.startswith((".", "/")):
        send(UrlTarget(repo), files, tag, console.print)
        console.print(f"released {tag}: {repo}")
        return
    target = HubTarget(repo)
    target.create(private=private)
    if gated:
        target.gate("manual")
    commit = send(target, files, tag, console.print)
    console.print(f"released {tag}: {repo} at {commit}")


def _refuse(found: list[str]) -> None:
    if not found:
        return
    more = [f"... and {len(found) - MANY:,} more"] if len(found) > MANY else []
    raise ReleaseError(
        "\n".join([f"{len(found):,} things forbid a release, and nothing was sent:", *found[:MANY], *more])
    )


def _print_held_back(counts: dict[tuple[str, str], int]) -> None:
    table = Table("source", "why", "documents", title="held back by the run", title_justify="left")
    for (source, reason), count in sorted(counts.items()):
        table.add_row(source, reason, f"{count:,}")
    if counts:
        console.print(table)


def _print_files(files: list[Any]) -> None:
    table = Table("folder", "files", "bytes", title="release", title_justify="left")
    sizes: dict[str, list[int]] = {}
    for one in files:
        sizes.setdefault(one.path.rpartition("/")[0] or ".", []).append(one.file.stat().st_size)
    for name, found in sizes.items():
        table.add_row(name, f"{len(found):,}", f"{sum(found):,}")
    console.print(table)


def diff(
    before: Annotated[str, typer.Argument(help="The `out` of the run before")],
    after: Annotated[str, typer.Argument(help="The `out` of the run after")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, with the ids of documents")] = False,
) -> None:
    """Tell how two runs differ: sources, documents, tokens, rights, slices, mixtures."""
    import json

    from pipelines.publish.diff import diff_tables, differ
    from pipelines.result import read_result

    found = differ(read_result(before), read_result(after))
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for table in diff_tables(found):
        console.print(table)


def remove(  # noqa: PLR0913 - each is an option of the command line
    run_folder: RunFolder,
    name: Annotated[list[str] | None, typer.Option("--id", help="Id, key, PMCID or PMID of a document")] = None,
    url: Annotated[list[str] | None, typer.Option(help="URL of a document")] = None,
    doi: Annotated[list[str] | None, typer.Option(help="DOI of a document")] = None,
    domain: Annotated[list[str] | None, typer.Option(help="All documents of a domain, as example.org")] = None,
    rebuild: Annotated[Path | None, typer.Option(help="The run file: run it again now, and prove it")] = None,
    also: Annotated[list[Path] | None, typer.Option(help="Folders to search too: stores, journals")] = None,
    inline: Annotated[bool, typer.Option("--inline", help="Run again in this process, without Ray")] = False,
) -> None:
    """Put documents on the run's list of removals; with --rebuild make the run without them and prove it."""
    from pipelines.load import load_run
    from pipelines.publish.rebuild import taken_down
    from pipelines.publish.takedown import documents_named
    from pipelines.removals import add_removals
    from pipelines.result import read_result
    from pipelines.run import How

    asked = [*(name or ()), *(url or ()), *(doi or ()), *(f"domain:{one}" for one in domain or ())]
    if not asked:
        raise ConfigError("name what to remove: --id, --url, --doi or --domain, each as often as needed")
    result = read_result(run_folder)
    found, names = documents_named(result, asked)
    for one in found[:MANY]:
        console.print(f"goes: {one.id} {one.source}/{one.key}")
    console.print(f"{len(found):,} documents of this run go by {', '.join(sorted(asked))}")
    if rebuild is None:
        listed = add_removals(result.storage, names)
        console.print(
            f"{len(listed):,} names are on the list of removals, which the next run leaves out; until then a release "
            "still holds them: give --rebuild RUN_FILE to make the run again now and prove it"
        )
        return
    config = load_run(rebuild, [f"out={run_folder.absolute()}"])
    if config.name != result.name:
        raise ConfigError(f"--rebuild {rebuild}: it is the file of {config.name}, but {run_folder} holds {result.name}")
    how = How(inline=inline, live=sys.stderr.isatty())
    for line in taken_down(result, found, names, config, [run_folder, *(also or ())], how):
        console.print(line)
