"""The charts of an experiment's page, each a function from a width in pixels to a chart of Altair.

Each takes plain rows and draws the same for the same rows. Colours are those of Okabe and Ito; what is told by colour
is told by shape or place as well. Every axis has a title, with its unit where it has one. Not here: the page around
them (`experiment_page`), their letters and lines (`charts`) and the figures (`mixer.experiments`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt

from pipelines.report.charts import INK, NARROW_PX, OKABE_ITO, ROW_PX

Rows = Sequence[Mapping[str, Any]]
Draw = Callable[[int], Any]
LOSS = "bits per byte (lower is better)"
COLOURS = {"proposal": "#D55E00", "natural": "#0072B2", "uniform": "#009E73", "sweep": "#999999"}
SHAPES = {"proposal": "diamond", "natural": "circle", "uniform": "triangle-up", "sweep": "cross"}
LINES = {"objective": "#0072B2", "general": "#E69F00"}
MARKED = {"natural": [2, 3], "proposal": [1, 0]}
"""How the lines of marked shares are dashed."""
_BLANK = alt.Scale(zero=False, nice=True)


def shares(rows: Rows) -> Draw:
    """Bars of `mixture`, `component`, `share` and `place`, one mixture a row."""
    names = list(dict.fromkeys(row["component"] for row in rows))
    mixtures = list(dict.fromkeys(row["mixture"] for row in rows))

    def draw(width_px: int) -> Any:
        columns = 2 if width_px == NARROW_PX else 4
        legend = alt.Legend(orient="top", title="component", columns=columns, labelLimit=160)
        colour = alt.Scale(domain=names, range=list(OKABE_ITO))
        return (
            alt.Chart(_data(rows))
            .mark_bar(stroke="white", strokeWidth=0.5)
            .encode(
                y=alt.Y("mixture:N", title="mixture", sort=mixtures, axis=alt.Axis(labelLimit=_label_px(width_px))),
                x=alt.X("share:Q", title="share of tokens", axis=alt.Axis(format="%", tickCount=_ticks(width_px)),
                        scale=alt.Scale(domain=[0, 1])),
                color=alt.Color("component:N", scale=colour, sort=names, legend=legend),
                order=alt.Order("place:Q"),
            )
            .properties(width=width_px, height=ROW_PX * len(mixtures))
        )  # fmt: skip

    return draw


def confirmation(rows: Rows) -> Draw:
    """The objective of the confirmed mixtures: rows of `what` and `objective`, one point a trained proxy."""
    names = [name for name in COLOURS if any(row["what"] == name for row in rows)]

    def draw(width_px: int) -> Any:
        y = alt.Y("what:N", title="mixture", sort=names)
        x = alt.X("objective:Q", title=f"objective, {LOSS}", scale=_BLANK, axis=alt.Axis(tickCount=_ticks(width_px)))
        points = alt.Chart(_data(rows)).mark_point(filled=True, size=70, opacity=0.8)
        mean = alt.Chart(_data(rows)).mark_tick(color=INK, thickness=2, size=18)
        both = points.encode(x=x, y=y, **_marks(names, legend=False)) + mean.encode(x="mean(objective):Q", y=y)
        return both.properties(width=width_px, height=32 * len(names))

    return draw


def surface(rows: Rows, component: str, marked: Mapping[str, float]) -> Draw:
    """Expected losses along the share of one component (`share`, `target`, `value`, `low`, `high`), shares marked."""
    names = [name for name in LINES if any(row["target"] == name for row in rows)]
    legend = alt.Legend(orient="top", title=None)
    colour = alt.Color("target:N", legend=legend, scale=alt.Scale(domain=names, range=[LINES[n] for n in names]))
    dash = alt.StrokeDash("target:N", legend=None, scale=alt.Scale(domain=names, range=[[1, 0], [6, 3]][: len(names)]))

    def draw(width_px: int) -> Any:
        size_px = NARROW_PX if width_px == NARROW_PX else 230
        title = f"share of {component} (tokens)"
        x = alt.X("share:Q", title=title, axis=alt.Axis(format="%", tickCount=4), scale=alt.Scale(nice=False))
        base = alt.Chart(_data(rows)).encode(x=x, color=colour)
        band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", title=LOSS, scale=_BLANK), y2="high:Q")
        line = base.mark_line(strokeWidth=2.5).encode(y=alt.Y("value:Q", scale=_BLANK), strokeDash=dash)
        marks = [
            alt.Chart(_data([{"share": share}])).mark_rule(color=INK, strokeDash=MARKED[name], opacity=0.6).encode(x=x)
            for name, share in marked.items()
        ]
        return alt.layer(band, line, *marks).properties(width=size_px, height=180)

    return draw


def parity(pairs: Sequence[Sequence[float | None]]) -> Draw:
    """Measured against expected losses, with the line on which both are equal."""
    rows = [{"expected": a, "measured": b} for a, b in pairs if a is not None and b is not None]
    ends = [value for row in rows for value in row.values()]
    line = [{"expected": end, "measured": end} for end in (min(ends, default=0), max(ends, default=1))]

    def draw(width_px: int) -> Any:
        size_px = NARROW_PX if width_px == NARROW_PX else 250
        axes = {
            "x": alt.X("expected:Q", title="expected, bits per byte", scale=_BLANK, axis=alt.Axis(tickCount=4)),
            "y": alt.Y("measured:Q", title="measured, bits per byte", scale=_BLANK, axis=alt.Axis(tickCount=4)),
        }
        points = alt.Chart(_data(rows)).mark_circle(size=40, color=OKABE_ITO[0], opacity=0.7).encode(**axes)
        equal = alt.Chart(_data(line)).mark_line(color=INK, opacity=0.5, strokeDash=[4, 4]).encode(**axes)
        return (equal + points).properties(width=size_px, height=size_px)

    return draw


def front(points: Rows, expected: Rows) -> Draw:
    """The runs by `general` loss and `objective` (and `what` they are), and the front that the surfaces expect."""
    names = [name for name in COLOURS if any(row["what"] == name for row in points)]

    def draw(width_px: int) -> Any:
        axes = {
            "x": alt.X("general:Q", title="general text, bits per byte", scale=_BLANK, axis=alt.Axis(tickCount=5)),
            "y": alt.Y("objective:Q", title="objective, bits per byte", scale=_BLANK, axis=alt.Axis(tickCount=5)),
        }
        runs = alt.Chart(_data(points)).mark_point(filled=True, size=50, opacity=0.8)
        line = alt.Chart(_data(expected)).mark_line(color=INK, point=alt.OverlayMarkDef(color=INK, size=25))
        both = line.encode(**axes, order="general:Q") + runs.encode(**axes, **_marks(names))
        return both.properties(width=width_px, height=230)

    return draw


def trajectories(rows: Rows) -> Draw:
    """The objective of every run on the way: rows of `run`, `what`, `step`, `objective`."""
    names = [name for name in COLOURS if any(row["what"] == name for row in rows)]

    def draw(width_px: int) -> Any:
        x = alt.X("step:Q", title="training step", axis=alt.Axis(tickCount=_ticks(width_px)))
        y = alt.Y("objective:Q", title="objective, bits per byte", scale=_BLANK)
        base = alt.Chart(_data(rows)).encode(x=x, y=y, detail="run:N")
        colour = _marks(names)["color"]
        lines = base.mark_line(opacity=0.5).encode(color=colour) + base.mark_point(filled=True).encode(**_marks(names))
        return lines.properties(width=width_px, height=230)

    return draw


def _marks(names: Sequence[str], *, legend: bool = True) -> dict[str, Any]:
    """Return colour and shape of what runs are, with one legend for both."""
    shown = alt.Legend(orient="top", title=None) if legend else None
    colour = alt.Scale(domain=list(names), range=[COLOURS[name] for name in names])
    shape = alt.Scale(domain=list(names), range=[SHAPES[name] for name in names])
    return {
        "color": alt.Color("what:N", scale=colour, legend=shown),
        "shape": alt.Shape("what:N", scale=shape, legend=shown),
    }


def _label_px(width_px: int) -> int:
    return 105 if width_px == NARROW_PX else 240


def _ticks(width_px: int) -> int:
    return 3 if width_px == NARROW_PX else 8


def _data(rows: Rows) -> alt.Data:
    return alt.Data(values=[dict(row) for row in rows])
