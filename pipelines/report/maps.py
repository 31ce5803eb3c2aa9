"""Coverage as maps: a heat map of two axes, and a tile for each country of the world.

No outline of a country is drawn, on purpose. A world map needs geometry that has to be bundled and takes sides on
borders, shows large lands and hides Rwanda and Nepal, and cannot tell which disease is missing where, which is the
question. So the countries stand as tiles of one size under their WHO region, empty ones too, and diseases are crossed
with regions. Every cell says its number, so no colour has to be read. Not here: bars (`charts`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.report.charts import INK, NARROW_PX, OKABE_ITO, libraries

CELL_PX = 22
TILES = {True: 7, False: 20}
"""Tiles in a row, by whether the drawing is narrow."""
_PALE, _DARK = "#cfe3f1", OKABE_ITO[0]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Heat:
    """A cell for each pair of `down` and `across`, with its number; pairs that do not come are empty."""

    rows: Sequence[Row]
    down: str
    across: str
    value: str
    title: str
    """What the numbers are, with their unit."""

    def drawn(self, width_px: int) -> Any:
        """Return the map as a chart of Altair."""
        alt = libraries()[0]
        names = [list(dict.fromkeys(row[axis] for row in self.rows)) for axis in (self.down, self.across)]
        narrow = width_px == NARROW_PX
        x = alt.X(
            f"{self.across}:N",
            sort=names[1],
            title=self.across,
            axis=alt.Axis(labelAngle=-90 if narrow else 0, labelLimit=110, titlePadding=8),
        )
        y = alt.Y(
            f"{self.down}:N",
            sort=names[0],
            title=self.down,
            axis=alt.Axis(labelLimit=105 if narrow else 240, titlePadding=8),
        )
        size = {"width": min(width_px, 90 * len(names[1])), "height": CELL_PX * len(names[0])}
        return _cells(self.rows, {"x": x, "y": y}, self.value, self.title, self.value).properties(**size)


@dataclass(frozen=True, slots=True)
class Tiles:
    """A tile for each `name`, in groups that stand below one another, coloured by `value`; 0 is an empty tile."""

    rows: Sequence[Row]
    name: str
    group: str
    value: str
    title: str

    def drawn(self, width_px: int) -> Any:
        """Return the tiles as a chart of Altair."""
        alt = libraries()[0]
        across = TILES[width_px == NARROW_PX]
        placed, seen = [], dict[str, int]()
        for row in self.rows:
            at = seen[row[self.group]] = seen.get(row[self.group], -1) + 1
            placed.append({**row, "column": at % across, "line": f"{row[self.group]} {at // across + 1:02}"})
        lines = list(dict.fromkeys(row["line"] for row in placed))
        first = "slice(datum.label, -3) == ' 01' ? slice(datum.label, 0, -3) : ''"
        x = alt.X("column:O", title=self.name, axis=alt.Axis(labels=False, ticks=False, domain=False))
        y = alt.Y(
            "line:N",
            sort=lines,
            title=self.group,
            axis=alt.Axis(labelExpr=first, labelLimit=150, ticks=False, domain=False, titlePadding=8),
        )
        size = {"width": min(width_px, (CELL_PX + 6) * across), "height": CELL_PX * len(lines)}
        return _cells(placed, {"x": x, "y": y}, self.value, self.title, self.name).properties(**size)


def _cells(rows: Sequence[Row], place: Mapping[str, Any], value: str, title: str, written: str) -> Any:
    """Return coloured cells with what is written in each; the scale is logarithmic, as counts are."""
    alt = libraries()[0]
    most = max(row[value] for row in rows)
    scale = alt.Scale(type="log", domain=[1, max(2, most)], range=[_PALE, _DARK])
    legend = alt.Legend(orient="bottom", title=title, format="~s", gradientLength=150, tickCount=3)
    base = alt.Chart(alt.Data(values=[dict(row) for row in rows])).encode(**place)
    some = f"datum['{value}'] > 0"
    colour = alt.when(some).then(alt.Color(f"{value}:Q", scale=scale, legend=legend))
    boxes = base.mark_rect(stroke=INK, strokeOpacity=0.2).encode(color=colour.otherwise(alt.value("transparent")))
    ink = alt.when(f"datum['{value}'] > {most**0.55}").then(alt.value("#ffffff"))
    ink = ink.when(some).then(alt.value("#1b1b1b")).otherwise(alt.value(INK))
    return boxes + base.mark_text(fontSize=11).encode(text=f"{written}:N", color=ink)
