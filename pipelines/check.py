"""What `medmix verify` does: reread a run folder or crawl store; tell all damage, leftovers and strays.

The engine checks manifests, records, files and the conservation law; here the run's own index, plan and derived files
are added, and the outcome is printed with counts. Any problem ends with exit code 5.
"""

from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from pipelines.check_store import store_sources, verify_store
from pipelines.engine.errors import CorruptionError, InputError
from pipelines.engine.hashing import digest
from pipelines.engine.manifest import manifest_path, stage_folder
from pipelines.engine.place import locked, look_into, place_of
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import Storage
from pipelines.engine.verify import Verdict, verify
from pipelines.engine.verify import sweep as sweep_away
from pipelines.result import PLAN, RESULT, read_index, read_plan


def check_folder(place: Path | str, console: Console, *, sweep: bool) -> None:
    """Verify a run or a crawl store, as `check_run` does. Raises LockedError for a sweep while a fetch goes on."""
    storage = look_into(place_of(place))
    if _is_run(storage) or not store_sources(storage):
        check_run(place, console, sweep=sweep)
        return
    with locked(place_of(place)) if sweep else nullcontext():
        verdict = verify_store(storage)
        _tell(storage, verdict, console, sweep=sweep)


def check_run(place: Path | str, console: Console, *, sweep: bool) -> None:
    """Verify a run folder and print the verdict. Raises CorruptionError naming every problem, InputError when empty."""
    storage = look_into(place_of(place))
    if not _is_run(storage):
        raise InputError(f"{place}: this is not the folder of a run nor a crawl store; give `out` or `web.store`")
    verdict, finished = examine(storage)
    if not finished:
        console.print(f"not finished: no sound {RESULT} of {PLAN} here, so nothing is called superseded; run again")
    _tell(storage, verdict, console, sweep=sweep)


def _is_run(storage: Storage) -> bool:
    return storage.size(PLAN) is not None or storage.size(RESULT) is not None


def examine(storage: Storage) -> tuple[Verdict, bool]:
    """Reread a run folder; return the verdict, and whether its index says that the run of its plan is finished."""
    problems, current = _run_files(storage)
    verdict = verify(storage, current)
    verdict.problems[:0] = problems
    return verdict, current is not None


def _tell(storage: Storage, verdict: Verdict, console: Console, *, sweep: bool) -> None:
    """Print the verdict, after sweeping if asked to. Raises CorruptionError naming every problem."""
    for kind, paths in (("left over by a crash", verdict.orphans), ("superseded", verdict.superseded)):
        for path in paths:
            console.print(f"{kind}: {path}", soft_wrap=True)
    if sweep:
        sweep_away(storage, verdict)
        console.print(f"removed {len(verdict.orphans) + len(verdict.superseded)} files")
    console.print(
        f"verified {verdict.checked_files:,} files, {verdict.checked_bytes:,} bytes: {len(verdict.problems)} problems"
    )
    if verdict.problems:
        raise CorruptionError("\n".join(verdict.problems))


def _run_files(storage: Storage) -> tuple[list[str], set[str] | None]:
    """Return what is wrong with the plan, the index and the derived files, and the manifests that the index needs."""
    problems, plan = [], None
    try:
        plan = read_plan(storage)
        if plan is None:
            problems.append(f"{PLAN}: missing; run again to rebuild it")
    except CorruptionError as error:
        problems.append(str(error))
    try:
        body = read_index(storage)
    except CorruptionError as error:
        return [*problems, str(error)], None
    if body is None:
        return problems, None
    for path, ref in body["files"].items():
        try:
            storage.read(FileRef(path, ref["sha256"], ref["size_bytes"]))
        except CorruptionError as error:
            problems.append(str(error))
    places = [(stage_folder(one["name"], one["version"]), one["fingerprint"]) for one in body["stages"]]
    if plan is not None and digest(plan) != body["plan"]:
        return problems, None  # a later run was planned and has not finished: its work is not superseded
    return problems, {manifest_path(folder, fingerprint) for folder, fingerprint in places}
