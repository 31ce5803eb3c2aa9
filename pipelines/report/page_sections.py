"""What the report tells, section by section: figures as charts, beside them the tables that they are drawn from.

Everything comes from the facts of the card, the retention audit, the lists of rejected records and the events. Not
here: what is charted (`page_charts`), how tables are made, and the sample of documents (`shown`).
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from pipelines.report import page_charts as charts
from pipelines.report.card_facts import CardFacts, MixtureFacts, why_released
from pipelines.report.census import UNKNOWN
from pipelines.report.charts import figure, framed
from pipelines.report.limits import Limits, limits_of, quarantined
from pipelines.report.page_parts import folded, note, quoted, section, table, text
from pipelines.report.retention import ALL, WHOLE, Kept, below
from pipelines.report.timing import Spent
from pipelines.stages.coverage import AXES


def funnel(facts: CardFacts, dropped: list[dict[str, Any]]) -> str:
    """Records by stage and by source: kept, dropped, quarantined, and why."""
    why = [[stage, source, outcome, reason, count] for stage, source, outcome, reason, count in facts.losses]
    header = ["stage", "source", "outcome", "reason", "records"]
    every = [
        [name, source, counts.records_in, counts.records_kept, counts.dropped.total(), counts.quarantined.total()]
        for name, manifest in facts.result.manifests.items()
        for source, counts in sorted(manifest.ledger.sources.items())
    ]
    return section(
        "funnel",
        "Where the documents went",
        figure(charts.outcomes_of_stages(facts.result.manifests), "Stages that took something: records by outcome."),
        figure(charts.outcomes_of_sources(facts), "Sources over the whole run: records by outcome."),
        f"<h3>Why</h3>{table(header, why)}" if why else "",
        folded("Every stage and source", table(["stage", "source", "in", "kept", "dropped", "quarantined"], every)),
        f"<h3>Examples of what was dropped</h3>{''.join(_examples(dropped))}" if dropped else "",
    )


def _examples(dropped: list[dict[str, Any]]) -> Iterator[str]:
    for stage, reason in dict.fromkeys((row["stage"], row["reason"]) for row in dropped):
        mine = [row for row in dropped if (row["stage"], row["reason"]) == (stage, reason)]
        yield folded(f"{reason} ({stage}): {len(mine)} shown", "".join(map(quoted, mine)))


def coverage(facts: CardFacts) -> str:
    """Documents kept by slice, axis by axis."""
    parts = [*_maps(facts)]
    for axis in AXES:
        rows = sorted((r for r in facts.coverage if r.axis == axis), key=lambda r: (-r.records_kept, r.slice))
        name, chart = charts.AXIS_NAMES[axis], charts.slices(axis, rows)
        parts.append(figure(chart, f"Kept documents by {name}, the {len(chart.rows)} with most."))
        cells = [[r.slice, r.records_in, r.records_kept, f"{r.rate:.0%}", r.tokens_kept] for r in rows]
        header = [name, "found", "kept", "rate", "tokens kept (est.)"]
        parts.append(folded(f"Table by {name}, {len(rows)} rows", table(header, cells)))
    parts.append(figure(charts.languages(facts.whole), "Kept documents by language."))
    spoken = sorted(facts.whole.languages.items(), key=lambda item: (-item[1], item[0]))
    parts.append(folded(f"Table by language, {len(spoken)} rows", table(["language", "documents kept"], spoken)))
    return section("coverage", "What it is about", *parts)  # fmt: skip


def _maps(facts: CardFacts) -> Iterator[str]:
    """Which disease is written about for which region, which groups at which level of care, and where in the world."""
    if facts.slices is None:
        return
    for down, across in (("disease", "region"), ("population", "care"), ("disease", "income")):
        if (heat := charts.crossed(facts.slices, down, across)).rows:
            most = f", the {charts.SHOWN} with most" if down == "disease" else ""
            yield framed(heat.drawn, f"Kept documents by {heat.down}{most}, and {heat.across}.")
    if (tiles := charts.countries(facts.slices)).rows:
        yield framed(tiles.drawn, "Kept documents by country, under the WHO region; an empty tile is a country that no "
                                  "document is about. Tiles of one size, as area says nothing here.")  # fmt: skip


def retention(kept: list[Kept], limits: Limits) -> str:
    """The audit of slices: those that were kept least, the stage that took most of each, and the run file's floors."""
    alarm, least = limits.alarm, limits.min_documents
    lowest = charts.least_kept(kept, least)
    overall = next((row.rate for row in kept if row.stage == WHOLE and row.slice == ALL), 1.0)
    cells = [[r.name, r.records_in, r.records_kept, f"{r.rate:.1%}", *_worst(kept, r)] for r in lowest]
    told = (
        f"Overall {overall:.1%} of the documents that no other stands for were kept. A slice is told as an alarm below "
        f"{alarm:.0%} of that rate. Slices of at least {least} documents, least kept first."
    )
    body = figure(charts.rates(lowest), "The slices that were kept least.")
    body += table(["slice", "found", "kept", "rate", "stage that took most", "took"], cells)
    none = note(
        f"No slice has {least} documents." if kept else "No stage looked at what documents are about (coverage)."
    )
    return section(
        "retention",
        "Was a part of medicine lost?",
        note(told) if kept else "",
        body or none,
        *_floors(kept, limits),
    )


def _floors(kept: list[Kept], limits: Limits) -> Iterator[str]:
    if not limits.floors:
        yield note("The run file sets no floor below which a slice may not fall (retention.floors).")
        return
    whole = {row.name: row for row in kept if row.stage == WHOLE}
    missed = below(kept, limits.floors)
    rows = []
    for name, floor in sorted(limits.floors.items()):
        row = whole.get(name)
        counts: list[object] = [row.records_in, row.records_kept, f"{row.rate:.1%}"] if row else [0, 0, "-"]
        holds = not any(one.startswith(f"{name}: ") for one in missed)
        rows.append([name, f"{floor:.1%}", *counts, "holds" if holds else "missed"])
    yield f"<h3>Floors of the run file</h3>{table(['slice', 'floor', 'found', 'kept', 'rate', 'verdict'], rows)}"


def _worst(kept: list[Kept], whole: Kept) -> tuple[str, int]:
    stages = [row for row in kept if row.name == whole.name and row.stage != WHOLE]
    worst = max(stages, key=lambda row: row.records_in - row.records_kept, default=whole)
    took = worst.records_in - worst.records_kept
    return (worst.stage, took) if took else ("none", 0)


def doubles(facts: CardFacts) -> str:
    """Duplicates by source and kind, and the matrix of benchmarks against what was found of them."""
    rows = [[tag, reason, count] for _, tag, _, reason, count in facts.losses if reason in charts.DUPLICATES]
    chart = figure(charts.doubles(facts), "Records that another one stands for.")
    if facts.contamination is None:
        found = note("No stage looked for items of test sets (decontaminate).", warning=True)
    else:
        header = ["benchmark", "part", "items", "found", "spans", "documents", "dropped", "cut", "mean score"]
        names = ("benchmark", "part", "items", "items_hit", "spans", "documents", "dropped", "cut")
        score = [["" if r["mean_score"] is None else f"{r['mean_score']:.2f}"] for r in facts.contamination]
        cells = [[*(r[name] for name in names), *s] for r, s in zip(facts.contamination, score, strict=True)]
        found = table(header, cells)
    return section("doubles", "Duplicates and contamination", chart, table(["source", "kind", "records"], rows),
                   "<h3>Contamination</h3>", found)  # fmt: skip


def rights(facts: CardFacts) -> str:
    """Licences of kept documents, and what of each source may leave the house."""
    released = [[s.title or s.tag, s.tag, s.tally.documents, why_released(s, facts.profile)] for s in facts.sources]
    return section(
        "rights",
        "Rights",
        note(f"Of {facts.whole.documents:,} documents {facts.whole.released:,} may be released under {facts.profile}."),
        figure(charts.licences(facts.whole), "Kept documents by licence; colour: may be released, yes or no."),
        table(["source", "tag", "documents", "released"], released),
    )  # fmt: skip


def ages_and_lengths(facts: CardFacts) -> str:
    """Years of publication and classes of length."""
    whole = facts.whole
    return section(
        "ages",
        "Ages and lengths",
        note(f"The year of publication is not known of {whole.years[UNKNOWN]:,} of {whole.documents:,} documents."),
        figure(charts.years(whole), "Kept documents by year of publication."),
        figure(charts.lengths(whole), "Kept documents by length in estimated tokens."),
    )


def mixtures(facts: CardFacts) -> str:
    """Tokens by source and target; of each mixture shares, epochs and packing."""
    return section("mixtures", "Mixtures", *("".join(_mixture(name, one)) for name, one in facts.mixtures.items()))


def _mixture(name: str, mixture: MixtureFacts) -> Iterator[str]:
    stated, total = mixture.stated, sum(t.trained_tokens for t in mixture.trained.values())
    yield f"<h3>{text(name)}</h3>"
    yield note(
        f"{stated['sequences']:,} sequences of {stated['sequence_tokens']:,} tokens for {stated['target']}; "
        f"{total:,} trained tokens. {' '.join(stated['notes'])}"
    )
    yield figure(charts.shares(mixture), f"Requested and realised shares of {name}.")
    header = ["component", "sequences", "trained tokens", "epochs", "cap", "padding", "documents", "split"]
    yield table(header, map(_packing, stated["components"]))
    yield figure(charts.tokens(mixture), f"Tokens by source in {name}.")
    yield from _weighed(name, mixture)


def _weighed(name: str, mixture: MixtureFacts) -> Iterator[str]:
    """What the shares ask of slices, beside what training gets."""
    if not mixture.weighed:
        return
    yield f"<h4>Slices of {text(name)}</h4>"
    yield note(
        "Shares are asked of components. What they ask of a slice follows from how much of each component is about it; "
        "training gets another share of it where a component falls short or is not taken whole."
    )
    chart = charts.weighed([one for one in mixture.weighed if one.axis == "disease"])
    yield figure(chart, f"Disease groups in {name}, the {charts.SHOWN} with most tokens: asked for, and trained.")
    cells = [
        [f"{w.axis}:{w.slice}", f"{w.requested:.2%}", f"{w.realised:.2%}", w.trained_tokens] for w in mixture.weighed
    ]
    header = ["slice", "asked for", "trained", "trained tokens"]
    yield folded(f"Table by slice, {len(cells)} rows", table(header, cells))


def _packing(c: dict[str, Any]) -> list[object]:
    padding = c["trained_padding"] / max(1, c["trained_padding"] + c["trained_tokens"])
    epochs, cap = (float(Fraction(c[key])) for key in ("epochs", "max_epochs"))
    return [c["name"], c["sequences"], c["trained_tokens"], epochs, cap, f"{padding:.1%}", c["documents"],
            c["split_documents"]]  # fmt: skip


def quarantine(facts: CardFacts, dropped: list[dict[str, Any]]) -> str:
    """Records that could not be treated, and examples of each reason."""
    rows = [
        [stage, tag, reason, count] for stage, tag, outcome, reason, count in facts.losses if outcome == "quarantined"
    ]
    examples = [
        [r["stage"], r["source"], r["key"], r["reason"], r["detail"]] for r in dropped if r["outcome"] == "quarantined"
    ]
    gone, read = quarantined(facts.result.manifests)
    limit = limits_of(facts.result.described).max_quarantined
    told = (
        f"{gone:,} of {read:,} records ({gone / max(1, read):.1%}) were quarantined; the run file allows {limit:.1%}."
    )
    return section(
        "quarantine",
        "Quarantine",
        note(f"{told} Above that the run ends with an error, and nothing of it can be released."),
        table(["stage", "source", "reason", "records"], rows),
        folded("Examples", table(["stage", "source", "key", "reason", "detail"], examples)),
    )  # fmt: skip


def timing(stages: dict[str, Spent]) -> str:
    """Seconds and memory of workers by stage."""
    cells = [
        [name, one.shards, one.records, one.seconds, round(one.peak_bytes / 2**20)] for name, one in stages.items()
    ]
    header = ["stage", "shards", "records", "seconds", "peak memory of a worker (MiB)"]
    return section(
        "timing", "Time", figure(charts.seconds(stages), "Time by stage, when it last ran."), table(header, cells)
    )
