"""The protocol of a trial as text: summary, conditions, design, arms, interventions, outcomes, eligibility.

Doses and criteria are copied as they stand; nothing is computed and no unit is turned. Lists of criteria keep their
Markdown, and a line such as "Key Exclusion Criteria:" opens a section. Contacts, officials and sites are people and
addresses and are left out on purpose. Not here: results (`trial_results`).
"""

import re

from sources.parse.jats_block import hanging
from sources.parse.jats_text import Block, Heading
from sources.parse.trial_fields import Node, child, facts, rows, text, texts, words

_CRITERIA = re.compile(
    r"(?![*+-]\s|\d)[*_#\s]*((?:\w+[ -]){0,3}(?:inclusion|exclusion) criteria(?:[^:.\n]{0,40}(?=:))?)\s*:?[*_\s]*", re.I
)
_OUTCOMES = (("primaryOutcomes", "Primary"), ("secondaryOutcomes", "Secondary"), ("otherOutcomes", "Other"))


def protocol_blocks(protocol: Node) -> list[Block]:
    """Return the blocks of a `protocolSection`, sections without content left out. Raises RowError `wrong_type`."""
    description = child(protocol, "descriptionModule")
    sections: list[tuple[str, list[Block]]] = [
        ("Trial", [*_overview(protocol)]),
        ("Summary", _paragraph(text(description, "briefSummary"))),
        ("Description", _paragraph(text(description, "detailedDescription"))),
        ("Conditions", _conditions(child(protocol, "conditionsModule"))),
        ("Design", [*_design(child(protocol, "designModule"))]),
        ("Arms and interventions", _arms(child(protocol, "armsInterventionsModule"))),
        ("Outcome measures", _outcomes(child(protocol, "outcomesModule"))),
        ("Eligibility", _eligibility(child(protocol, "eligibilityModule"))),
        ("Data availability", [*_sharing(child(protocol, "ipdSharingStatementModule"))]),
    ]
    return [block for title, blocks in sections if blocks for block in (Heading(0, title), *blocks, Heading(0, ""))]


def _paragraph(value: str) -> list[Block]:
    return [value] if value else []


def _overview(protocol: Node) -> list[str]:
    names, status = child(protocol, "identificationModule"), child(protocol, "statusModule")
    sponsors, official = child(protocol, "sponsorCollaboratorsModule"), text(names, "officialTitle")
    return facts(
        ("Registration", text(names, "nctId")),
        ("Brief title", text(names, "briefTitle") if official else ""),
        ("Acronym", text(names, "acronym")),
        ("Status", words(text(status, "overallStatus"))),
        ("Why stopped", text(status, "whyStopped")),
        ("Start", _dated(status, "startDateStruct")),
        ("Primary completion", _dated(status, "primaryCompletionDateStruct")),
        ("Completion", _dated(status, "completionDateStruct")),
        ("Sponsor", text(sponsors, "leadSponsor", "name")),
        ("Collaborators", "; ".join(text(one, "name") for one in rows(sponsors, "collaborators"))),
    )


def _dated(status: Node, name: str) -> str:
    """Return `2021-05 (estimated)`."""
    kind = text(status, name, "type").lower()
    return text(status, name, "date") + (f" ({kind})" if kind else "")


def _conditions(module: Node) -> list[Block]:
    listed = "\n".join(f"- {name}" for name in texts(module, "conditions"))
    keywords = "; ".join(texts(module, "keywords"))
    return [*_paragraph(listed), *_paragraph(f"Keywords: {keywords}" if keywords else "")]


def _design(module: Node) -> list[str]:
    info, masking = child(module, "designInfo"), child(module, "designInfo", "maskingInfo")
    enrolled, kind = text(module, "enrollmentInfo", "count"), text(module, "enrollmentInfo", "type").lower()
    return facts(
        ("Study type", words(text(module, "studyType"))),
        ("Phase", ", ".join(map(words, texts(module, "phases")))),
        ("Allocation", words(text(info, "allocation"))),
        ("Intervention model", words(text(info, "interventionModel"))),
        ("Model", text(info, "interventionModelDescription")),
        ("Primary purpose", words(text(info, "primaryPurpose"))),
        ("Observational model", words(text(info, "observationalModel"))),
        ("Time perspective", words(text(info, "timePerspective"))),
        ("Masking", words(text(masking, "masking"))),
        ("Who is masked", ", ".join(map(words, texts(masking, "whoMasked")))),
        ("Masking description", text(masking, "maskingDescription")),
        ("Enrollment", f"{enrolled} ({kind})" if enrolled and kind else enrolled),
        ("Target duration", text(module, "targetDuration")),
        ("Biospecimens", words(text(module, "bioSpec", "retention"))),
        ("Biospecimen description", text(module, "bioSpec", "description")),
    )


def _arms(module: Node) -> list[Block]:
    out: list[Block] = []
    if arms := rows(module, "armGroups"):
        out.append(Heading(1, "Arms"))
    for arm in arms:
        out += _named(text(arm, "label"), text(arm, "type"), text(arm, "description"))
        out += facts(("Interventions", "; ".join(texts(arm, "interventionNames"))))
    if interventions := rows(module, "interventions"):
        out.append(Heading(1, "Interventions"))
    for one in interventions:
        out += _named(text(one, "name"), text(one, "type"), text(one, "description"))
        out += facts(
            ("Other names", "; ".join(texts(one, "otherNames"))), ("Arms", "; ".join(texts(one, "armGroupLabels")))
        )
    return out


def _named(name: str, kind: str, description: str) -> list[Block]:
    """Return `**Arm A** (Experimental)` and what is said of it."""
    lead = " ".join(filter(None, [f"**{name}**" if name else "", f"({words(kind)})" if kind else ""]))
    return [*_paragraph(lead), *_paragraph(description)]


def _outcomes(module: Node) -> list[Block]:
    out: list[Block] = []
    for name, title in _OUTCOMES:
        items = [_outcome(one) for one in rows(module, name)]
        out += [Heading(1, title), "\n".join(items)] if items else []
    return out


def _outcome(one: Node) -> str:
    frame = text(one, "timeFrame")
    lead = f"{text(one, 'measure')}{f' [Time frame: {frame}]' if frame else ''}"
    return hanging("-", [*_strings(lead), *_strings(text(one, "description"))])


def _strings(value: str) -> list[str]:
    return [value] if value else []


def _eligibility(module: Node) -> list[Block]:
    healthy = module.get("healthyVolunteers")
    about = facts(
        ("Sex", words(text(module, "sex"))),
        ("Eligibility by gender", text(module, "genderDescription")),
        ("Minimum age", text(module, "minimumAge")),
        ("Maximum age", text(module, "maximumAge")),
        ("Accepts healthy volunteers", "" if healthy is None else "Yes" if healthy is True else "No"),
        ("Study population", text(module, "studyPopulation")),
        ("Sampling method", words(text(module, "samplingMethod"))),
    )
    return [*about, *criteria_blocks(text(module, "eligibilityCriteria"))]


def criteria_blocks(criteria: str) -> list[Block]:
    """Return eligibility criteria with a heading for each line that is one; lists and all else stay as they are."""
    out: list[Block] = []
    lines: list[str] = []
    for line in [*criteria.split("\n"), None]:
        heading = _CRITERIA.fullmatch(line) if line is not None else None
        if line is not None and not heading:
            lines.append(line.rstrip())
            continue
        out += _paragraph("\n".join(lines).strip("\n"))
        lines = []
        out += [Heading(1, heading[1].strip())] if heading else []
    return out


def _sharing(module: Node) -> list[str]:
    return facts(
        ("Plan to share data of participants", words(text(module, "ipdSharing"))),
        ("Sharing plan", text(module, "description")),
        ("What is shared", ", ".join(map(words, texts(module, "infoTypes")))),
        ("Shared when", text(module, "timeFrame")),
        ("Access", text(module, "accessCriteria")),
    )
