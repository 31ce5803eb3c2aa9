"""What the report charts, and notebooks with it: plain rows from the facts of a run, as bars with their units.

Each function returns `charts.Bars`, which `charts.figure` sets into a page and `charts.drawn` gives to a notebook. Not
here: how bars are drawn (`charts`), and the words and tables around them (`page_sections`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import pyarrow as pa

from pipelines.engine.manifest import Manifest
from pipelines.report.card_facts import CardFacts, MixtureFacts
from pipelines.report.census import LENGTH_BOUNDS, UNKNOWN, Tally
from pipelines.report.charts import OUTCOMES, Bars
from pipelines.report.generated import Rate
from pipelines.report.maps import Heat, Tiles
from pipelines.report.retention import ALL, WHOLE, Kept
from pipelines.report.reviewed import Reviewed
from pipelines.report.slices import Weighed, counted
from pipelines.report.slices import crossed as pairs_of
from pipelines.report.timing import Spent
from pipelines.stages.coverage import labels
from pipelines.stages.vocabulary import load_countries

SHOWN = 15
"""Bars of one chart; the tables beside it have more."""
DUPLICATES = ("duplicate", "near_duplicate", "abstract_of", "superseded")
AXIS_NAMES = {"disease": "disease group", "population": "population", "care": "level of care", "country": "country",
              "region": "WHO region", "income": "income group"}  # fmt: skip
_LOST = ("dropped", "quarantined")
INCOMES = ("low", "lower-middle", "upper-middle", "high")
_SPELT = {"afro": "Africa", "amro": "Americas", "emro": "E. Mediterranean", "euro": "Europe", "searo": "S.-E. Asia",
          "wpro": "W. Pacific"}  # fmt: skip


def outcomes_of_stages(manifests: Mapping[str, Manifest]) -> Bars:
    """Records by outcome of each stage that took something."""
    rows = []
    for name, manifest in manifests.items():
        total = manifest.ledger.total()
        lost = {"dropped": total.dropped.total(), "quarantined": total.quarantined.total()}
        if any(lost.values()):
            rows += [
                {"stage": name, "outcome": o, "records": n} for o, n in {"kept": total.records_kept, **lost}.items()
            ]
    return Bars(rows, "stage", "records", "records", "outcome", OUTCOMES)


def outcomes_of_sources(facts: CardFacts) -> Bars:
    """Records by outcome of each source over the whole run."""
    rows = []
    for source in facts.sources:
        gone = Counter[str]()
        for _, tag, outcome, _, count in facts.losses:
            gone[outcome] += count if tag == source.tag else 0
        counts = {"kept": source.tally.documents, **{name: gone[name] for name in _LOST}}
        rows += [{"source": source.tag, "outcome": o, "records": n} for o, n in counts.items()]
    return Bars(rows, "source", "records", "records", "outcome", OUTCOMES)


def doubles(facts: CardFacts) -> Bars:
    """Records that another one stands for, by source and kind."""
    rows = [
        {"source": tag, "kind": reason, "records": count}
        for _, tag, _, reason, count in facts.losses
        if reason in DUPLICATES
    ]
    return Bars(rows, "source", "records", "records dropped", "kind")


def slices(axis: str, kept: Iterable[Kept]) -> Bars:
    """Documents kept of the first of these slices of one axis."""
    name = AXIS_NAMES[axis]
    rows = [{name: _SPELT.get(row.slice, row.slice), "documents": row.records_kept} for row in kept]
    return Bars(rows[:SHOWN], name, "documents", "documents kept")


def least_kept(kept: Iterable[Kept], least: int) -> list[Kept]:
    """Return the slices of at least so many documents that the whole run kept least."""
    whole = [row for row in kept if row.stage == WHOLE and row.slice != ALL and row.records_in >= least]
    return sorted(whole, key=lambda row: (row.rate, row.name))[:SHOWN]


def rates(kept: Iterable[Kept]) -> Bars:
    """Share of its documents that was kept of each slice."""
    rows = [{"slice": row.name, "rate": row.rate} for row in kept]
    return Bars(rows, "slice", "rate", "share of its documents that was kept", percent=True)


def languages(whole: Tally) -> Bars:
    """Documents by language."""
    rows = [{"language": name, "documents": count} for name, count in whole.languages.most_common(SHOWN)]
    return Bars(rows, "language", "documents", "documents kept")


def lengths(whole: Tally) -> Bars:
    """Documents by class of length."""
    names = [*(f"up to {bound:,}" for bound in LENGTH_BOUNDS), "longer"]
    rows = [{"length": names[at], "documents": count} for at, count in sorted(whole.lengths.items())]
    return Bars(rows, "length", "documents", "documents kept")


def years(whole: Tally) -> Bars:
    """Documents by year of publication, where it is known."""
    known = sorted((year, count) for year, count in whole.years.items() if year != UNKNOWN)
    return Bars([{"year": year, "documents": count} for year, count in known], "year", "documents", "documents kept")


def licences(whole: Tally) -> Bars:
    """Documents by licence, and whether they may be released."""
    counts = sorted(whole.terms.items(), key=lambda item: (-item[1], item[0]))
    rows = [{"licence": t.spdx, "documents": n, "may be released": "yes" if t.released else "no"} for t, n in counts]
    colours = {"yes": OUTCOMES["kept"], "no": OUTCOMES["dropped"]}
    return Bars(rows[:SHOWN], "licence", "documents", "documents kept", "may be released", colours)


def shares(mixture: MixtureFacts) -> Bars:
    """Requested and realised share of each component."""
    rows = []
    for c in mixture.stated["components"]:
        realised = Fraction(c["sequences"], mixture.stated["sequences"])
        for kind, share in (("requested", Fraction(c["requested"])), ("realised", realised)):
            rows.append({"component": c["name"], "share of": kind, "share": float(share)})
    return Bars(rows, "component", "share", "share of the sequences", "share of", beside=True, percent=True)


def tokens(mixture: MixtureFacts) -> Bars:
    """Tokens of each source, counted once and as trained."""
    rows: list[dict[str, Any]] = []
    for tag, counts in mixture.trained.items():
        if counts.trained_tokens:
            rows.append({"source": tag, "counted": "each document once", "tokens": counts.target_tokens})
            rows.append({"source": tag, "counted": "as trained", "tokens": counts.trained_tokens})
    return Bars(rows, "source", "tokens", f"tokens of {mixture.stated['target']}", "counted", beside=True)


def weighed(slices: Iterable[Weighed]) -> Bars:
    """What a mixture's shares ask of the first of these slices, and what training gets."""
    rows = []
    for one in list(slices)[:SHOWN]:
        for kind, share in (("asked for", one.requested), ("trained", one.realised)):
            rows.append({AXIS_NAMES[one.axis]: one.slice, "tokens": kind, "share": share})
    name = AXIS_NAMES["disease"] if not rows else next(iter(rows[0]))
    return Bars(rows, name, "share", "share of the trained tokens", "tokens", beside=True, percent=True)


def crossed(slices: pa.Table, down: str, across: str) -> Heat:
    """Documents kept of each pair of slices of two axes; down stand those with most documents."""
    pairs = pairs_of(slices, down, across)
    sums = Counter[str]()
    for (one, _), count in pairs.items():
        sums[one] += count
    most = [one for one, _ in sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]]
    names = [AXIS_NAMES[axis] for axis in (down, across)]
    rows = [
        {names[0]: one, names[1]: _SPELT.get(other, other), "documents": pairs[one, other]}
        for one in most
        for other in _ordered(across)
    ]
    return Heat(rows, names[0], names[1], "documents", "documents kept")


def _ordered(axis: str) -> Iterable[str]:
    return INCOMES if axis == "income" else labels()[axis]


def countries(slices: pa.Table) -> Tiles:
    """Documents kept of every country of the world, by WHO region; none where no document names a country."""
    counts = counted(slices, "country")
    places = load_countries().groups
    rows = [
        {"country (ISO 3166)": code, "WHO region": _SPELT[str(places[code]["region"])], "documents": counts[code]}
        for code in sorted(places, key=lambda code: (str(places[code]["region"]), code))
        if places[code]["region"] != "none"
    ]
    return Tiles(rows if counts else [], "country (ISO 3166)", "WHO region", "documents", "documents kept")


def accepted(rates: Iterable[Rate]) -> Bars:
    """Share of the items that a teacher was asked about of which a text was accepted, by stratum."""
    rows = [{"stratum": f"{one.stratum}: {one.value}", "share": one.accepted / one.asked} for one in rates]
    return Bars(rows, "stratum", "share", "share of the items asked about", percent=True)


def reviewed(strata: Iterable[Reviewed]) -> Bars:
    """Share of the reviewed documents that no reviewer rejected, by stratum."""
    rows = [{"stratum": one.name, "share": one.accepted / one.reviewed} for one in strata]
    return Bars(rows[:40], "stratum", "share", "share of the reviewed documents", percent=True)


def seconds(stages: Mapping[str, Spent]) -> Bars:
    """Seconds of workers by stage."""
    rows = [{"stage": name, "seconds": round(one.seconds, 3)} for name, one in stages.items()]
    return Bars(rows, "stage", "seconds", "seconds of workers, summed over shards")
