"""The page of an experiment: what was asked, the answer in a sentence, and what it stands on, in one HTML file.

It opens from a disk without a network or a script, in the look of a run's report. A reader sees the verdict first, also
when it is that nothing was gained, then the words that it needs, shares, confirmation, surfaces, parity of expected and
measured losses, the front of objective against forgetting, trajectories and every run. No figure is typed by hand. Not
here: the figures themselves, and what is drawn (`experiment_charts`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.report import experiment_charts as charts
from pipelines.report.charts import framed
from pipelines.report.page import WEB
from pipelines.report.page_parts import folded, note, section, table, text, tiles

WORDS = {
    "proxy": "A small model that is trained from scratch on one mixture, to learn what the mixture is worth.",
    "bits per byte": "How many bits a model needs to tell each byte of a text that it has not seen. Lower is better.",
    "objective": "The weighted mean of bits per byte that the experiment file asks to make small.",
    "general": "Bits per byte of held-out general text: when it rises, something was forgotten.",
    "natural": "The mixture with every component at its share of all tokens (or at the weights of today, where given).",
    "uniform": "The mixture with the same share of each component.",
    "noise": "How much proxies of one mixture differ by their seed alone (standard deviation). Less cannot be told.",
    "held out": "Mixtures that were trained but never fitted to; they tell whether the surfaces can be trusted.",
}


def page(shown: Mapping[str, Any]) -> str:
    """Return the page as HTML; `shown` is what `pipelines.experiment_results` gathers."""
    question = text(shown["config"]["question"])
    style = (WEB / "page.css").read_text(encoding="utf-8")
    body = "\n".join(_sections(shown))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{text(shown['config']['name'])}</title>\n<style>{style}</style></head>\n<body>\n"
        f'<header><h1>{question}</h1><p class="lead">{_lead(shown)}</p></header>\n<main>\n{body}\n</main>\n'
        "<footer><p>Made by medmix from the experiment's files. Small models rank mixtures; they do not say how good a "
        "large one will be.</p></footer>\n</body></html>\n"
    )


def _lead(shown: Mapping[str, Any]) -> str:
    proxy, evidence = shown["config"]["proxy"], shown["evidence"]
    models = "Copies of a given model" if proxy["base"] else "Small models"
    trained = [*([] if shown["config"]["results"] else shown["runs"]), *shown["confirmed"]]
    told = (
        f"{models} were trained on {proxy['tokens']:,} tokens each, every one on another mixture of the same "
        f"{len(evidence['components'])} components, and judged by texts that none of them was trained on."
    )
    held = evidence["held_out"]
    figures: dict[str, object] = {"proxies trained": len(trained)}
    if shown["config"]["results"]:
        figures["runs obtained elsewhere"] = len(shown["runs"])
    if held and held["spearman"] is not None:
        figures["rank correlation on held-out mixtures (1 is perfect)"] = held["spearman"]
    figures |= {"recommended mixture": evidence["recommended"]}
    figures["noise of a proxy, bits per byte"] = _figure(evidence["noise"])
    return f"{text(told)}{tiles(figures)}"


def _sections(shown: Mapping[str, Any]) -> Iterator[str]:
    yield _answer(shown)
    words = table(["word", "what it is"], WORDS.items())
    yield section("words", "Words", folded("What proxy, bits per byte, natural and other words mean", words))
    yield _shares(shown)
    yield _confirmation(shown)
    yield _curves(shown)
    yield _fits(shown)
    yield from _trade(shown)
    rows = [{**row, "what": _what(row["run"])} for row in shown["trajectories"]]
    caption = "The objective of each proxy, at each step at which it was judged."
    yield section("way", "On the way", framed(charts.trajectories(rows), caption))
    yield section("runs", "Every run", folded("Weights and losses of all proxies", _runs(shown)))


def _answer(shown: Mapping[str, Any]) -> str:
    evidence = shown["evidence"]
    told = f"{evidence['verdict']} The mixture file holds the {evidence['recommended']} mixture."
    pasted = f"<h3>The mixture file, to paste into a run file</h3><pre>{text(shown['mixture'])}</pre>"
    return section("answer", "Answer", note(told, warning=True), *map(note, shown["proposal"]["notes"]), pasted)


def _shares(shown: Mapping[str, Any]) -> str:
    proposal, target = shown["proposal"], shown["config"]["target_tokens"]
    rows = [
        [one["name"], one["documents"], one["tokens"], f"{natural:.2%}", f"{share:.2%}",
         f"{share * target / max(1, one['tokens']):.2f}", one["held_out_documents"]]
        for one, natural, share in zip(shown["counted"], proposal["natural"], proposal["weights"], strict=True)
    ]  # fmt: skip
    head = ["component", "documents", "tokens (estimated)", "natural", "proposal",
            f"times seen in {target:,} tokens", "documents held out"]  # fmt: skip
    held, apart = ", ".join(proposal["bound"]) or "nothing", proposal["disagreement"]
    told = f"What holds the proposal back: {held}. Between models it differs by up to {apart:.0%} of the tokens."
    caption = "Shares of each mixture; below the natural one, what each kind of fit would propose."
    return section(
        "shares", "Shares", framed(charts.shares(_mixtures(proposal)), caption), table(head, rows), note(told)
    )


def _confirmation(shown: Mapping[str, Any]) -> str:
    rows = [{**row, "what": _what(row["run"])} for row in shown["confirmed"]]
    head = ["proposal against", "difference, bits per byte", "95 % interval", "so it is"]
    cells = [
        [one["other"], f"{one['value']:+.4f}", f"{one['low']:+.4f} to {one['high']:+.4f}", one["verdict"]]
        for one in shown["evidence"]["differences"]
    ]
    caption = "Trained with the same seeds; a point is one proxy, the line their mean."
    return section("confirmation", "Confirmation", framed(charts.confirmation(rows), caption), table(head, cells))


def _curves(shown: Mapping[str, Any]) -> str:
    proposal = shown["proposal"]
    drawn = []
    for at, component in enumerate(proposal["components"]):
        rows = [row for row in proposal["curves"] if row["component"] == component]
        marked = {"natural": proposal["natural"][at], "proposal": proposal["weights"][at]}
        if rows:
            drawn.append(framed(charts.surface(rows, component, marked), f"More or less {component}."))
    told = (
        "Expected losses when one share moves and the others keep their natural proportion. Bands hold 90 % of single "
        "proxies. The dotted line is the natural share, the full one the proposal's."
    )
    return section("curves", "How losses move with each share", note(told), f'<div class="pair">{"".join(drawn)}</div>')


def _fits(shown: Mapping[str, Any]) -> str:
    proposal = shown["proposal"]
    drawn = []
    for name, title in (("held_out", "Held-out mixtures"), ("left_out", "Fitted mixtures, each left out in turn")):
        if one := proposal["combined"].get(name):
            caption = (
                f"{title}: {one['runs']} runs, rank correlation {_figure(one['spearman'])} "
                f"(95 % {_figure(one['low'])} to {_figure(one['high'])})."
            )
            drawn.append(framed(charts.parity(one["pairs"]), caption))
    rows = [_fit(target, one, shown["targets"]) for target, one in proposal["fits"].items()]
    head = ["target", "model", "rank correlation, left out", "rank correlation, held out", "squared error, held out",
            "noise of a run", "texts"]  # fmt: skip
    told = "The nearer points are to the line, the better the surfaces predict mixtures that they have not seen."
    charted = f'<div class="pair">{"".join(drawn)}</div>'
    return section("fits", "Can the surfaces be trusted?", note(told), charted, table(head, rows))


def _fit(target: str, one: Mapping[str, Any], counts: Mapping[str, int]) -> list[object]:
    score, held = one["scores"].get(one["model"], {}), one.get("held_out", {})
    figures = [score.get("spearman"), held.get("spearman"), held.get("mse"), one["noise"]]
    return [target, one["model"], *map(_figure, figures), counts.get(target, "")]


def _trade(shown: Mapping[str, Any]) -> Iterator[str]:
    """The objective against what is forgotten, where general text was measured."""
    runs = [*shown["runs"], *([] if shown["config"]["results"] else shown["confirmed"])]
    if not runs or "general" not in runs[0]["metrics"]:
        return
    points = [
        {"objective": row["objective"], "general": row["metrics"]["general"], "what": _what(row["run"])} for row in runs
    ]
    told = (
        "Towards the lower left is better in both. The line is the best that the surfaces expect for each general loss."
    )
    drawn = framed(charts.front(points, shown["proposal"]["front"]), "Each point is a trained proxy.")
    yield section("forgetting", "Gain against forgetting", note(told), drawn)


def _runs(shown: Mapping[str, Any]) -> str:
    rows = [*shown["runs"], *shown["confirmed"]]
    names = list(rows[0]["metrics"]) if rows else []
    heads = ["run", "split", "seed", *shown["proposal"]["components"], "objective", *names]
    return table(
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
