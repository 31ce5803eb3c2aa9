"""Studies of ClinicalTrials.gov to text: one part for each, from the JSON of its API (version 2) or bulk download.

An item is one study, a page of the API (`studies`), a list, or JSON lines. The field names are those of the study data
structure (clinicaltrials.gov/data-api/about-api/study-data-structure). The registry writes English; the study's own
dates, sponsor and countries go into the record, names of people and sites nowhere. The version is the day of the last
update that was posted. Not here: the words of protocol and results (`trial_protocol`, `trial_results`).
"""

import re
from collections.abc import Iterator
from typing import Any

from sources.parse import strict_json
from sources.parse.jats_text import assemble
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.record_fields import Row, RowError
from sources.parse.record_rows import read_rows
from sources.parse.trial_fields import Node, child, rows, text, texts, unescaped
from sources.parse.trial_protocol import protocol_blocks
from sources.parse.trial_results import result_blocks

_LINES = re.compile(r"\.(jsonl|ndjson)(\.gz|\.zst)?(!B\d+)?$", re.I)
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield a part or a fault for each study. Raises Unreadable: empty_item, invalid_json, not_trial; ValueError."""
    if options:
        raise ValueError(f"clinical_trials: there are no options, but {sorted(options)} is given")
    if _LINES.search(key):
        yield from (_read(row) for row in read_rows(body, key, {"format": "jsonl"}, set()))
        return
    studies = _studies(body)
    for number, study in enumerate(studies, start=1):
        yield _read(Row(study, str(number) if len(studies) > 1 else "", {}, ""))


def _studies(body: bytes) -> list[Node]:
    """Return the studies of an item that is one JSON value."""
    if not body.strip():
        raise Unreadable("empty_item")
    try:
        value = strict_json.loads(body)
    except ValueError as error:
        raise Unreadable("invalid_json", str(error)) from error
    if isinstance(value, dict) and "protocolSection" not in value:
        value = value.get("studies")
    studies = value if isinstance(value, list) else [value]
    if not all(isinstance(study, dict) for study in studies):
        raise Unreadable("not_trial", "neither a study nor a list of studies")
    return studies


def _read(row: Row | Fault) -> Part | Fault:
    if isinstance(row, Fault):
        return row
    try:
        part = _part(row.fields)
    except RowError as error:
        return Fault(reason=error.reason, detail=error.detail, name=row.name)
    if isinstance(part, Part):
        part.name, part.position = part.identifiers["nct"] if row.name else "", row.position
    else:
        part.name = row.name
    return part


def _part(raw: Node) -> Part | Fault:
    study = unescaped(raw)
    protocol, results = child(study, "protocolSection"), child(study, "resultsSection")
    names, status = child(protocol, "identificationModule"), child(protocol, "statusModule")
    number = text(names, "nctId")
    if not number:
        return Fault(reason="missing_field", detail="protocolSection.identificationModule.nctId")
    title = text(names, "officialTitle") or text(names, "briefTitle")
    content, sections = assemble(title, [*protocol_blocks(protocol), *result_blocks(results)], "Trial")
    return Part(
        text=content,
        title=title or None,
        kind="trial",
        sections=sections,
        language="en",
        published=_date(text(status, "studyFirstPostDateStruct", "date")),
        version=_date(text(status, "lastUpdatePostDateStruct", "date")),
        url=f"https://clinicaltrials.gov/study/{number}",
        identifiers={"nct": number},
        links=_links(protocol),
        references=_references(protocol),
        extra=_facts(study, protocol) | ({"edits": ["unescape_markdown"]} if study != raw else {}),
    )


def _date(value: str) -> str | None:
    return value if _DATE.fullmatch(value) else None


def _links(protocol: Node) -> list[tuple[str, str]]:
    """Return the articles that the sponsor names as reports of the results."""
    listed = rows(child(protocol, "referencesModule"), "references")
    numbers = (text(one, "pmid") for one in listed if text(one, "type") == "RESULT")
    return [("reported_by", f"pmid:{number}") for number in dict.fromkeys(numbers) if number]


def _references(protocol: Node) -> list[str]:
    listed = rows(child(protocol, "referencesModule"), "references")
    pairs = ((text(one, "citation"), text(one, "pmid")) for one in listed)
    return [
        " ".join(filter(None, [citation, f"pmid:{number}" if number else ""])) for citation, number in pairs if citation
    ]


def _facts(study: Node, protocol: Node) -> dict[str, Any]:
    """Return further facts as JSON values; keys without a value are left out."""
    names, status = child(protocol, "identificationModule"), child(protocol, "statusModule")
    sponsors, design = child(protocol, "sponsorCollaboratorsModule"), child(protocol, "designModule")
    browsed = [child(study, "derivedSection", f"{name}BrowseModule") for name in ("condition", "intervention")]
    places = rows(child(protocol, "contactsLocationsModule"), "locations")
    found = {
        "status": text(status, "overallStatus"),
        "study_type": text(design, "studyType"),
        "phases": texts(design, "phases"),
        "conditions": texts(child(protocol, "conditionsModule"), "conditions"),
        "mesh": [term for module in browsed for one in rows(module, "meshes") if (term := text(one, "term"))],
        "sponsor": text(sponsors, "leadSponsor", "name"),
        "sponsor_class": text(sponsors, "leadSponsor", "class"),
        "start": text(status, "startDateStruct", "date"),
        "completion": text(status, "completionDateStruct", "date"),
        "results_posted": text(status, "resultsFirstPostDateStruct", "date"),
        "enrollment": text(design, "enrollmentInfo", "count"),
        "countries": sorted({country for one in places if (country := text(one, "country"))}),
        "secondary_ids": [text(one, "id") for one in rows(names, "secondaryIdInfos") if text(one, "id")],
        "has_results": bool(study.get("resultsSection")),
    }
    return {name: value for name, value in found.items() if value}
