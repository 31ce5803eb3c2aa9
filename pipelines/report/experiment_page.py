"""The page of an experiment: what was asked, the answer in a sentence, and what it stands on, in one HTML file.

It opens from a disk without a network: the code that draws (Vega) is in it. A reader sees the verdict first, also when
it is that nothing was gained, then shares, confirmation, surfaces, parity of expected and measured losses, the front of
objective against forgetting, trajectories and every run. No figure is typed by hand. Not here: the figures themselves.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import vl_convert

from pipelines.report import experiment_charts as charts

DRAWS = "window.vegaEmbed = vegaEmbed;"
"""What the bundled code gives to the page."""
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;color:#1c2127;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem}.verdict{border-left:4px solid #4c78a8;padding:.5rem 1rem;
background:#f3f6fa}table{border-collapse:collapse;font-size:.85rem}
td,th{padding:.2rem .6rem;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}pre{background:#f6f6f6;padding:1rem;overflow:auto}
.charts{display:flex;flex-wrap:wrap;gap:1rem}.wide{overflow-x:auto}small{color:#555}
"""


def page(shown: Mapping[str, Any]) -> str:
    """Return the page as HTML; `shown` is what `pipelines.experiment_results` gathers."""
    specs: list[dict[str, Any]] = []
    body = "\n".join(_sections(shown, specs))
    drawn = "\n".join(
        f"vegaEmbed('#c{at}', {_script(spec)}, {{actions:false}});" for at, spec in enumerate(specs)
    )  # fmt: skip
    title = escape(shown["config"]["name"])
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n<body>\n{body}\n"
        f"<script>{vl_convert.javascript_bundle(DRAWS)}</script>\n<script>\n{drawn}\n</script>\n</body></html>\n"
    )


def _script(spec: Mapping[str, Any]) -> str:
    """Return JSON that may stand in a script: no `</script>` can end it."""
    return json.dumps(spec, sort_keys=True, ensure_ascii=True).replace("</", "<\\/")


def _sections(shown: Mapping[str, Any], specs: list[dict[str, Any]]) -> Iterator[str]:
    def chart(spec: dict[str, Any]) -> str:
        specs.append(spec)
        return f'<div id="c{len(specs) - 1}"></div>'

    config, proposal, evidence = shown["config"], shown["proposal"], shown["evidence"]
    yield f"<h1>{escape(config['question'])}</h1>"
    yield f'<p class="verdict"><b>{escape(evidence["verdict"])}</b> {_recommended(evidence)}</p>'
    yield from (f"<p><small>{escape(note)}</small></p>" for note in proposal["notes"])
    yield "<h2>Shares</h2>"
    yield chart(charts.shares(_mixtures(proposal)))
    yield _table(
        ["component", "documents", "tokens (est.)", "natural", "proposal", "epochs at the proposal", "held out"],
        [
            [one["name"], f"{one['documents']:,}", f"{one['tokens']:,}", f"{natural:.2%}", f"{share:.2%}",
             f"{share * config['target_tokens'] / max(1, one['tokens']):.2f}", f"{one['held_out_documents']:,}"]
            for one, natural, share in zip(shown["counted"], proposal["natural"], proposal["weights"], strict=True)
        ],
    )  # fmt: skip
    held, apart = ", ".join(proposal["bound"]) or "nothing", _figure(proposal["disagreement"])
    yield f"<p>What holds the proposal back: {escape(held)}. Models disagree on it by {apart} of the tokens.</p>"
    yield "<h2>Confirmation</h2><p>Every mixture was trained with the same seeds; a point is one proxy.</p>"
    yield chart(charts.confirmation([{**row, "what": _what(row["run"])} for row in shown["confirmed"]]))
    yield "<h2>How the losses move with each share</h2>"
    yield (
        "<p>The others keep their natural proportion. Bands hold 90 % of single proxies; a target without signal is "
        "drawn as its mean.</p>"
    )
    drawn = [chart(spec) for spec in charts.surfaces(proposal["curves"], proposal["components"])]
    yield f'<div class="charts">{"".join(drawn)}</div>'
    yield from _fits(shown, chart)
    yield from _trade(shown, chart)
    yield "<h2>On the way</h2>"
    yield chart(charts.trajectories([{**row, "what": _what(row["run"])} for row in shown["trajectories"]]))
    yield "<h2>Mixture file</h2>"
    yield f"<pre>{escape(shown['mixture'])}</pre>"
    yield "<h2>Runs</h2>"
    yield f'<div class="wide">{_runs(shown)}</div>'


def _recommended(evidence: Mapping[str, Any]) -> str:
    return f"The mixture file holds the {escape(evidence['recommended'])}."


def _fits(shown: Mapping[str, Any], chart: Any) -> Iterator[str]:
    proposal = shown["proposal"]
    yield "<h2>Do the surfaces predict runs that they have not seen?</h2>"
    drawn, words = [], []
    for name, title in (("held_out", "held-out mixtures"), ("left_out", "left out in cross-validation")):
        if one := proposal["combined"].get(name):
            drawn.append(chart(charts.parity(one["pairs"], f"objective, {title}")))
            words.append(
                f"{title}: {one['runs']} runs, rank correlation {_figure(one['spearman'])} "
                f"(95 % {_figure(one['low'])} to {_figure(one['high'])})"
            )
    yield f'<div class="charts">{"".join(drawn)}</div><p>{escape("; ".join(words))}.</p>'
    rows = []
    for target, one in proposal["fits"].items():
        score, held = one["scores"].get(one["model"], {}), one.get("held_out", {})
        rows.append(
            [target, one["model"], _figure(score.get("spearman")), _figure(held.get("spearman")),
             _figure(held.get("mse")), _figure(one["noise"]), str(one["noise_runs"]),
             str(shown["targets"].get(target, ""))]
        )  # fmt: skip
    yield _table(
        ["target", "model", "rank (cross-validation)", "rank (held out)", "squared error", "noise of a run",
         "replicates", "items"], rows,
    )  # fmt: skip


def _trade(shown: Mapping[str, Any], chart: Any) -> Iterator[str]:
    """The objective against what is forgotten, where general text was measured and is no part of the objective."""
    runs = [*shown["runs"], *shown["confirmed"]]
    if not runs or "general" not in runs[0]["metrics"]:
        return
    points = [
        {"run": row["run"], "objective": row["objective"], "general": row["metrics"]["general"],
         "what": _what(row["run"])}
        for row in runs
    ]  # fmt: skip
    yield "<h2>Gain against forgetting</h2>"
    yield "<p>Each point is a trained proxy; the line is the front that the surfaces expect. Lower is better.</p>"
    yield chart(charts.front(points, shown["proposal"]["front"]))


def _runs(shown: Mapping[str, Any]) -> str:
    rows = [*shown["runs"], *shown["confirmed"]]
    names = list(rows[0]["metrics"]) if rows else []
    heads = ["run", "split", "seed", *shown["proposal"]["components"], "objective", *names]
    return _table(
        heads,
        [
            [row["run"], row["split"], str(row["seed"]), *(f"{w:.2%}" for w in row["weights"]),
             _figure(row["objective"]), *(_figure(row["metrics"][name]) for name in names)]
            for row in rows
        ],
    )  # fmt: skip


def _mixtures(proposal: Mapping[str, Any]) -> list[dict[str, Any]]:
    named = {"proposal": proposal["weights"], "natural": proposal["natural"]}
    named["average of the best drawn"] = proposal["average"]
    named |= {f"by {model} alone": weights for model, weights in proposal["by_model"].items()}
    return [
        {"mixture": name, "component": component, "share": share, "place": at}
        for name, weights in named.items()
        for at, (component, share) in enumerate(zip(proposal["components"], weights, strict=True))
    ]


def _what(run: str) -> str:
    """Return what a run is: one of the confirmed mixtures, or of the sweep."""
    name = run.rpartition("-")[0]
    return name if name in ("proposal", "natural", "uniform") else "sweep"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"
