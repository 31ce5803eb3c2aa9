"""What the report tells, section by section: figures as charts, beside them the tables that they are drawn from.

Everything comes from the facts of the card, the retention audit, the lists of rejected records and the events. Not
here: how charts and tables are made, and the sample of documents (`shown`).
"""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from pipelines.report.card_facts import CardFacts, MixtureFacts, why_released
from pipelines.report.census import LENGTH_BOUNDS, UNKNOWN
from pipelines.report.charts import OUTCOMES, Bars, figure
from pipelines.report.page_parts import folded, note, quoted, section, table, text
from pipelines.report.retention import ALL, WHOLE, Kept
from pipelines.report.timing import Spent
from pipelines.stages.coverage import AXES

SHOWN = 15
"""Bars of one chart; the table below it has more."""
DUPLICATES = ("duplicate", "near_duplicate", "abstract_of", "superseded")
AXIS_NAMES = {"disease": "disease group", "population": "population", "care": "level of care", "country": "country",
              "region": "WHO region", "income": "income group"}  # fmt: skip


def funnel(facts: CardFacts, dropped: list[dict[str, Any]]) -> str:
    """Records by stage and by source: kept, dropped, quarantined, and why."""
    stages, sources = [], []
    for name, manifest in facts.result.manifests.items():
        total = manifest.ledger.total()
        lost = {"dropped": total.dropped.total(), "quarantined": total.quarantined.total()}
        if any(lost.values()):
            stages += [
                {"stage": name, "outcome": o, "records": n} for o, n in {"kept": total.records_kept, **lost}.items()
            ]
    for source in facts.sources:
        gone = Counter[str]()
        for _, tag, outcome, _, count in facts.losses:
            gone[outcome] += count if tag == source.tag else 0
        counts = {"kept": source.tally.documents, **{name: gone[name] for name in ("dropped", "quarantined")}}
        sources += [{"source": source.tag, "outcome": o, "records": n} for o, n in counts.items()]
    why = [[stage, source, outcome, reason, count] for stage, source, outcome, reason, count in facts.losses]
    header = ["stage", "source", "outcome", "reason", "records"]
    every = [
        [name, source, counts.records_in, counts.records_kept, counts.dropped.total(), counts.quarantined.total()]
        for name, manifest in facts.result.manifests.items()
        for source, counts in sorted(manifest.ledger.sources.items())
    ]
    by_stage = Bars(stages, "stage", "records", "records", "outcome", OUTCOMES)
    by_source = Bars(sources, "source", "records", "records", "outcome", OUTCOMES)
    return section(
        "funnel",
        "Where the documents went",
        figure(by_stage, "Stages that took something: records by outcome."),
        figure(by_source, "Sources over the whole run: records by outcome."),
        f"<h3>Why</h3>{table(header, why)}",
        folded("Every stage and source", table(["stage", "source", "in", "kept", "dropped", "quarantined"], every)),
        f"<h3>Examples of what was dropped</h3>{''.join(_examples(dropped))}" if dropped else "",
    )


def _examples(dropped: list[dict[str, Any]]) -> Iterator[str]:
    for stage, reason in dict.fromkeys((row["stage"], row["reason"]) for row in dropped):
        mine = [row for row in dropped if (row["stage"], row["reason"]) == (stage, reason)]
        yield folded(f"{reason} ({stage}): {len(mine)} shown", "".join(map(quoted, mine)))


def coverage(facts: CardFacts) -> str:
    """Documents kept by slice, axis by axis."""
    parts = []
    for axis in AXES:
        rows = sorted((r for r in facts.coverage if r.axis == axis), key=lambda r: (-r.records_kept, r.slice))
        name = AXIS_NAMES[axis]
        bars = [{name: row.slice, "documents": row.records_kept} for row in rows[:SHOWN]]
        parts.append(
            figure(
                Bars(bars, name, "documents", "documents kept"), f"Kept documents by {name}, the {len(bars)} with most."
            )
        )
        cells = [[r.slice, r.records_in, r.records_kept, f"{r.rate:.0%}", r.tokens_kept] for r in rows]
        header = [name, "found", "kept", "rate", "tokens kept (est.)"]
        parts.append(folded(f"All {len(rows)} of {name}", table(header, cells)))
    languages = [{"language": k, "documents": n} for k, n in facts.whole.languages.most_common(SHOWN)]
    parts.append(figure(Bars(languages, "language", "documents", "documents kept"), "Kept documents by language."))
    return section("coverage", "What it is about", *parts)  # fmt: skip


def retention(kept: list[Kept], alarm: float, least: int) -> str:
    """The audit of slices: those that were kept least, and the stage that took most of each."""
    whole = [row for row in kept if row.stage == WHOLE and row.slice != ALL and row.records_in >= least]
    lowest = sorted(whole, key=lambda row: (row.rate, row.name))[:SHOWN]
    overall = next((row.rate for row in kept if row.stage == WHOLE and row.slice == ALL), 1.0)
    bars = [{"slice": row.name, "rate": row.rate} for row in lowest]
    chart = Bars(bars, "slice", "rate", "share of its documents that was kept", percent=True)
    cells = [[r.name, r.records_in, r.records_kept, f"{r.rate:.1%}", *_worst(kept, r)] for r in lowest]
    told = (
        f"Overall {overall:.1%} of the documents that no other stands for were kept. A slice is told as an alarm below "
        f"{alarm:.0%} of that rate. Slices of at least {least} documents, least kept first."
    )
    body = figure(chart, "The slices that were kept least.")
    body += table(["slice", "found", "kept", "rate", "stage that took most", "took"], cells)
    none = note(
        f"No slice has {least} documents." if kept else "No stage looked at what documents are about (coverage)."
    )
    return section("retention", "Was a part of medicine lost?", note(told) if kept else "", body or none)


def _worst(kept: list[Kept], whole: Kept) -> tuple[str, int]:
    stages = [row for row in kept if row.name == whole.name and row.stage != WHOLE]
    worst = max(stages, key=lambda row: row.records_in - row.records_kept, default=whole)
    took = worst.records_in - worst.records_kept
    return (worst.stage, took) if took else ("none", 0)


def doubles(facts: CardFacts) -> str:
    """Duplicates by source and kind, and the matrix of benchmarks against what was found of them."""
    rows = [[tag, reason, count] for _, tag, _, reason, count in facts.losses if reason in DUPLICATES]
    bars = [{"source": tag, "kind": reason, "records": count} for tag, reason, count in rows]
    chart = figure(Bars(bars, "source", "records", "records dropped", "kind"), "Records that another one stands for.")
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
    counts = sorted(facts.whole.terms.items(), key=lambda item: (-item[1], item[0]))
    bars = [{"licence": t.spdx, "documents": n, "may be released": "yes" if t.released else "no"} for t, n in counts]
    colours = {"yes": OUTCOMES["kept"], "no": OUTCOMES["dropped"]}
    chart = Bars(bars[:SHOWN], "licence", "documents", "documents kept", "may be released", colours)
    released = [[s.title or s.tag, s.tag, s.tally.documents, why_released(s, facts.profile)] for s in facts.sources]
    return section(
        "rights",
        "Rights",
        note(f"Of {facts.whole.documents:,} documents {facts.whole.released:,} may be released under {facts.profile}."),
        figure(chart, "Kept documents by licence; colour: may be released, yes or no."),
        table(["source", "tag", "documents", "released"], released),
    )  # fmt: skip


def ages_and_lengths(facts: CardFacts) -> str:
    """Years of publication and classes of length."""
    whole = facts.whole
    known = sorted((year, count) for year, count in whole.years.items() if year != UNKNOWN)
    bars = [{"year": year, "documents": count} for year, count in known]
    names = [*(f"up to {bound:,}" for bound in LENGTH_BOUNDS), "longer"]
    lengths = [{"length": names[at], "documents": n} for at, n in sorted(whole.lengths.items())]
    return section(
        "ages",
        "Ages and lengths",
        note(f"The year of publication is not known of {whole.years[UNKNOWN]:,} of {whole.documents:,} documents."),
        figure(Bars(bars, "year", "documents", "documents kept"), "Kept documents by year of publication."),
        figure(Bars(lengths, "length", "documents", "documents kept"), "Kept documents by length in estimated tokens."),
    )


def mixtures(facts: CardFacts) -> str:
    """Tokens by source and target; of each mixture shares, epochs and packing."""
    return section("mixtures", "Mixtures", *("".join(_mixture(name, one)) for name, one in facts.mixtures.items()))


def _mixture(name: str, mixture: MixtureFacts) -> Iterator[str]:
    stated, total = mixture.stated, sum(t.trained_tokens for t in mixture.trained.values())
    shares, tokens = [], []
    for c in stated["components"]:
        realised = Fraction(c["sequences"], stated["sequences"])
        for kind, share in (("requested", Fraction(c["requested"])), ("realised", realised)):
            shares.append({"component": c["name"], "share of": kind, "share": float(share)})
    for tag, counts in mixture.trained.items():
        if counts.trained_tokens:
            tokens.append({"source": tag, "counted": "each document once", "tokens": counts.target_tokens})
            tokens.append({"source": tag, "counted": "as trained", "tokens": counts.trained_tokens})
    yield f"<h3>{text(name)}</h3>"
    yield note(
        f"{stated['sequences']:,} sequences of {stated['sequence_tokens']:,} tokens for {stated['target']}; "
        f"{total:,} trained tokens. {' '.join(stated['notes'])}"
    )
    chart = Bars(shares, "component", "share", "share of the sequences", "share of", beside=True, percent=True)
    yield figure(chart, f"Requested and realised shares of {name}.")
    header = ["component", "sequences", "trained tokens", "epochs", "cap", "padding", "documents", "split"]
    yield table(header, map(_packing, stated["components"]))
    chart = Bars(tokens, "source", "tokens", f"tokens of {stated['target']}", "counted", beside=True)
    yield figure(chart, f"Tokens by source in {name}.")


def _packing(c: dict[str, Any]) -> list[object]:
    padding = c["trained_padding"] / max(1, c["trained_padding"] + c["trained_tokens"])
    epochs, cap = (float(Fraction(c[key])) for key in ("epochs", "max_epochs"))
    return [c["name"], c["sequences"], c["trained_tokens"], epochs, cap, f"{padding:.1%}", c["documents"],
            c["split_documents"]]  # fmt: skip


def generated(facts: CardFacts) -> str:
    """Texts that a model made, by source and teacher."""
    rows = [[s.tag, *teacher, count] for s in facts.sources for teacher, count in sorted(s.tally.teachers.items())]
    body = table(["source", "teacher", "revision", "prompt", "documents"], rows)
    return section("generated", "Generated text", body or note("No kept document was generated by a model."))


def quarantine(facts: CardFacts, dropped: list[dict[str, Any]]) -> str:
    """Records that could not be treated, and examples of each reason."""
    rows = [
        [stage, tag, reason, count] for stage, tag, outcome, reason, count in facts.losses if outcome == "quarantined"
    ]
    examples = [
        [r["stage"], r["source"], r["key"], r["reason"], r["detail"]] for r in dropped if r["outcome"] == "quarantined"
    ]
    return section(
        "quarantine",
        "Quarantine",
        table(["stage", "source", "reason", "records"], rows),
        folded("Examples", table(["stage", "source", "key", "reason", "detail"], examples)),
    )  # fmt: skip


def timing(stages: dict[str, Spent]) -> str:
    """Seconds and memory of workers by stage."""
    bars = [{"stage": name, "seconds": round(one.seconds, 3)} for name, one in stages.items()]
    cells = [
        [name, one.shards, one.records, one.seconds, round(one.peak_bytes / 2**20)] for name, one in stages.items()
    ]
    chart = Bars(bars, "stage", "seconds", "seconds of workers, summed over shards")
    header = ["stage", "shards", "records", "seconds", "peak memory of a worker (MiB)"]
    return section("timing", "Time", figure(chart, "Time by stage, when it last ran."), table(header, cells))
