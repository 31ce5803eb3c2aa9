"""Sites that list their pages in sitemaps: indexes, URL sets, text files, plain or gzipped, also found by robots.txt.

Follows sitemaps.org protocol 0.9, by local names, because sites declare wrong namespaces or none. `lastmod` says when
the file changed, not when the text was published, so it becomes `version` at most. Not here: news, image and video
extensions, and feeds.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Annotated, Any, Literal

from lxml import etree
from pydantic import Field, model_validator

from pipelines.engine.settings import BYTES
from sources.archive_item import Limits
from sources.archive_stream import Stream
from sources.connectors.address import WebAddress, absolute
from sources.connectors.answer import changed, child_text, local, named, xml_of
from sources.connectors.facts import facts, language_of
from sources.connectors.follow import entries, index, step_of
from sources.connectors.landing import STEP, LandingPages, documents, entry
from sources.connectors.pattern import Pattern, wanted
from sources.parse.part import Fault, Unreadable
from sources.web.link import Link

MAX_LINKS = 50_000
"""Addresses in one file, the limit of the protocol."""
MAX_BYTES = 200 << 20
_GZIP = b"\x1f\x8b"
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?)?)?")
_SITEMAP_LINE = re.compile(r"(?im)^[ \t]*sitemap[ \t]*:[ \t]*(\S+)")


class Options(LandingPages):
    """Where the sitemaps are, and which of their pages are wanted."""

    sitemaps: Annotated[tuple[WebAddress, ...], BYTES] = ()
    robots: Annotated[WebAddress | None, BYTES] = None
    """A robots.txt whose `Sitemap:` lines name them."""
    include: Annotated[tuple[Pattern, ...], BYTES] = ("*",)
    """Patterns of the addresses of documents."""
    exclude: Annotated[tuple[Pattern, ...], BYTES] = ()
    sitemap_include: Annotated[tuple[Pattern, ...], BYTES] = ("*",)
    """Patterns of the sitemaps that an index or robots.txt names."""
    sitemap_exclude: Annotated[tuple[Pattern, ...], BYTES] = ()
    max_depth: Annotated[int, Field(ge=0, le=5), BYTES] = 2
    """How deep indexes may name further indexes."""
    lastmod: Annotated[Literal["version", "ignore"], BYTES] = "version"
    """`ignore` for sites that stamp every page with the time of the day."""

    @model_validator(mode="after")
    def _somewhere(self) -> "Options":
        if not self.sitemaps and self.robots is None:
            raise ValueError("name at least one sitemap in `sitemaps`, or a robots.txt in `robots`")
        return self


def start(options: dict[str, Any]) -> list[Link]:
    """Return the links that the crawl begins with."""
    chosen = Options.model_validate(options)
    robots = [index(chosen.robots, "robots")] if chosen.robots else []
    return robots + [index(url, "sitemap") for url in chosen.sitemaps]


def expand(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Link | Fault]:
    """Yield the sitemaps or pages that a robots.txt or sitemap names, or what a landing page leads to.

    Raises Unreadable: decompression_bomb, structure_changed, and those of `parse_xml` and `html_of`.
    """
    chosen = Options.model_validate(options["connector"])
    step, depth = step_of(options)
    if step == STEP:
        yield from documents(body, key, options, chosen)
        return
    if step == "robots":
        text = body.decode("utf-8", "replace")
        yield from _sitemaps(_SITEMAP_LINE.findall(text), key, chosen, depth)
        return
    data = _unpacked(body) if body.startswith(_GZIP) else body
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        yield from _pages([(line, {}) for line in _lines(data)], key, chosen)
        return
    root = xml_of(data)
    if local(root) == "sitemapindex":
        yield from _sitemaps([child_text(one, "loc") for one in named(root, "sitemap")], key, chosen, depth + 1)
    elif local(root) == "urlset":
        listed = [_listed(one, chosen) for one in named(root, "url")]
        yield from entries(_pages(listed, key, chosen), len(listed))
    else:
        raise changed("a sitemap (urlset or sitemapindex)", f"<{local(root)[:40]}>")


def _sitemaps(found: list[str], key: str, chosen: Options, depth: int) -> Iterator[Link | Fault]:
    if not found:
        raise changed("at least one sitemap named", "none")
    if depth > chosen.max_depth:
        yield Fault(reason="too_deep", detail=f"{len(found)} sitemaps at level {depth} of indexes")
        return
    for url, _ in _addresses([(text, {}) for text in found], key):
        if isinstance(url, Fault):
            yield url
        elif wanted(url, chosen.sitemap_include, chosen.sitemap_exclude) and url != key:
            yield index(url, "sitemap", depth)


def _pages(found: list[tuple[str, dict[str, str]]], key: str, chosen: Options) -> Iterator[Link | Fault]:
    for url, fields in _addresses(found, key):
        if isinstance(url, Fault):
            yield url
        elif wanted(url, chosen.include, chosen.exclude):
            yield entry(url, fields, chosen)


def _addresses(found: list[tuple[str, dict[str, str]]], key: str) -> Iterator[tuple[str | Fault, dict[str, str]]]:
    """Yield each address once, a Fault for each that is none, and one for those beyond the limit."""
    seen: set[str] = set()
    for number, (text, fields) in enumerate(found[:MAX_LINKS]):
        url = absolute(text, key)
        if url is None:
            yield Fault(reason="bad_link", detail="no web address in <loc>", name=str(number)), {}
        elif url not in seen:
            seen.add(url)
            yield url, fields
    if len(found) > MAX_LINKS:
        yield Fault(reason="too_many_links", detail=f"{len(found)} addresses; the protocol allows {MAX_LINKS}"), {}


def _listed(one: etree._Element, chosen: Options) -> tuple[str, dict[str, str]]:
    location, changed_on = child_text(one, "loc"), child_text(one, "lastmod")
    fields = {"version": changed_on} if chosen.lastmod == "version" and _DATE.fullmatch(changed_on) else {}
    for link in named(one, "link"):
        if link.get("href") == location and (language := language_of(link.get("hreflang") or "")):
            fields["language"] = language
    return location, facts(fields)


def _lines(data: bytes) -> list[str]:
    """Return the lines of a text sitemap. Raises Unreadable structure_changed when the first is no web address."""
    try:
        lines = [line.strip() for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise changed("a sitemap in XML or UTF-8 text", "other bytes") from None
    if not lines or not lines[0].startswith(("http://", "https://")):
        raise changed("a sitemap in XML, or one address a line", f"{len(lines)} lines that begin otherwise")
    return lines


def _unpacked(body: bytes) -> bytes:
    """Return what a gzip file holds. Raises Unreadable: decompression_bomb, structure_changed for a damaged file."""
    stream = Stream(BytesIO(body), Limits())
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES or (stream.damage and stream.damage.reason == "decompression_bomb"):
        raise Unreadable("decompression_bomb", f"{len(body)} bytes unpack to {len(data)} and more")
    if stream.damage:
        raise changed("a whole gzip file", f"{stream.damage.reason} after {len(data)} bytes")
    return data
