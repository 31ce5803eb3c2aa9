"""Find the same guidance at different times: for each document the keys of the series that it may belong to.

A series is told by an identifier that names it (the set id of a drug label, a PDQ number, the base of a DOI), by one
web address fetched at different times, by one title from one source and publisher with different dates, or by a
pattern over keys that the run file declares. The keys are written beside the documents. Not here: which groups are
series and what is newest (`version_series`), and what becomes of older versions (`consolidate`).
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

import pyarrow as pa
from pydantic import field_validator

from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.content import contents
from pipelines.stages.language import primary_subtag
from pipelines.stages.version_keys import (
    doi_series,
    host_of,
    is_serial,
    title_key,
    title_series,
    url_key,
    url_series,
    url_version,
)
from pipelines.stages.version_series import SCHEMA
from sources.document import KINDS
from sources.rights import Profile, Rights, allows

SERIES_IDENTIFIERS = ("spl_set_id", "pdq", "fhir", "mediawiki", "nct")
"""Identifiers that stay the same from version to version and differ between works: they alone decide."""

_READ = (
    *("id", "source", "kind", "key", "url", "title", "language", "published", "retrieved", "version", "rights"),
    *("identifiers", "tokens", "extra"),
)
"""The columns that keys and dates are made of."""


class VersionsConfig(Settings):
    """Which documents may be versions of one another."""

    kinds: Annotated[tuple[str, ...], BYTES] = ("guideline", "label")
    """Kinds whose addresses and titles make series; an identifier does so for every kind."""
    profile: Annotated[Profile, BYTES] = "research-internal"
    """A version that this profile may not use never supersedes one that it may."""
    series: Annotated[tuple[str, ...], BYTES] = ()
    """Regular expressions over `source/key` whose groups are the version: documents that one of them matches whole, and
    that are alike but for the groups, are one series."""
    wipe_out: Annotated[float, BYTES] = 0.5
    """Share of its documents that a source may lose to newer versions before an alarm is raised."""

    @field_validator("series")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        return patterns

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(kinds) - set(KINDS)):
            raise ValueError(f"unknown {unknown}; the kinds are {', '.join(KINDS)}")
        return kinds


class VersionKeys:
    """The stage that writes for each document the keys of its series and its dates."""

    name = "version_keys"
    version = "1"
    reasons: frozenset[str] = frozenset()
    writes = "attributes"

    def __init__(self, config: VersionsConfig) -> None:
        self.config = config
        self._series = [re.compile(pattern) for pattern in config.series]

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide bytes."""
        return self.config.identity()

    def apply(self, table: pa.Table) -> Batch:
        """Return `SCHEMA`, one row a document; a document that can be in no series has no keys."""
        rows = table.select(list(_READ)).to_pylist()
        found = [self._row(row, has_words=bool(words)) for row, words in zip(rows, contents(table), strict=True)]
        return Batch(pa.Table.from_pylist(found, schema=SCHEMA))

    def _row(self, row: Mapping[str, Any], *, has_words: bool) -> dict[str, Any]:
        fields = {name: row[name] for name in ("id", "source", "key", "published", "retrieved", "tokens")}
        fields["version"] = row["version"] or url_version(row["url"])
        if not has_words or not allows(Rights(**row["rights"]), self.config.profile):
            return fields
        keys = _keys(row) if row["kind"] in self.config.kinds else {"identifier": _identifier(row)}
        if declared := self._declared(f"{row['source']}/{row['key']}"):
            keys, fields["version"] = {"identifier": declared[0]}, declared[1]
        shared = f"{row['kind']}|{primary_subtag(row['language']) or ''}"
        return fields | {name: f"{shared}|{key}" for name, key in keys.items() if key}

    def _declared(self, key: str) -> tuple[str, str] | None:
        """Return the series that the run file declares for a key, and the version that the key names."""
        for pattern in self._series:
            match = pattern.fullmatch(key)
            if match and pattern.groups:
                spans = [match.span(group) for group in range(1, pattern.groups + 1) if match[group]]
                ends = [0, *(end for _, end in spans)]
                starts = [*(start for start, _ in spans), len(key)]
                same = "*".join(key[end:start] for end, start in zip(ends, starts, strict=True))
                return f"key:{same}", ".".join(key[start:end] for start, end in spans)
        return None


def _keys(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys of one document: identifier, url, page (address with title) and title; "" for none."""
    identifier = _identifier(row)
    address, title = url_key(row["url"]), title_key(row["title"])
    keys = {"identifier": identifier, "url": address}
    if identifier.partition(":")[0] in SERIES_IDENTIFIERS:
        return keys | {"url": ""}
    if title and address:
        undated = "" if is_serial(row["title"]) else url_series(row["url"])
        keys["page"] = f"{undated or address}|{title}"
    if telling := title_series(row["title"]):
        said = json.loads(row["extra"] or "{}")
        publisher = str(said.get("publisher") or said.get("labeler") or host_of(row["url"])).casefold()
        keys["title"] = f"{row['source']}|{publisher}|{row['rights']['attribution']}|{telling}"
    return keys


def _identifier(row: Mapping[str, Any]) -> str:
    named = dict(row["identifiers"] or [])
    for name in SERIES_IDENTIFIERS:
        if named.get(name):
            return f"{name}:{named[name].lower()}"
    return f"doi:{doi_series(named['doi'])}" if named.get("doi") else ""
