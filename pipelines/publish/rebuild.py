"""Make a run again without the documents on its list of removals, sweep away what was made before, and prove it.

The words of the documents are searched for before, so that a proof that finds nothing afterwards means something. What
an earlier release left in the run folder goes too; a new one is made by `medmix publish`. Not here: the search
(`takedown`).
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from pipelines.check import examine
from pipelines.config import RunConfig
from pipelines.engine.errors import ReleaseError
from pipelines.engine.lock import RunLock
from pipelines.engine.verify import sweep
from pipelines.publish.parts import HOME
from pipelines.publish.takedown import Found, Proof, decoders_of, search
from pipelines.removals import add_removals, with_removals
from pipelines.result import Result
from pipelines.run import How, run


def taken_down(
    result: Result,
    found: Collection[Found],
    names: Collection[str],
    config: RunConfig,
    folders: Sequence[Path],
    how: How,
) -> Iterator[str]:
    """Yield what was done and the proof; `folders` are searched, the first is that of the run.

    Raises ReleaseError for a survivor, and what running raises.
    """
    before = search(folders, found, decoders_of(result))
    yield f"before: {_told(before)}"
    add_removals(result.storage, names)
    made = run(with_removals(config), how)
    with RunLock(folders[0]):
        verdict, _ = examine(made.storage)
        sweep(made.storage, verdict)
        for path in made.storage.list(HOME):
            made.storage.remove(path)
    yield f"made again; {len(verdict.orphans) + len(verdict.superseded):,} files of before were removed"
    after = search(folders, found, decoders_of(made))
    yield f"after: {_told(after)}"
    if after.survivors:
        left = [f"{path}: words of {name}" for path, name in sorted(after.survivors.items())]
        raise ReleaseError("\n".join(["something of what was removed is left:", *left]))


def _told(proof: Proof) -> str:
    documents = len(set(proof.survivors.values()))
    return f"searched {proof.files:,} files, {proof.size_bytes:,} bytes: {len(proof.survivors):,} survivors" + (
        f", files that hold words of {documents:,} documents" if documents else ""
    )
