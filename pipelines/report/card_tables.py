"""The tables of a card: sources, mixtures, recipe, losses, contamination, generated text, coverage, ages, files.

Each is a function from the facts to lines of Markdown, empty where there is nothing to tell. Not here: counting
(`card_facts`), and the sentences around the tables (`card_words`).
"""

import json
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from pipelines.report import intervals
from pipelines.report.card_facts import CardFacts, why_released
from pipelines.report.census import UNKNOWN
from pipelines.report.generated import rates
from pipelines.report.markdown import share, table
from pipelines.report.reviewed import Reviews
from pipelines.stages.contamination_report import ALL
from pipelines.stages.coverage import AXES

WEIGHED_SLICES = 12
"""Slices of one axis that a card lists of each mixture."""
SHOWN_SLICES = 40
"""Slices of one axis that a card lists; the report and `retention.parquet` have all."""
Lines = Iterator[str]


def targets(facts: CardFacts) -> dict[str, str]:
    """Return for each target the first mixture that is made for it, as their tokens are the same."""
    found: dict[str, str] = {}
    for name, mixture in facts.mixtures.items():
        found.setdefault(mixture.stated["target"], name)
    return found


def sources(facts: CardFacts) -> Lines:
    """One line a source, as the card of epfl-llm/guidelines has it, and their sum."""
    columns = targets(facts)
    header = ["source", "tag", "kind", "documents", "words", *(f"tokens ({target})" for target in columns)]
    rows: list[list[object]] = []
    for source in facts.sources:
        trained = [facts.mixtures[name].trained.get(source.tag) for name in columns.values()]
        tokens = [one.target_tokens if one else 0 for one in trained]
        counts = [source.tally.documents, source.tally.words, *tokens]
        kinds = ", ".join(sorted(source.tally.kinds)) or "-"
        released = why_released(source, facts.profile)
        rows.append([source.title, f"`{source.tag}`", kinds, *counts, source.audience, source.region, released])
    sums = [sum(int(str(row[at])) for row in rows) for at in range(3, 5 + len(columns))]
    rows.append(["**all**", "", "", *sums, "", "", f"{facts.whole.released:,} documents"])
    return table([*header, "audience", "region", "released"], rows)


def mixture(facts: CardFacts, name: str) -> Lines:
    """Requested and realised share, epochs and padding of each component, then what each source gives."""
    stated = facts.mixtures[name].stated
    header = ["component", "requested", "effective", "realised", "sequences", "trained tokens", "padding"]
    rows: list[list[object]] = []
    for c in stated["components"]:
        padding = share(c["trained_padding"], c["trained_padding"] + c["trained_tokens"])
        shares = [c["requested"], c["effective"], share(c["sequences"], stated["sequences"])]
        epochs = f"{c['epochs']} = {float(Fraction(c['epochs'])):.2f}"
        rows.append([c["name"], *shares, c["sequences"], c["trained_tokens"], padding, epochs, c["documents"]])
    yield from table([*header, "epochs (exact)", "documents"], rows)
    whole = sum(t.trained_tokens for t in facts.mixtures[name].trained.values())
    yield from table(
        ["source", "documents in it", "tokens, each document once", "trained tokens", "of the mixture"],
        (
            [f"`{tag}`", t.documents, t.target_tokens, t.trained_tokens, share(t.trained_tokens, whole)]
            for tag, t in facts.mixtures[name].trained.items()
            if t.trained_tokens
        ),
    )


def recipe(facts: CardFacts) -> Lines:
    """Every line of the run file with every setting that decides what becomes of a text."""
    rows = []
    for number, line in enumerate(facts.result.config["stages"], 1):
        settings = {name: value for name, value in line.items() if name != "kind" and value is not None}
        if "profile" in settings:  # a line without one has that of the run
            done = facts.result.manifests.get(line["kind"])
            settings["profile"] = done.identity.get("profile", facts.profile) if done else facts.profile
        told = ", ".join(f"`{name}: {json.dumps(value, ensure_ascii=False)}`" for name, value in settings.items())
        rows.append([number, f"`{line['kind']}`", told or "no settings"])
    return table(["line", "stage", "settings and thresholds"], rows)


def funnel(facts: CardFacts) -> Lines:
    """One line a stage that took or lost something."""
    rows = []
    for name, manifest in facts.result.manifests.items():
        counts = manifest.ledger.total()
        if counts.records_in:
            lost = [counts.dropped.total(), counts.quarantined.total()]
            rows.append([f"`{name}`", manifest.version, counts.records_in, counts.records_kept, *lost])
    return table(["stage", "version", "in", "kept", "dropped", "quarantined"], rows)


def losses(facts: CardFacts) -> Lines:
    """One line for each stage, source and reason."""
    rows: list[list[object]] = [[f"`{stage}`", f"`{source}`", *rest] for stage, source, *rest in facts.losses]
    return table(["stage", "source", "outcome", "reason", "records"], rows)


def contamination(facts: CardFacts) -> Lines:
    """One line a benchmark: its items, those found in the corpus, and what became of the documents."""
    names = ("items", "items_hit", "spans", "documents", "dropped", "cut")
    rows: list[list[object]] = []
    for row in facts.contamination or []:
        if row["part"] == ALL:
            score = "-" if row["mean_score"] is None else f"{row['mean_score']:.2f}"
            rows.append([row["benchmark"], *(row[name] for name in names), score])
    header = ["benchmark", "items", "items found", "spans", "documents with one", "dropped", "cut", "mean score"]
    return table(header, rows)


def teachers(facts: CardFacts) -> Lines:
    """One line for each source with generated text, by teacher and prompt, with what was accepted of its records."""
    rows = []
    for source in facts.sources:
        if source.tally.teachers:
            counts = facts.result.manifests[f"extract-{source.tag}"].ledger.total()
            accepted = f"{share(source.tally.documents, counts.records_in)} of {counts.records_in:,}"
            for teacher, count in sorted(source.tally.teachers.items()):
                rows.append([f"`{source.tag}`", *(f"`{part}`" for part in teacher), count, accepted])
    return table(["source", "teacher", "revision", "prompt", "documents", "kept of its records"], rows)


def acceptance(facts: CardFacts) -> Lines:
    """One line for each stratum of each generation that the run reads: what was accepted of what was asked about."""
    rows: list[list[object]] = []
    for source, tasks in facts.result.described.get("generated", {}).items():
        for task, found in tasks.items():
            for one in rates(found):
                told = intervals.told(one.accepted, one.asked)
                rows.append([f"`{source}`", task, one.stratum, one.value, one.asked, one.accepted, told])
    return table(["source", "task", "stratum", "value", "asked about", "accepted", "share (95 % interval)"], rows)


def cost(facts: CardFacts) -> Lines:
    """One line for each task of each generation that the run reads: items, what was accepted, and what it took."""
    rows: list[list[object]] = []
    for source, tasks in facts.result.described.get("generated", {}).items():
        for task, found in tasks.items():
            spent = found["cost"]
            used = [spent.get(name, 0) for name in ("calls", "prompt_tokens", "completion_tokens")]
            money = f"{spent['money']:.2f}"
            rows.append([f"`{source}`", task, found["items"], found["accepted"], *used, money])
    header = ["source", "task", "items", "accepted", "calls", "prompt tokens", "answer tokens", "cost"]
    return table(header, rows)


def reviewed(found: Reviews) -> Lines:
    """One line for each stratum of the reviewed documents, each pair of reviewers and each reason of a rejection."""
    strata = [found.whole, *found.strata]
    header = ["stratum of the review", "reviewed", "accepted", "share (95 % interval)"]
    yield from table(header, ([s.name, s.reviewed, s.accepted, intervals.told(s.accepted, s.reviewed)] for s in strata))
    pairs = []
    for one in found.agreement:
        kappa = "-" if one.kappa is None else f"{one.kappa:.2f}"
        pairs.append([" and ".join(one.reviewers), one.documents, one.same, share(one.same, one.documents), kappa])
    yield from table(["agreement of", "documents of both", "same verdict", "share", "Cohen's kappa"], pairs)
    yield from table(["rejected because", "verdicts"], sorted(found.reasons.items()))


def weighed(facts: CardFacts, name: str) -> Lines:
    """One line for each of the first slices of each axis: what a mixture's shares ask of it, and what is trained."""
    rows: list[list[object]] = []
    for axis in AXES:
        mine = [one for one in facts.mixtures[name].weighed if one.axis == axis][:WEIGHED_SLICES]
        shares = ((f"{one.axis}:{one.slice}", f"{one.requested:.1%}", f"{one.realised:.1%}") for one in mine)
        rows += [[*told, one.trained_tokens] for told, one in zip(shares, mine, strict=True)]
    return table(["slice of the mixture", "asked for", "trained", "trained tokens"], rows)


def coverage(facts: CardFacts) -> Lines:
    """One line a slice of each axis, those with most documents first."""
    for axis in AXES:
        rows = sorted(
            (row for row in facts.coverage if row.axis == axis), key=lambda row: (-row.records_kept, row.slice)
        )
        shown = rows[:SHOWN_SLICES]
        if not rows:
            continue
        yield from table(
            [axis, "documents found", "kept", "rate", "tokens kept (est.)"],
            ([row.slice, row.records_in, row.records_kept, f"{row.rate:.0%}", row.tokens_kept] for row in shown),
        )
        if rest := rows[len(shown) :]:
            least = max(row.records_kept for row in rest)
            yield f"And {len(rest):,} more, each with {least:,} kept documents or fewer."
            yield ""


def counted(what: str, counts: Counter[str]) -> Lines:
    """One line a value of an attribute, with its documents, most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return table([what, "documents"], ordered)


def years(facts: CardFacts) -> Lines:
    """One line a year, newest last; documents without a date first."""
    counts = facts.whole.years
    return table(
        ["year of publication", "documents"], sorted(counts.items(), key=lambda item: (item[0] != UNKNOWN, item))
    )


def licences(facts: CardFacts) -> Lines:
    """One line a licence."""
    rows = sorted(facts.whole.terms.items(), key=lambda item: (-item[1], item[0]))
    told = ([f"`{terms.spdx}`", count, "yes" if terms.released else "no"] for terms, count in rows)
    return table(["licence (SPDX)", "documents", "may be released"], told)


def changes(facts: CardFacts) -> Lines:
    """One line a source: documents and words before and now."""
    now = {source.tag: source.tally for source in facts.sources if source.tally.documents}
    rows = []
    for tag in sorted({*now, *facts.previous}):
        before, after = (one.get(tag) for one in (facts.previous, now))
        counts = [(t.documents, t.words) if t else (0, 0) for t in (before, after)]
        rows.append([f"`{tag}`", counts[0][0], counts[1][0], counts[0][1], counts[1][1]])
    return table(["source", "documents before", "now", "words before", "now"], rows)


def files(facts: CardFacts) -> Lines:
    """One line a config and split: its files, rows and bytes."""
    found = facts.layout.files
    keys = list(dict.fromkeys((file.config, file.split) for file in found))
    rows = []
    for key in keys:
        mine = [file for file in found if (file.config, file.split) == key]
        rows.append(
            [*(f"`{part}`" for part in key), len(mine), sum(f.rows for f in mine), sum(f.size_bytes for f in mine)]
        )
    return table(["config", "split", "files", "rows", "bytes"], rows)
