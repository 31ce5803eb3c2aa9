"""The pages in what a MediaWiki gives: an XML dump, an answer of its API, a rendered page, or bare wikitext.

Each page comes with what the envelope says of it: title, number, revision, time, language, address. Follows the export
format 0.10 and 0.11 and the answers of `action=query&prop=revisions` and `action=parse`, each in both versions of the
JSON format. Not here: what the text means (`mediawiki`).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

from lxml import etree

from sources.parse import charset
from sources.parse.part import Unreadable
from sources.parse.strict_json import loads
from sources.parse.xml_safe import parse_xml

_REDIRECT = re.compile(r"\s*#(?:redirect|weiterleitung|redirection|redirección|rinvia)\s*:?\s*\[\[", re.IGNORECASE)
_RENDERED = re.compile(rb"class\s*=\s*[\"'][^\"']*mw-parser-output")


@dataclass(slots=True, kw_only=True)
class Page:
    """One page. `html` stands in place of wikitext when the wiki has rendered it."""

    title: str | None = None
    text: str = ""
    html: str | None = None
    namespace: int = 0
    number: str = ""
    revision: str | None = None
    time: str | None = None
    language: str | None = None
    url: str | None = None
    host: str = ""
    is_redirect: bool = False
    categories: list[str] = field(default_factory=list)


def pages_of(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Page]:
    """Yield the pages of an item.

    Raises Unreadable: those of `parse_xml` and `charset.decode`, invalid_json, no_record when an envelope has none.
    """
    head = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:200]
    if head.startswith((b"<mediawiki", b"<?xml")):
        yield from _dump(parse_xml(body))
    elif head.startswith(b"{") and not head.startswith((b"{{", b"{|")):
        yield from _answer(body)
    elif head.startswith(b"<") and _is_rendered(body):
        html, _ = charset.decode(body, charset.declared(options), html=True)
        yield Page(html=html)
    else:
        text, _ = charset.decode(body, charset.declared(options), html=False)
        yield _marked(Page(title=PurePosixPath(key).stem.replace("_", " ") or None, text=text))


def _is_rendered(body: bytes) -> bool:
    """Say whether a wiki has rendered a page: its parser's mark, which old wikis lack, or HTML without wikitext."""
    if _RENDERED.search(body[:100_000]):
        return True
    return b"<p>" in body and not any(sign in body for sign in (b"[[", b"{{", b"'''", b"{|"))


def _marked(page: Page) -> Page:
    page.is_redirect = page.is_redirect or bool(_REDIRECT.match(page.text))
    return page


def _dump(root: etree._Element) -> Iterator[Page]:
    base = root.findtext("{*}siteinfo/{*}base") or ""
    language = root.get("{http://www.w3.org/XML/1998/namespace}lang")
    found = root.findall("{*}page")
    if not found:
        raise Unreadable("no_record", f"<{etree.QName(root).localname}> without pages")
    for node in found:
        revisions = node.findall("{*}revision")
        last = max(revisions, key=lambda r: r.findtext("{*}timestamp") or "", default=None)
        title = node.findtext("{*}title")
        namespace = (node.findtext("{*}ns") or "0").strip()
        yield _marked(
            Page(
                title=title,
                text=(last.findtext("{*}text") or "") if last is not None else "",
                namespace=int(namespace) if namespace.lstrip("-").isdigit() else 0,
                number=node.findtext("{*}id") or "",
                revision=last.findtext("{*}id") if last is not None else None,
                time=last.findtext("{*}timestamp") if last is not None else None,
                language=language,
                url=_address(base, title),
                host=urlsplit(base).hostname or "",
                is_redirect=node.find("{*}redirect") is not None,
            )
        )


def _address(base: str, title: str | None) -> str | None:
    """Return the address of a page beside that of the main page, which is what a dump tells."""
    if not base.startswith("http") or not title:
        return None
    return f"{base.rpartition('/')[0]}/{quote(title.replace(' ', '_'), safe='/:()')}"


def _answer(body: bytes) -> Iterator[Page]:
    try:
        found = loads(body)
    except ValueError as error:
        raise Unreadable("invalid_json", str(error)) from None
    answers = found if isinstance(found, list) else [found]
    pages = [page for answer in answers if isinstance(answer, dict) for page in _pages(answer)]
    if not pages:
        raise Unreadable("no_record", "no page in an answer of the API")
    yield from map(_marked, pages)


def _pages(answer: dict[str, Any]) -> Iterator[Page]:
    parsed, query = answer.get("parse"), answer.get("query")
    if isinstance(parsed, dict):
        yield _parsed(parsed)
        return
    listed = query.get("pages") if isinstance(query, dict) else answer.get("pages")
    if listed is None and ("revisions" in answer or "wikitext" in answer):
        listed = [answer]
    for page in listed.values() if isinstance(listed, dict) else listed or []:
        if isinstance(page, dict) and "missing" not in page:
            yield _queried(page)


def _parsed(parsed: dict[str, Any]) -> Page:
    """Return the page of `action=parse`: wikitext where it was asked for, else HTML."""
    wikitext, html = _content(parsed.get("wikitext")), _content(parsed.get("text"))
    page = _facts(parsed)
    page.text = wikitext
    page.html = html if html and not wikitext else None
    page.revision = _string(parsed.get("revid"))
    page.time = _string(parsed.get("timestamp") or parsed.get("touched"))
    named = [one for one in parsed.get("categories") or [] if isinstance(one, dict)]
    page.categories = [str(one.get("category") or one.get("*") or "").replace("_", " ") for one in named]
    return page


def _queried(found: dict[str, Any]) -> Page:
    """Return the page of `action=query`: the newest of its revisions."""
    revisions = [one for one in found.get("revisions") or [] if isinstance(one, dict)]
    last = max(revisions, key=lambda one: str(one.get("timestamp") or ""), default={})
    slots = last.get("slots")
    slot = slots.get("main") if isinstance(slots, dict) else last
    page = _facts(found)
    page.text = _content(slot) or _content(found.get("wikitext"))
    page.revision, page.time = _string(last.get("revid") or found.get("lastrevid")), _string(last.get("timestamp"))
    page.is_redirect = found.get("redirect") not in (None, False)
    named = [one for one in found.get("categories") or [] if isinstance(one, dict)]
    page.categories = [str(one.get("title") or "").partition(":")[2] for one in named]
    return page


def _facts(found: dict[str, Any]) -> Page:
    url = _string(found.get("canonicalurl") or found.get("fullurl"))
    namespace = found.get("ns", 0)
    return Page(
        title=_string(found.get("title")),
        namespace=namespace if isinstance(namespace, int) else 0,
        number=_string(found.get("pageid")) or "",
        language=_string(found.get("pagelanguage")),
        url=url,
        host=urlsplit(url).hostname or "" if url else "",
    )


def _content(value: Any) -> str:
    """Return content that the two versions of the format hold as "*", as "content" or bare."""
    if isinstance(value, dict):
        value = value.get("content", value.get("*"))
    return value if isinstance(value, str) else ""


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None if value is None else json.dumps(value)
