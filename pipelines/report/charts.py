"""Charts of the report as SVG that needs no script: made by Altair, set by vl-convert, drawn twice.

Each chart has a wide and a narrow form, of which the page shows the one that fits, so its letters have the size of the
text at any width. Letters and lines take the colour of the page (`currentColor`), so light and dark need one drawing;
areas have the colours of Okabe and Ito, which colour-blind readers tell apart. Both libraries are in the extra
`publish`. Not here: what is charted (`page_sections`).
"""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.engine.errors import ConfigError

OKABE_ITO = ("#0072B2", "#E69F00", "#CC79A7", "#009E73", "#56B4E9", "#D55E00", "#F0E442", "#999999")
OUTCOMES = {"kept": "#0072B2", "dropped": "#E69F00", "quarantined": "#CC79A7"}
INK = "#010203"
"""Stands for the colour of the page's text until the drawing is put into it: Altair knows no `currentColor`."""
WIDE_PX, NARROW_PX = 620, 200
ROW_PX = 20
_ZERO = "datum.value == 0 ? '0' : datum.label"
"""Vega writes 0k where other ticks are thousands."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bars:
    """Horizontal bars: one a value of `name`, as long as `value`; parts by `part` in a row, or below one another."""

    rows: Sequence[Row]
    name: str
    value: str
    title: str
    """What the length says, with its unit."""
    part: str = ""
    colours: Mapping[str, str] | None = None
    beside: bool = False
    """Parts below one another rather than in a row."""
    percent: bool = False


def figure(chart: Bars, caption: str) -> str:
    """Return bars as HTML, empty without rows. Raises ConfigError without the extra `publish`."""
    return framed(lambda width_px: drawn(chart, width_px), caption) if chart.rows else ""


def framed(draw: Callable[[int], Any], caption: str) -> str:
    """Return what `draw` makes of a width in pixels, an Altair chart, as HTML. Raises ConfigError without `publish`."""
    forms = [f'<div class="{name}">{_svg(draw(width_px))}</div>' for name, width_px in _WIDTHS.items()]
    told = html.escape(caption)
    return f'<figure role="img" aria-label="{told}">{"".join(forms)}<figcaption>{told}</figcaption></figure>'


_WIDTHS = {"wide": WIDE_PX, "narrow": NARROW_PX}


def _svg(chart: Any) -> str:
    made = chart.configure(**_config())
    return str(libraries()[1].vegalite_to_svg(made.to_json())).replace(INK, "currentColor")


def drawn(chart: Bars, width_px: int = WIDE_PX) -> Any:
    """Return bars as a chart of Altair, in the look of whoever shows it. Raises ConfigError without `publish`."""
    alt = libraries()[0]
    names = list(dict.fromkeys(row[chart.name] for row in chart.rows))
    parts = list(dict.fromkeys(row[chart.part] for row in chart.rows)) if chart.part else []
    narrow = width_px == NARROW_PX
    whole = {"tickMinStep": 1} if all(isinstance(row[chart.value], int) for row in chart.rows) else {}
    x = alt.X(
        f"{chart.value}:Q",
        title=chart.title,
        stack=None if chart.beside else "zero",
        axis=alt.Axis(
            format="%" if chart.percent else "~s",
            labelExpr=_ZERO,
            tickCount=3 if narrow else 8,
            labelFlush=False,
            **whole,
        ),
    )
    label_px = 105 if narrow else 240
    y = alt.Y(f"{chart.name}:N", title=chart.name, sort=names, axis=alt.Axis(labelLimit=label_px, titlePadding=8))
    encoded: dict[str, Any] = {"x": x, "y": y}
    if parts:
        colours = chart.colours or dict(zip(parts, OKABE_ITO, strict=False))
        scale = alt.Scale(domain=parts, range=[colours[part] for part in parts])
        legend = alt.Legend(orient="top", title=chart.part, columns=2 if narrow else 4, labelLimit=160)
        encoded["color"] = alt.Color(f"{chart.part}:N", scale=scale, sort=parts, legend=legend)
        encoded["order"] = alt.Order("at:Q")
        if chart.beside:
            encoded["yOffset"] = alt.YOffset(f"{chart.part}:N", sort=parts)
    rows = [{**row, "at": parts.index(row[chart.part]) if parts else 0} for row in chart.rows]
    mark = alt.Chart(alt.Data(values=rows)).mark_bar(**({} if parts else {"color": OKABE_ITO[0]}))
    step = ROW_PX * (len(parts) * 0.7 if chart.beside else 1)
    return mark.encode(**encoded).properties(width=width_px, height=max(60, int(step * len(names))))


def show_in_notebooks() -> None:
    """Draw charts of Altair in notebooks as SVG without script or network: dark on white, in our colours."""
    alt = libraries()[0]
    look = {**_config(), "background": "white", "range": {"category": list(OKABE_ITO)}}
    look |= {kind: {"color": OKABE_ITO[0]} for kind in ("area", "bar", "circle", "line", "point")}
    alt.theme.register("medmix", enable=True)(lambda: {"config": look})
    alt.renderers.enable("svg")


def _config() -> dict[str, Any]:
    ink, soft = INK, 0.25
    text = {"labelColor": ink, "titleColor": ink, "labelFont": "sans-serif", "titleFont": "sans-serif"}
    axis = {**text, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "domainColor": ink}
    axis |= {"tickColor": ink, "gridColor": ink, "gridOpacity": soft, "domainOpacity": soft, "tickOpacity": soft}
    legend = {**text, "labelFontSize": 12}
    return {"axis": axis, "legend": legend, "view": {"stroke": None}, "font": "sans-serif", "background": "transparent"}


def libraries() -> tuple[Any, Any]:
    """Return altair and vl_convert. Raises ConfigError without the extra `publish`."""
    try:
        import altair
        import vl_convert
    except ImportError as error:
        raise ConfigError(
            f"the report needs {error.name}, which is not installed: pip install -e '.[publish]'"
        ) from error
    return altair, vl_convert
