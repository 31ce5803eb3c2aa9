"""The charts of an experiment's page, as Vega-Lite specifications that Altair made.

Each takes plain rows and returns a specification with its data in it, the same for the same rows. Not here: the page
around them (`experiment_page`) and the figures (`mixer.experiments`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

WIDTH, HEIGHT = 260, 200
WHAT = alt.Color(
    "what:N",
    title=None,
    scale=alt.Scale(
        domain=["proposal", "natural", "uniform", "sweep"], range=["#e45756", "#4c78a8", "#72b7b2", "#bab0ac"]
    ),
)
Rows = Sequence[Mapping[str, Any]]


def shares(rows: Rows) -> dict[str, Any]:
    """Bars of component, share and mixture."""
    return _spec(
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            y=alt.Y("mixture:N", title=None, sort=None),
            x=alt.X("share:Q", title="share of tokens", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("component:N", title=None, legend=alt.Legend(orient="top")),
            order=alt.Order("place:Q"),
            tooltip=["mixture:N", "component:N", alt.Tooltip("share:Q", format=".2%")],
        )
        .properties(width=2 * WIDTH)
    )


def surfaces(rows: Rows, components: Sequence[str]) -> list[dict[str, Any]]:
    """One chart a component: each expected loss along its share, with the interval of a single run."""
    specs = []
    for component in components:
        mine = [row for row in rows if row["component"] == component]
        base = alt.Chart(_data(mine)).encode(
            x=alt.X("share:Q", title=f"share of {component}", axis=alt.Axis(format="%")),
            color=alt.Color("target:N", title=None, legend=alt.Legend(orient="top", columns=2)),
        )
        band = base.mark_area(opacity=0.12).encode(y="low:Q", y2="high:Q")
        line = base.mark_line().encode(y=alt.Y("value:Q", title="bits per byte", scale=alt.Scale(zero=False)))
        specs.append(_spec((band + line).properties(width=WIDTH, height=HEIGHT)))
    return specs


def parity(pairs: Sequence[Sequence[float]], title: str) -> dict[str, Any]:
    """Measured against expected, with the diagonal."""
    rows = [{"expected": a, "measured": b} for a, b in pairs if a is not None and b is not None]
    ends = [value for row in rows for value in row.values()]
    line = [{"expected": end, "measured": end} for end in (min(ends, default=0), max(ends, default=1))]
    scale = alt.Scale(zero=False)
    axes = {
        "x": alt.X("expected:Q", title="expected (bits per byte)", scale=scale),
        "y": alt.Y("measured:Q", title="measured", scale=scale),
    }
    points = alt.Chart(_data(rows)).mark_circle(size=40).encode(**axes)
    diagonal = alt.Chart(_data(line)).mark_line(color="#999", strokeDash=[4, 4]).encode(**axes)
    return _spec((diagonal + points).properties(width=WIDTH, height=HEIGHT, title=title))


def front(points: Rows, expected: Rows) -> dict[str, Any]:
    """The runs by objective and general loss, and the front that the surfaces expect."""
    scale = alt.Scale(zero=False)
    axes = {
        "x": alt.X("general:Q", title="general text (bits per byte)", scale=scale),
        "y": alt.Y("objective:Q", title="objective (bits per byte)", scale=scale),
    }
    runs = (
        alt.Chart(_data(points))
        .mark_circle(size=45)
        .encode(**axes, color=WHAT, tooltip=["run:N", "objective:Q", "general:Q"])
    )
    line = alt.Chart(_data(expected)).mark_line(color="#444", point=True).encode(**axes, order="general:Q")
    return _spec((line + runs).properties(width=2 * WIDTH, height=HEIGHT))


def trajectories(rows: Rows) -> dict[str, Any]:
    """The objective of every run on the way."""
    return _spec(
        alt.Chart(_data(rows))
        .mark_line(opacity=0.6)
        .encode(
            x=alt.X("step:Q", title="step"),
            y=alt.Y("objective:Q", title="objective (bits per byte)", scale=alt.Scale(zero=False)),
            detail="run:N",
            color=WHAT,
            tooltip=["run:N", "step:Q", "objective:Q"],
        )
        .properties(width=2 * WIDTH, height=HEIGHT)
    )


def confirmation(rows: Rows) -> dict[str, Any]:
    """The objective of the confirmed mixtures, one point a seed."""
    return _spec(
        alt.Chart(_data(rows))
        .mark_point(filled=True, size=60)
        .encode(
            y=alt.Y("what:N", title=None, sort=None),
            x=alt.X("objective:Q", title="objective (bits per byte)", scale=alt.Scale(zero=False)),
            color=WHAT,
            tooltip=["run:N", "objective:Q"],
        )
        .properties(width=2 * WIDTH)
    )


def _data(rows: Rows) -> alt.Data:
    return alt.Data(values=[dict(row) for row in rows])


def _spec(chart: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict()
    return spec
