"""Make a document of what a parser found in an item: identity, rights, URL and what the source declares.

What the file says about itself wins over what the source declares. A licence statement that is not recognised grants
nothing, and is kept as the evidence. A URL is the record's own, then the item's (a web archive's), then that of the
URL table, then one that follows from an identifier. Every URL loses keys and e-mail addresses here. What the listing of
a crawl said of a page fills what the page itself does not say. Not here: parsing.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from pipelines.engine.secrets import redact_url
from sources.archive import Item
from sources.catalog import SourceConfig, known_kind
from sources.document import Document, document_id, estimate_tokens
from sources.licence_code import under_code
from sources.parse.jats_licence import spdx_of
from sources.rights import UNKNOWN, Rights, rights_from
from sources.splits import reference_reason
from sources.tables import HeldOut, Origin
from sources.terms import Terms, cap
from sources.warc_fields import EVIDENCE, LINK, RELEASE, RESERVED, VERSION

EVIDENCE_CHARS = 500
_ISO_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_EXTRA = json.JSONEncoder(sort_keys=True, ensure_ascii=False)


class Origins(NamedTuple):
    """Rows of the URL table for one record: under its native key, under its key, and for its file (an archive)."""

    native: Origin | None
    own: Origin | None
    container: Origin | None


NOWHERE = Origins(None, None, None)


@dataclass(frozen=True, slots=True)
class Found:
    """An item and where it lies: `file` is the key of its file, `place` that of the item, `origins` the file's rows.

    `rights` keeps those of what its records state: most records of one file state the same, or nothing.
    """

    item: Item
    sha256: str
    file: str
    place: str
    origins: Mapping[str, Origin]
    rights: dict[tuple[Any, ...], Rights] = field(default_factory=dict)

    def origin(self, key: str) -> Origin | None:
        """Return the row of the URL table for a record, its item, or its file when that is not a container."""
        if not self.origins:
            return None
        return self.origins.get(key) or self.origins.get(self.item.key) or self.origins.get(self.place)

    def named(self, part: Mapping[str, Any]) -> str | None:
        """Return `file#name` of a row that has a name of its own beside the byte offset in its key, else None."""
        has_name = part.get("position") and part["name"] != part["position"]
        return f"{self.place}#{part['name']}" if has_name else None

    def listed(self, name: str) -> str | None:
        """Return what the listing of a crawl said of the item, None when it said nothing."""
        return self.item.fields.get(f"{LINK}{name}") or None if self.item.fields else None

    @property
    def is_reserved(self) -> bool:
        """Say whether the site reserved text and data mining when the item was fetched."""
        return self.item.fields.get(RESERVED) == "yes"

    def origins_of(self, key: str, native_key: str | None) -> Origins:
        """Return what the URL table says of a record by its native key, by its key, and of its file."""
        if not self.origins:
            return NOWHERE
        return Origins(self.origin(native_key or key), self.origin(key), self.origins.get(self.file))


@dataclass(frozen=True, slots=True)
class Declared:
    """What is the same for all documents of a source. `edit` says who repaired what while reading, if anything was;
    `terms` are those of the catalogue unless given."""

    config: SourceConfig
    edit: Mapping[str, Any] = field(default_factory=dict)
    held_out: HeldOut = field(default_factory=HeldOut)
    terms: Terms | None = None


def document_of(declared: Declared, found: Found, key: str, part: dict[str, Any]) -> Document:
    """Return the document of one part."""
    config, held_out = declared.config, declared.held_out
    extra = dict(part["extra"])
    repairs = extra.pop("edits", [])
    native_key = found.named(part)
    if found.is_reserved:
        extra["reservation"] = found.item.fields.get(EVIDENCE, "")
    listed = held_out.holds(part["name"], key) or held_out.holds(part["name"], native_key or key)
    if why := _reference_reason(config, part, listed):
        extra |= {"reference_only": True, "reference_reason": why}
    origins = found.origins_of(key, native_key)
    origin = origins.native or origins.own or origins.container
    version = found.item.fields.get(VERSION) or part["version"] or found.listed("version")
    return Document(
        id=document_id(config.name, key, version),
        kind=known_kind(part["kind"] or found.listed("kind"), config.kind),
        source=config.name,
        release=found.item.fields.get(RELEASE) or config.release,
        key=key,
        url=url_of(config, found, part, origins),
        title=part["title"] or found.listed("title"),
        text=part["text"],
        messages=part["messages"],
        language=part["language"] or found.listed("language") or config.language,
        published=part["published"] or _date(found.listed("published")),
        retrieved=found.item.retrieved or (origin.retrieved if origin else None),
        version=version,
        retracted=part["retracted"] or found.listed("retracted") == "yes",
        sections=[{"path": path, "start": start, "end": end} for path, start, end in part["sections"]],
        rights=rights_of(declared, found, part, origins),
        edits=[{**declared.edit, "names": repairs}] if repairs else [],
        teacher=part["teacher"],
        mcq=part["mcq"],
        links=[{"relation": relation, "target": target} for relation, target in part["links"]],
        references=part["references"],
        identifiers=identifiers_of(found, part, native_key),
        item_sha256=found.sha256,
        tokens=estimate_tokens(part["text"]),
        extra=_EXTRA.encode(extra) if extra else "",
    )


def _reference_reason(config: SourceConfig, part: dict[str, Any], listed: bool) -> str | None:
    """Return why a record is for reference only, None when it may be trained on."""
    if config.reference_only:
        return "its source is declared so"
    return "it is in the list of held-out records" if listed else reference_reason(part["mcq"])


def identifiers_of(found: Found, part: dict[str, Any], native_key: str | None) -> dict[str, str]:
    """Return the identifiers that the record states, then those of its listing, whose `key` is the site's own name."""
    every = {name: value for name, value in part["identifiers"].items() if value}
    if found.item.fields:
        every = {**{name: found.listed(name) for name in ("doi", "pmid", "pmcid", "isbn")}, **every}
    every["native_key"] = native_key or every.get("native_key") or found.listed("key")
    return {name: value for name, value in every.items() if value}


def _date(text: str | None) -> str | None:
    """Return the ISO date that a text begins with, None when it begins otherwise."""
    match = _ISO_DATE.match(text or "")
    return match[0] if match else None


def url_of(config: SourceConfig, found: Found, part: dict[str, Any], origins: Origins) -> str | None:
    """Return the best URL that is known of a record, redacted; None when none is."""
    origin, container, identifiers = origins.native or origins.own, origins.container, part["identifiers"]
    best = part["url"] or found.item.url or (origin.url if origin else None)
    if not best and identifiers.get("pmcid"):
        best = f"https://pmc.ncbi.nlm.nih.gov/articles/{identifiers['pmcid']}/"
    if not best and identifiers.get("doi"):
        best = f"https://doi.org/{identifiers['doi']}"
    best = best or _filled(config.url_template, found.place, part["name"]) or (container.url if container else None)
    return redact_url(best) if best else None


def _filled(template: str | None, place: str, name: str) -> str | None:
    """Return a template with the item's key and the record's name in it; None when a record has no such name."""
    if not template or ("{name}" in template and not name):
        return None
    values = {"{key}": quote(place), "{name}": quote(name)}
    return re.sub(r"\{key\}|\{name\}", lambda match: values[match[0]], template)


def rights_of(declared: Declared, found: Found, part: dict[str, Any], origins: Origins) -> Rights:
    """Return the rights that a record states, else those its listing states, else those of its source.

    Terms that forbid redistribution bind above all of these, by the source or by any address known of the record.
    """
    stated = (part["url"], part["spdx"], part["licence_text"], bool(part["extra"].get("tdm_reserved")), origins)
    if stated not in found.rights:
        found.rights[stated] = _capped(declared, found, part, origins)
    return found.rights[stated]


def _capped(declared: Declared, found: Found, part: dict[str, Any], origins: Origins) -> Rights:
    config = declared.config
    addresses = [part["url"], found.item.url, *(origin.url for origin in origins if origin), config.url_template]
    known = filter(None, [*addresses, found.place, found.file])
    return cap(_stated_rights(config, found, part), config, known, declared.terms)


def _stated_rights(config: SourceConfig, found: Found, part: dict[str, Any]) -> Rights:
    declared = config.rights
    reserved = declared.tdm_reserved or found.is_reserved or bool(part["extra"].get("tdm_reserved"))
    attribution = declared.attribution or found.listed("publisher") or ""
    statement = part["licence_text"].strip()[:EVIDENCE_CHARS]
    code = found.listed("licence_code")
    if code:
        told = under_code(part["spdx"], statement, code)
        part = {**part, "spdx": told}
        statement = f"{statement}\nlicence_code: {code}".strip()
    stated = part["spdx"] or statement
    if not stated and (listed := found.listed("rights")):
        stated, statement = spdx_of(listed) or listed, listed[:EVIDENCE_CHARS]
    if not stated:
        return rights_from(declared.spdx, declared.evidence, attribution=attribution, tdm_reserved=reserved)
    evidence = statement or f"{found.place} sha256:{found.sha256}"
    try:
        return rights_from(stated, evidence, attribution=attribution, tdm_reserved=reserved)
    except ValueError:
        unknown = f"{part['spdx']}: {evidence}" if part["spdx"] else evidence
        return rights_from(UNKNOWN, unknown, tdm_reserved=reserved)
