"""Repositories that offer their records by OAI-PMH: ListRecords with resumption tokens, Dublin Core, item links.

Follows the Open Archives Initiative Protocol for Metadata Harvesting 2.0: an empty resumption token ends the list, a
token is sent alone, `noRecordsMatch` is an empty list, deleted records name nothing. A record's document is the first
`dc:identifier` that the pattern of the source finds. A refused token (`badResumptionToken`) is a change of structure.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from lxml import etree
from pydantic import AfterValidator, Field

from pipelines.engine.settings import BYTES
from sources.connectors.address import WebAddress, absolute, with_query
from sources.connectors.answer import changed, child_text, local, named, xml_of
from sources.connectors.facts import doi_in, facts, isbn_in, language_of
from sources.connectors.follow import entries, index, onward, step_of
from sources.connectors.landing import STEP, LandingPages, documents, entry
from sources.connectors.pattern import Pattern, wanted
from sources.parse.part import Fault
from sources.web.link import Link


def _expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    return pattern


class Options(LandingPages):
    """Which records, and how a record names its document."""

    endpoint: Annotated[WebAddress, BYTES]
    metadata_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.!~*'()-]+$"), BYTES] = "oai_dc"
    sets: Annotated[tuple[str, ...], BYTES] = ()
    since: Annotated[str, Field(pattern=r"^(\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?)?$"), BYTES] = ""
    """`from` of the protocol: records changed since this day."""
    until: Annotated[str, Field(pattern=r"^(\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?)?$"), BYTES] = ""
    identifier: Annotated[str, AfterValidator(_expression), BYTES] = r"^https?://.+"
    """Regular expression searched in each dc:identifier and dc:relation, then in the record's own identifier."""
    url: Annotated[str, BYTES] = "{0}"
    """The document's address from that: {0} is all that was found, {1} its first group."""
    languages: Annotated[tuple[str, ...], BYTES] = ()
    """Keep records in any of these (BCP 47), and those that state none."""
    include: Annotated[tuple[Pattern, ...], BYTES] = ("*",)
    exclude: Annotated[tuple[Pattern, ...], BYTES] = ()
    max_pages: Annotated[int, Field(ge=1, le=100_000), BYTES] = 10_000


def start(options: dict[str, Any]) -> list[Link]:
    """Return the first page of records of each set."""
    chosen = Options.model_validate(options)
    said = {
        "verb": "ListRecords",
        "metadataPrefix": chosen.metadata_prefix,
        "from": chosen.since,
        "until": chosen.until,
    }
    query = {name: value for name, value in said.items() if value}
    each = [{**query, "set": name} for name in chosen.sets] or [query]
    return [index(with_query(chosen.endpoint, one), "records") for one in each]


def expand(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Link | Fault]:
    """Yield the documents of a page of records, and the next page, or what a landing page leads to.

    Raises Unreadable: structure_changed, and those of `parse_xml` and `html_of`.
    """
    chosen = Options.model_validate(options["connector"])
    if step_of(options)[0] == STEP:
        yield from documents(body, key, options, chosen)
        return
    root = xml_of(body)
    if local(root) != "OAI-PMH":
        raise changed("an OAI-PMH answer", f"<{local(root)[:40]}>")
    for error in named(root, "error"):
        if error.get("code") == "noRecordsMatch":
            return
        raise changed("records", f"the error {str(error.get('code'))[:40]}")
    records = next(named(root, "ListRecords"), None)
    if records is None:
        raise changed("an element ListRecords", "none")
    listed = list(named(records, "record"))
    found = (link for position, record in enumerate(listed) for link in _record(record, chosen, position))
    yield from entries(found, len(listed))
    token = child_text(records, "resumptionToken")
    following = with_query(chosen.endpoint, {"verb": "ListRecords", "resumptionToken": token}) if token else None
    yield from onward(following, key, options, chosen.max_pages)


def _record(record: etree._Element, chosen: Options, position: int) -> Iterator[Link | Fault]:
    header = next(named(record, "header"), None)
    metadata = next((child for holder in named(record, "metadata") for child in holder), None)
    if header is not None and header.get("status") == "deleted":
        return
    if header is None or metadata is None:
        yield Fault(reason="bad_link", detail="the record has no header or no metadata", name=str(position))
        return
    values = _values(metadata)
    languages = [language.partition("-")[0] for text in values.get("language", []) if (language := language_of(text))]
    if chosen.languages and languages and not {code.partition("-")[0] for code in chosen.languages} & set(languages):
        return
    own = child_text(header, "identifier")
    url = _address([*values.get("identifier", []), *values.get("relation", []), own], chosen)
    if url is None:
        yield Fault(
            reason="bad_link",
            detail="no identifier of the record is the address of a document",
            name=own[:200] or str(position),
        )
    elif wanted(url, chosen.include, chosen.exclude):
        yield entry(url, _fields(values, own), chosen)


def _values(metadata: etree._Element) -> dict[str, list[str]]:
    """Return the texts of the elements of a record by local name, in order."""
    found: dict[str, list[str]] = {}
    for element in metadata.iter(etree.Element):
        text = " ".join((element.text or "").split())
        if text:
            found.setdefault(local(element), []).append(text)
    return found


def _address(identifiers: list[str], chosen: Options) -> str | None:
    matches = (re.search(chosen.identifier, identifier) for identifier in identifiers)
    filled = (_filled(chosen.url, match) for match in matches if match)
    return next((url for text in filled if (url := absolute(text, chosen.endpoint))), None)


def _filled(template: str, match: re.Match[str]) -> str:
    groups = [match[0], *(group or "" for group in match.groups())]
    return re.sub(r"\{(\d)\}", lambda hole: groups[int(hole[1])] if int(hole[1]) < len(groups) else "", template)


def _fields(values: dict[str, list[str]], own: str) -> dict[str, str]:
    def first(*names: str) -> str:
        return next((value for name in names for value in values.get(name, [])), "")

    identifiers = values.get("identifier", [])
    dates = [*values.get("issued", []), *values.get("date", [])]
    return facts(
        {
            "title": first("title"),
            "published": next((day for text in dates if (day := facts({"published": text}).get("published"))), ""),
            "language": first("language"),
            "rights": "\n".join([*values.get("license", []), *values.get("rights", [])]),
            "publisher": first("publisher"),
            "doi": doi_in(identifiers),
            "isbn": isbn_in(identifiers),
            "key": own,
        }
    )
