"""What a generation made: accepted and rejected by stratum and reason, attempts, tokens and money.

Rendered from manifests: `generation.json` for machines, which also says how varied differentials are (`variety`), and
two tables for the terminal. A stratum is a source, subject, language or form; its rate is what was accepted of the
items that were asked about, since an item that nothing may be made of says nothing of the teacher.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.table import Table

from pipelines.engine.manifest import Manifest
from pipelines.engine.storage import Storage
from pipelines.report.variety import STAGE, variety

FILE = "generation.json"
_MICRO = 1e6


def generated_facts(manifests: Mapping[str, Manifest]) -> dict[str, Any]:
    """Return the report as JSON values, by stage."""
    return {
        name.removeprefix("generate-"): _facts(manifest)
        for name, manifest in manifests.items()
        if name.startswith("generate-")
    }


def generated_report(storage: Storage, manifests: Mapping[str, Manifest]) -> bytes:
    """Return `generation.json`: the facts, and for differentials how varied they are told."""
    facts = generated_facts(manifests)
    if STAGE in manifests:
        facts[STAGE.removeprefix("generate-")]["variety"] = variety(storage, manifests)
    return json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _facts(manifest: Manifest) -> dict[str, Any]:
    ledger = manifest.ledger
    total = ledger.total()
    strata: dict[str, dict[str, Counter[str]]] = {}
    attempts, cost = Counter[str](), Counter[str]()
    for counter, count in ledger.counters.items():
        head, _, rest = counter.partition("|")
        if head == "stratum":
            name, value, outcome = rest.split("|", 1)[0], *rest.split("|", 1)[1].rsplit("|", 1)
            strata.setdefault(name, {}).setdefault(value, Counter())[outcome] += count
        elif head == "attempts":
            attempts[rest] += count
        elif head == "cost":
            cost[rest] += count
    return {
        "items": total.records_in,
        "accepted": total.records_kept,
        "dropped": dict(sorted(total.dropped.items())),
        "quarantined": dict(sorted(total.quarantined.items())),
        "attempts": dict(sorted(attempts.items())),
        "cost": {**dict(sorted(cost.items())), "money": cost["money"] / _MICRO},
        "strata": {name: {value: dict(counts) for value, counts in of.items()} for name, of in strata.items()},
    }


class Rate(NamedTuple):
    """What was accepted of one value of a stratum, of the items that were asked about."""

    stratum: str
    value: str
    asked: int
    accepted: int


def rates(facts: Mapping[str, Any]) -> Iterator[Rate]:
    """Yield the rates of a task; values that nothing was asked about are left out."""
    for stratum, values in facts["strata"].items():
        for value, outcomes in values.items():
            asked = sum(n for reason, n in outcomes.items() if reason not in facts["dropped"])
            if asked:
                yield Rate(stratum, value, asked, outcomes.get("accepted", 0))


def generated_tables(manifests: Mapping[str, Manifest]) -> list[Table]:
    """Return what came of the items of each task and why, and the share that was accepted by stratum."""
    ended = Table("task", "outcome", "reason", "items", title="generated", title_justify="left")
    by_stratum = Table("task", "stratum", "value", "asked", "accepted", title="accepted by stratum")
    by_stratum.title_justify = "left"
    for task, facts in generated_facts(manifests).items():
        ended.add_row(task, "accepted", "", f"{facts['accepted']:,}")
        for outcome in ("dropped", "quarantined"):
            for reason, count in facts[outcome].items():
                ended.add_row(task, outcome, reason, f"{count:,}")
        cost = facts["cost"]
        used = ("calls", "prompt_tokens", "completion_tokens")
        told = ", ".join(f"{cost.get(name, 0):,} {name.replace('_', ' ')}" for name in used)
        ended.add_row(task, "cost", told, f"{cost['money']:.2f}")
        for rate in rates(facts):
            accepted = f"{rate.accepted:,} ({rate.accepted / rate.asked:.0%})"
            by_stratum.add_row(task, rate.stratum, rate.value, f"{rate.asked:,}", accepted)
    return [ended, by_stratum]


def forecast_table(forecasts: Sequence[Any]) -> Table:
    """Return what each task of a generation would ask (`sources.teacher.forecast.Forecast`), least to most."""
    names = ("task", "items", "refused", "known", "requests", "prompt tokens", "answer tokens", "cost")
    table = Table(*names, title="generation (estimates, least - most)", title_justify="left")
    for one in forecasts:
        counts = (f"{one.items:,}", f"{one.refused:,}", f"{one.known:,}")
        spans = (f"{low:,} - {high:,}" for low, high in (one.requests, one.prompt_tokens, one.completion_tokens))
        table.add_row(one.task, *counts, *spans, f"{one.money[0]:.2f} - {one.money[1]:.2f}")
    return table
