"""Adverse events of a trial as text: deaths and totals of each group, then every event with its counts.

A cell says how many of how many were affected, `3/120`, and how often it happened where that was posted, `3/120 (5
events)`: without the number at risk the first figure means nothing. Not here: rates, which nobody posted.
"""

from sources.parse.jats_text import Block, Heading
from sources.parse.trial_fields import Node, facts, rows, text, words
from sources.parse.trial_groups import Told, described, group_table, noted

_TOTALS = (("All-cause mortality", "deaths"), ("Serious adverse events", "serious"), ("Other adverse events", "other"))


def adverse_blocks(module: Node, told: Told) -> list[Block]:
    """Return the blocks of an `adverseEventsModule`. Raises RowError `wrong_type`."""
    groups = rows(module, "eventGroups")
    threshold = text(module, "frequencyThreshold")
    out: list[Block] = [
        *facts(
            ("Time frame", text(module, "timeFrame")),
            ("Description", text(module, "description")),
            ("Frequency threshold of other events", f"{threshold}%" if threshold else ""),
            ("All-cause mortality comment", text(module, "allCauseMortalityComment")),
        ),
        *described(groups, told),
    ]
    totals = [[title, *(_total(group, name) for group in groups)] for title, name in _TOTALS]
    out += group_table(groups, [row for row in totals if any(row[1:])])
    for name, title in (("seriousEvents", "Serious adverse events"), ("otherEvents", "Other adverse events")):
        if events := rows(module, name):
            out += [Heading(1, title), *_recorded(events)]
            out += group_table(groups, [_event(event, groups) for event in events], "Event, affected/at risk")
    return out


def _total(group: Node, name: str) -> str:
    return _of(text(group, f"{name}NumAffected"), text(group, f"{name}NumAtRisk"))


def _of(affected: str, at_risk: str) -> str:
    """Return `3/120`; a side that was not posted is a question mark."""
    return f"{affected or '?'}/{at_risk or '?'}" if affected or at_risk else ""


def _event(event: Node, groups: list[Node]) -> list[str]:
    by_group = {text(one, "groupId"): one for one in rows(event, "stats")}
    label = ": ".join(filter(None, [text(event, "organSystem"), text(event, "term")])) + noted(event, "notes")
    return [label, *(_stat(by_group.get(text(group, "id"), {})) for group in groups)]


def _stat(one: Node) -> str:
    events = text(one, "numEvents")
    return _of(text(one, "numAffected"), text(one, "numAtRisk")) + (f" ({events} events)" if events else "")


def _recorded(events: list[Node]) -> list[str]:
    """Return by which vocabularies and in which ways events were recorded, each once."""
    vocabularies = dict.fromkeys(filter(None, (text(event, "sourceVocabulary") for event in events)))
    ways = dict.fromkeys(filter(None, (words(text(event, "assessmentType")) for event in events)))
    return facts(("Vocabulary", "; ".join(vocabularies)), ("Assessment", "; ".join(ways)))
