"""Whole small sites, one folder each in `tests/fakes/web/sites/`, shaped like the sites that a connector is made for.

A folder holds `site.json` and the files that it names; all content is invented. `site.json` has `web` (what a source
file declares), or `source` (the name of an entry of the catalogue, whose declaration it is); `pages` (address to `file`
and `type`; `gzip: true` packs it, `package: true` makes an NPM package of it), and what must come of a crawl: `items`
(address, fields) in the order found, and `faults` (reasons). `documents` are written as `pages` are, with `says`, what
must come out of them; documents that are not given are made up. `FixtureSite.serve` puts a site on the fixture web,
`walk` crawls it in memory.
"""

import gzip
import io
import json
import tarfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fakes.web.server import Web

from sources.catalog import SourceConfig
from sources.connectors.table import options_of, start_links
from sources.listing import entry
from sources.parse.part import Fault
from sources.web.link import Link
from sources.web.settings import WebConfig

FOLDER = Path(__file__).parent / "sites"
Expand = Callable[[bytes, str, dict[str, Any]], Iterator[Link | Fault]]


@dataclass
class Walk:
    """What a crawl came to: documents, faults and visited list pages, each in order."""

    items: list[Link] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    visited: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FixtureSite:
    """One folder, read."""

    name: str
    web: WebConfig
    pages: dict[str, tuple[bytes, str]]
    items: list[dict[str, Any]]
    faults: list[str]
    documents: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    says: dict[str, list[str]] = field(default_factory=dict)
    source: SourceConfig | None = None

    def body(self, url: str) -> tuple[bytes, str]:
        """Return body and media type of a page or made-up document."""
        made_up = f"<html><body><h1>Invented guidance</h1><p>Give 5 mg, see {urlsplit(url).path}.</p></body></html>"
        return self.pages.get(url) or self.documents.get(url) or (made_up.encode(), "text/html; charset=utf-8")

    def serve(self, web: Web) -> None:
        """Open all hosts of the site on the fixture web: its pages, its documents, an open robots.txt."""
        hosts = {}
        for url in [*self.pages, *(item["url"] for item in self.items)]:
            parts = urlsplit(url)
            site = hosts.get(parts.netloc) or web.site(parts.netloc)
            if parts.netloc not in hosts:
                site.page("/robots.txt", b"User-agent: *\nAllow: /\n", "text/plain")
            hosts[parts.netloc] = site
            site.page(f"{parts.path}?{parts.query}" if parts.query else parts.path, *self.body(url))

    def walk(self, expand: Expand) -> Walk:
        """Crawl the site in memory, breadth first, each list page once."""
        walk, left = Walk(), deque(start_links(self.web))
        seen = {link.url for link in left}
        options = options_of(self.web).model_dump(mode="json")
        while left:
            link = left.popleft()
            if link.role == "item":
                walk.items.append(link)
                continue
            walk.visited.append(link.url)
            told = {"url": link.url, "role": link.role, "step": link.step, "fields": link.fields}
            body, media_type = self.pages[link.url]
            for found in expand(body, link.url, {"connector": options, "link": told, "media_type": media_type}):
                if isinstance(found, Fault):
                    walk.faults.append(found)
                elif found.url not in seen:
                    seen.add(found.url)
                    left.append(found)
        return walk


def names() -> list[str]:
    """Return the names of all fixture sites."""
    return sorted(path.parent.name for path in FOLDER.glob("*/site.json"))


def load(name: str) -> FixtureSite:
    """Return the site in the folder `name`."""
    told = json.loads((FOLDER / name / "site.json").read_text(encoding="utf-8"))
    source = entry(told["source"]) if "source" in told else None
    web = source.web if source else WebConfig.model_validate(told["web"])
    assert web is not None
    pages, documents = (
        {url: (_body(FOLDER / name / page["file"], page), page["type"]) for url, page in told.get(kind, {}).items()}
        for kind in ("pages", "documents")
    )
    says = {url: page["says"] for url, page in told.get("documents", {}).items()}
    return FixtureSite(name, web, pages, told["items"], told.get("faults", []), documents, says, source)


def _body(path: Path, page: dict[str, Any]) -> bytes:
    body = path.read_bytes()
    if page.get("package"):
        body = package({f"package/{path.name}": body, "package/package.json": b'{"name": "invented.guide"}'})
    return gzip.compress(body, mtime=0) if page.get("gzip") else body


def package(members: dict[str, bytes]) -> bytes:
    """Return a gzipped tar of `members`, the same bytes each time."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return gzip.compress(held.getvalue(), mtime=0)
