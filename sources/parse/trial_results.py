"""The posted results of a trial as text: participant flow, baseline, outcome measures with analyses, harms.

Each measure is a Markdown table with a column for each group. A cell holds the value as posted, its spread or limits in
brackets and its comment after it; the line above names what they are ("Mean (Standard Deviation), mg/dL"). Groups are
described where they first occur. Not here: the protocol, and any arithmetic on the figures.
"""

from sources.parse.jats_text import Block, Heading
from sources.parse.trial_adverse import adverse_blocks
from sources.parse.trial_fields import Node, child, facts, rows, text, texts, words
from sources.parse.trial_groups import Told, described, group_table, limits, noted

_MILESTONES = {"STARTED": "Started", "COMPLETED": "Completed", "NOT COMPLETED": "Not completed"}
"""What the registry names; other milestones are in the words of the sponsor."""


def result_blocks(results: Node) -> list[Block]:
    """Return the blocks of a `resultsSection`, sections without content left out. Raises RowError `wrong_type`."""
    told: Told = set()
    sections: list[tuple[str, list[Block]]] = [
        ("Participant flow", _flow(child(results, "participantFlowModule"), told)),
        ("Baseline characteristics", _baseline(child(results, "baselineCharacteristicsModule"), told)),
        ("Outcome results", _outcomes(child(results, "outcomeMeasuresModule"), told)),
        ("Adverse events", adverse_blocks(child(results, "adverseEventsModule"), told)),
        ("Limitations", [*_text(child(results, "moreInfoModule", "limitationsAndCaveats"), "description")]),
    ]
    return [block for title, blocks in sections if blocks for block in (Heading(0, title), *blocks, Heading(0, ""))]


def _text(node: Node, name: str) -> list[str]:
    return [value] if (value := text(node, name)) else []


def _flow(module: Node, told: Told) -> list[Block]:
    groups = rows(module, "groups")
    out: list[Block] = [*_text(module, "recruitmentDetails"), *_text(module, "preAssignmentDetails")]
    out += described(groups, told)
    for period in rows(module, "periods"):
        out.append(Heading(1, text(period, "title") or "Period"))
        body = [_counts(one, "achievements", groups, "") for one in rows(period, "milestones")]
        body += [_counts(one, "reasons", groups, "Withdrawn: ") for one in rows(period, "dropWithdraws")]
        out += group_table(groups, body)
    return out


def _counts(row: Node, name: str, groups: list[Node], lead: str) -> list[str]:
    """Return one row of the flow: a milestone or a reason to leave, and the number in each group."""
    by_group = {text(one, "groupId"): one for one in rows(row, name)}
    kind = text(row, "type")
    label = f"{lead}{_MILESTONES.get(kind, kind)}{noted(row)}"
    return [label, *(_subjects(by_group.get(text(group, "id"), {})) for group in groups)]


def _subjects(one: Node) -> str:
    units = text(one, "numUnits")
    return f"{text(one, 'numSubjects')}{f' ({units} units)' if units else ''}{noted(one)}"


def _baseline(module: Node, told: Told) -> list[Block]:
    groups = rows(module, "groups")
    out: list[Block] = [*_text(module, "populationDescription"), *described(groups, told)]
    out += group_table(groups, _denominators(module, groups, ""))
    for measure in rows(module, "measures"):
        out += _measure(measure, groups, told, ("Population", text(measure, "populationDescription")))
    return out


def _outcomes(module: Node, told: Told) -> list[Block]:
    out: list[Block] = []
    for measure in rows(module, "outcomeMeasures"):
        about = (
            ("Type", words(text(measure, "type"))),
            ("Time frame", text(measure, "timeFrame")),
            ("Population", text(measure, "populationDescription")),
            ("Reporting status", "" if text(measure, "reportingStatus") == "POSTED" else _status(measure)),
        )
        groups = rows(measure, "groups")
        out += _measure(measure, groups, told, *about)
        titles = {text(group, "id"): text(group, "title") for group in groups}
        out += [block for one in rows(measure, "analyses") for block in _analysis(one, titles)]
    return out


def _status(measure: Node) -> str:
    anticipated = text(measure, "anticipatedPostingDate")
    return words(text(measure, "reportingStatus")) + (f" (anticipated {anticipated})" if anticipated else "")


def _measure(measure: Node, groups: list[Node], told: Told, *about: tuple[str, str]) -> list[Block]:
    """Return a measure: heading, description, what its figures are, groups that are new, table."""
    kind, spread = words(text(measure, "paramType")), words(text(measure, "dispersionType"))
    figures = f"{kind} ({spread})" if spread and spread != "Not applicable" else kind
    body = _denominators(measure, groups, "")
    for group_class in rows(measure, "classes"):
        name = text(group_class, "title")
        body += _denominators(group_class, groups, name)
        body += [_figures(one, groups, name) for one in rows(group_class, "categories")]
    return [
        Heading(1, text(measure, "title") or "Measure"),
        *_text(measure, "description"),
        *facts(*about, ("Figures", ", ".join(filter(None, [figures, text(measure, "unitOfMeasure")])))),
        *described(groups, told),
        *group_table(groups, body),
    ]


def _denominators(node: Node, groups: list[Node], lead: str) -> list[list[str]]:
    """Return a row for each unit that is counted: how many of it each group has."""
    out = []
    for one in rows(node, "denoms"):
        counts = {text(count, "groupId"): text(count, "value") for count in rows(one, "counts")}
        label = f"{text(one, 'units') or 'Participants'} analyzed"
        out.append([f"{lead}: {label}" if lead else label, *(counts.get(text(group, "id"), "") for group in groups)])
    return out


def _figures(category: Node, groups: list[Node], lead: str) -> list[str]:
    by_group = {text(one, "groupId"): one for one in rows(category, "measurements")}
    label = ": ".join(filter(None, [lead, text(category, "title")]))
    return [label, *(_figure(by_group.get(text(group, "id"), {})) for group in groups)]


def _figure(one: Node) -> str:
    """Return `12.3 (4.5)`, or with limits `12.3 (10.1 to 14.0)`, and the comment in square brackets."""
    spread, lower, upper = text(one, "spread"), text(one, "lowerLimit"), text(one, "upperLimit")
    around = ", ".join(filter(None, [spread, limits(lower, upper)]))
    return f"{text(one, 'value')}{f' ({around})' if around else ''}{noted(one)}".strip()


def _analysis(one: Node, titles: dict[str, str]) -> list[str]:
    """Return a statistical analysis as one list, every figure as posted."""
    kind, sides = text(one, "paramType") or "Estimate", words(text(one, "ciNumSides")).lower()
    interval = f"{text(one, 'ciPctValue')}% CI{f' ({sides})' if sides else ''}"
    return facts(
        ("Analysis of", " vs ".join(titles.get(name, name) for name in texts(one, "groupIds"))),
        ("Comparison", text(one, "groupDescription")),
        ("Analysis description", text(one, "otherAnalysisDescription")),
        ("Hypothesis", words(text(one, "nonInferiorityType"))),
        ("Hypothesis comment", text(one, "nonInferiorityComment")),
        ("Method", text(one, "statisticalMethod")),
        ("Method comment", text(one, "statisticalComment")),
        ("P value", text(one, "pValue")),
        ("P value comment", text(one, "pValueComment")),
        (kind, text(one, "paramValue")),
        (interval, limits(text(one, "ciLowerLimit"), text(one, "ciUpperLimit"))),
        ("Lower limit comment", text(one, "ciLowerLimitComment")),
        ("Upper limit comment", text(one, "ciUpperLimitComment")),
        (words(text(one, "dispersionType")) or "Dispersion", text(one, "dispersionValue")),
        ("Estimate comment", text(one, "estimateComment")),
    )
