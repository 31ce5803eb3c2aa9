"""Look over a machine before a run is blamed for it: packages, names, memory, disk, Ray.

Each check says what was found and what to do when it is bad. Nothing is changed and no network is used.
"""

import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import NamedTuple

PACKAGES = (
    "ray",
    "datasets",
    "datatrove",
    "pyarrow",
    "tokenizers",
    "trafilatura",
    "pypdfium2",
    "lxml",
    "numba",
    "xxhash",
)


class Finding(NamedTuple):
    """One check: its name, what was found, and `good` or `bad: what to do`."""

    check: str
    found: str
    verdict: str


def examine() -> list[Finding]:
    """Return the findings on this machine."""
    return [_python(), *map(_package, PACKAGES), _names(), _memory(), _disk(), _data()]


def _python() -> Finding:
    good = sys.version_info >= (3, 11)
    return Finding("python", sys.version.split()[0], "good" if good else "bad: medmix needs Python 3.11 or newer")


def _package(name: str) -> Finding:
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(name, "absent", "bad: install medmix with its dependencies")
    if name == "xxhash" and int(found.partition(".")[0]) >= 4:
        return Finding(name, found, "bad: datatrove 0.10 needs xxhash<4")
    return Finding(name, found, "good")


def _names() -> Finding:
    claims = packages_distributions()
    others = {n: sorted(set(claims.get(n, [])) - {"medmix"}) for n in ("pipelines", "sources", "mixer")}
    taken = {name: dists for name, dists in others.items() if dists}
    found = str(taken) if taken else "ours"
    return Finding("import names", found, "bad: uninstall these distributions" if taken else "good")


def _memory() -> Finding:
    total_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Finding(
        "memory", f"{total_gib:.1f} GiB", "good" if total_gib >= 4 else "bad: 4 GiB are needed for Ray and parsers"
    )


def _disk() -> Finding:
    free_gib = shutil.disk_usage(Path.cwd()).free / 2**30
    return Finding("free disk here", f"{free_gib:.1f} GiB", "good" if free_gib >= 2 else "bad: free some space")


def _data() -> Finding:
    folder = os.environ.get("MEDMIX_DATA")
    if not folder:
        return Finding("MEDMIX_DATA", "not set", "good (only configs/runs/real-sample.yaml reads it)")
    there = Path(folder).is_dir()
    return Finding("MEDMIX_DATA", folder, "good" if there else "bad: no such folder")
