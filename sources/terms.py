"""Terms that forbid redistribution bind, whatever a run file or a page says.

Whoever forbids it is in the catalogue, by the entry's name and by the registrable domains of its hosts. A source is
bound by its name, by its own `about`, by a host that it fetches from, or by a folder with such a name on its `path`; a
document is bound by any address known of it, the copy in a web archive and the folder of a local mirror included. So an
entry that is copied under another name is bound as well. What is bound keeps its text but is held as all rights
reserved: research inside the house, never a release. Not here: what follows from rights (`sources.rights`). A guard
against slips, not a search for lost origins.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from unicodedata import normalize
from urllib.parse import unquote

from pipelines.engine.hashing import digest
from sources.catalog import SourceConfig
from sources.listing import read_catalogue
from sources.rights import RESERVED, Rights, rights_from
from sources.web.url import registrable_domain

FORBIDDEN = "forbidden"
_DOTS_AND_NOTHING = {0x3002: ".", **dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))}
"""The ideographic full stop, and what is invisible in a name (UTS 46 ignores it)."""


@dataclass(frozen=True)
class Terms:
    """Who forbids redistribution: names of entries and registrable domains, each with the URL of the terms."""

    names: Mapping[str, str]
    domains: Mapping[str, str]

    def of_address(self, address: str) -> str | None:
        """Return the terms that bind an address: a URL, a URL within it, a host, or a path with a host in it."""
        domain = _domain_in(address, self._bound) if self.domains else None
        return self.domains[domain] if domain else None

    @cached_property
    def _bound(self) -> tuple[str, ...]:
        return tuple(sorted(self.domains))

    def of_source(self, config: SourceConfig) -> str | None:
        """Return the terms that bind all documents of a source."""
        if config.name in self.names:
            return self.names[config.name]
        if config.about and config.about.redistribution == FORBIDDEN:
            return config.about.terms or config.name
        return self.first([*(config.web.hosts if config.web else ()), config.path])

    def first(self, addresses: Iterable[str]) -> str | None:
        """Return the terms that bind the first bound of several addresses."""
        return next((terms for terms in map(self.of_address, addresses) if terms), None)

    def identity(self) -> str:
        """Return a digest of the whole table: it decides bytes."""
        return digest({"names": dict(self.names), "domains": dict(self.domains)})


def _plain(address: str) -> str:
    """Return an address as its host is looked up: escapes undone, wide letters narrow, dots of any script as dots."""
    text = unquote(unquote(address))
    return normalize("NFKC", text).lower().translate(_DOTS_AND_NOTHING)  # for this comparison only


@lru_cache(maxsize=1024)
def _domain_in(address: str, domains: tuple[str, ...]) -> str | None:
    """Return which of the domains an address lies in; most addresses are those of a file, asked for at each row."""
    found = _pattern(domains).search(_plain(address))
    return found[1] if found else None


@lru_cache(maxsize=8)
def _pattern(domains: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds one of the domains, or a name below it, as a whole host name in lower-case text."""
    names = "|".join(map(re.escape, domains))
    return re.compile(rf"(?<![a-z0-9-])({names})\.?(?![a-z0-9-]|\.[a-z0-9])")


def terms_of(entries: Iterable[SourceConfig]) -> Terms:
    """Return the terms of those entries that forbid redistribution."""
    names: dict[str, str] = {}
    domains: dict[str, str] = {}
    for config in entries:
        if not config.about or config.about.redistribution != FORBIDDEN:
            continue
        names[config.name] = config.about.terms or config.name
        for host in config.web.hosts if config.web else ():
            bare = host.removeprefix("*.")
            domains[registrable_domain(bare) or bare] = names[config.name]
    return Terms(names, domains)


@lru_cache(maxsize=1)
def catalogue_terms() -> Terms:
    """Return the terms of the catalogue. Raises ConfigError when there is none: then nothing may be assumed."""
    return terms_of(read_catalogue().values())


def cap(rights: Rights, config: SourceConfig, addresses: Iterable[str], terms: Terms | None = None) -> Rights:
    """Return `rights`, or those of all rights reserved when terms bind the source or any address of the document.

    The evidence is then the URL of the terms. A reservation of text and data mining and the attribution stay.
    """
    table = terms or catalogue_terms()
    evidence = table.of_source(config) or table.first(addresses)
    if evidence is None:
        return rights
    return rights_from(RESERVED, evidence, attribution=rights.attribution, tdm_reserved=rights.tdm_reserved)
