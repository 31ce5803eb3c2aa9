"""What a threshold on a statistic of `quality` or on a score would keep: of all documents, each source and each slice.

A finished run holds the statistics beside its documents, so every threshold can be tried without running anything.
Slices and sources are those that `coverage` found; those with too few documents are left out. A group that keeps less
than half of the overall rate is marked: that is the alarm which the retention audit would raise. Not here: which
threshold is right, and setting it (`thresholds` of `quality`, `min_scores` of `consolidate`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from rich.table import Table

from pipelines.engine.errors import ConfigError, InputError
from pipelines.engine.manifest import Manifest
from pipelines.engine.storage import as_buffer
from pipelines.report.charts import OKABE_ITO, framed
from pipelines.result import Result
from pipelines.stages.coverage import AXES, Coverage

FEWEST = 30
"""Documents of a slice or source below which its rates say too little."""
STEPS = 9
CURVES = 7
ALL = "all"
_LOW = 0.5
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """One group of documents, and the share of it that each threshold keeps."""

    group: str
    documents: int
    kept: tuple[float, ...]


def values_of(result: Result, name: str) -> dict[str, float]:
    """Return a statistic or score by id of document. Raises InputError when no stage of the run gave it."""
    found: dict[str, float] = {}
    known: set[str] = set()
    for table in _tables(result, result.manifests.get("quality")):
        known |= set(table.schema.names[1:-2])
        if name in known:
            pairs = zip(table["id"].to_pylist(), table[name].to_pylist(), strict=True)
            found |= {key: float(value) for key, value in pairs if value is not None}
    for table in _tables(result, result.manifests.get("scores")):
        for key, scores in zip(table["id"].to_pylist(), table["scores"].to_pylist(), strict=True):
            by_name = dict(scores or ())
            known |= by_name.keys()
            if name in by_name:
                found[key] = by_name[name]
    if found:
        return found
    near = get_close_matches(name, known, 1)
    listed = ", ".join(sorted(known)) or "none, as neither `quality` nor `scores` was run"
    told = f"did you mean {near[0]!r}?" if near else f"it has {listed}"
    raise InputError(f"no document of this run has a statistic or score {name!r}; {told}")


def groups_of(result: Result) -> dict[str, list[str]]:
    """Return the ids of each source and slice that is large enough, by name; none without `coverage`."""
    groups: dict[str, list[str]] = {}
    for table in _tables(result, result.manifests.get(Coverage.name)):
        for row in table.select(["id", "source", *AXES]).to_pylist():
            names = [f"source:{row['source']}"]
            names += [f"{axis}:{one}" for axis in AXES for one in row[axis] or ()]
            for name in names:
                groups.setdefault(name, []).append(row["id"])
    return {name: ids for name, ids in sorted(groups.items()) if len(ids) >= FEWEST}


def curves(
    values: Mapping[str, float], groups: Mapping[str, list[str]], at: Sequence[float], most: bool
) -> list[Curve]:
    """Return the curve of all documents, then those of the groups, sources first; `most` keeps what is at most `at`."""

    def curve(group: str, found: Values) -> Curve:
        kept = [float(np.mean(found <= limit if most else found >= limit)) for limit in at]
        return Curve(group, len(found), tuple(kept))

    whole = curve(ALL, np.array(list(values.values())))
    parts = [(name, np.array([values[one] for one in ids if one in values])) for name, ids in groups.items()]
    found = [curve(name, mine) for name, mine in parts if len(mine) >= FEWEST]
    return [whole, *sorted(found, key=lambda one: (not one.group.startswith("source:"), one.group))]


def steps(values: Mapping[str, float]) -> list[float]:
    """Return thresholds at every tenth part of the documents, rounded to three digits, none twice."""
    cuts = np.quantile(list(values.values()), np.arange(1, STEPS + 1) / (STEPS + 1))
    return sorted({float(f"{cut:.3g}") for cut in cuts})


def is_low(curve: Curve, whole: Curve) -> bool:
    """Say whether a group keeps less than half of the overall rate at any threshold."""
    return any(mine < _LOW * every for mine, every in zip(curve.kept, whole.kept, strict=True))


def thresholds_table(name: str, found: Sequence[Curve], at: Sequence[float], most: bool) -> Table:
    """Return the shares kept, a group a row; a rate under half of the overall one has a mark."""
    sign = "≤" if most else "≥"
    table = Table("group", "documents", *(f"{sign} {limit:g}" for limit in at), title=f"kept by {name}")
    whole = found[0]
    for one in found:
        marks = ["!" * (mine < _LOW * every) for mine, every in zip(one.kept, whole.kept, strict=True)]
        shares = [f"{mark}{share:.0%}" for mark, share in zip(marks, one.kept, strict=True)]
        table.add_row(one.group, f"{one.documents:,}", *shares)
    return table


def write_picture(path: Path, name: str, found: Sequence[Curve], at: Sequence[float], most: bool) -> None:
    """Write the curves of all documents and of the groups that lose most as a page that needs no network.

    Raises ConfigError without the extra `publish`.
    """
    try:
        import altair as alt
    except ImportError as error:
        raise ConfigError("a picture needs the extra: pip install -e '.[publish]'") from error
    lowest = sorted(found[1:], key=lambda one: (sum(one.kept), one.group))[: CURVES - 1]
    shown = [found[0], *lowest]
    rows = [
        {"group": one.group, "threshold": limit, "kept": share}
        for one in shown
        for limit, share in zip(at, one.kept, strict=True)
    ]
    names = [one.group for one in shown]

    def draw(width_px: int) -> Any:
        colour = alt.Color("group:N", sort=names, scale=alt.Scale(domain=names, range=list(OKABE_ITO[: len(names)])),
                           legend=alt.Legend(orient="top", title=None, columns=2, labelLimit=180))  # fmt: skip
        x = alt.X("threshold:Q", title=f"{'at most' if most else 'at least'} ({name})")
        y = alt.Y("kept:Q", title="share of documents kept", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
        lines = alt.Chart(alt.Data(values=rows)).mark_line(point=True).encode(x=x, y=y, color=colour)
        return lines.properties(width=width_px, height=240)

    caption = f"What thresholds on {name} keep: all documents, and the groups that lose most."
    style = "body{font-family:sans-serif;max-width:60rem;margin:2rem auto}.narrow{display:none}"
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title><style>{style}</style>'
    path.write_text(f"{head}<body>{framed(draw, caption)}</body></html>\n", encoding="utf-8")


def _tables(result: Result, manifest: Manifest | None) -> Iterator[pa.Table]:
    for ref in manifest.files() if manifest else ():
        yield pq.read_table(pa.BufferReader(as_buffer(result.storage.read(ref))), page_checksum_verification=True)
