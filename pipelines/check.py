"""What `medmix verify` does: reread the whole run folder and tell every damage, leftover and stray file.

The engine checks manifests, records, files and the conservation law; here the run's own index, plan and derived files
are added, and the outcome is printed with counts. Any problem ends with exit code 5.
"""

from pathlib import Path

from rich.console import Console

from pipelines.engine.errors import CorruptionError, InputError
from pipelines.engine.storage import local_storage
from pipelines.engine.verify import sweep as sweep_away
from pipelines.engine.verify import verify
from pipelines.result import PLAN, RESULT, read_result


def check_run(folder: Path, console: Console, *, sweep: bool) -> None:
    """Verify a run folder and print the verdict. Raises CorruptionError naming every problem, InputError when empty."""
    if not (folder / PLAN).is_file() and not (folder / RESULT).is_file():
        raise InputError(f"{folder}: this is not the folder of a run; give the `out` of a run file")
    storage = local_storage(folder)
    verdict = verify(storage)
    problems = [*verdict.problems, *_run_files(folder)]
    for kind, paths in (("left over by a crash", verdict.orphans), ("superseded", verdict.superseded)):
        for path in paths:
            console.print(f"{kind}: {path}", soft_wrap=True)
    if sweep:
        sweep_away(storage, verdict)
        console.print(f"removed {len(verdict.orphans) + len(verdict.superseded)} files")
    console.print(
        f"verified {verdict.checked_files:,} files, {verdict.checked_bytes:,} bytes: {len(problems)} problems"
    )
    if problems:
        raise CorruptionError("\n".join(problems))


def _run_files(folder: Path) -> list[str]:
    """Return what is wrong with the plan, the index and the derived files."""
    problems = []
    storage = local_storage(folder)
    try:
        storage.read_sealed(PLAN)
    except CorruptionError as error:
        problems.append(str(error))
    if storage.size(RESULT) is None:
        return problems
    try:
        result = read_result(folder)
    except CorruptionError as error:
        return [*problems, str(error)]
    for ref in result.files.values():
        try:
            storage.read(ref)
        except CorruptionError as error:
            problems.append(str(error))
    return problems
