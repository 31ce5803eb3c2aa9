"""Plain text and Markdown to one Part: the bytes' own text, its front matter read, its headings as sections.

The text is not rewritten: newlines are unified, a YAML front matter that was understood is taken out (a named
edit), and that is all. A front matter that is not YAML stays where it is. Not here: cleaning of links and site
furniture in converted Markdown (a stage), and Markdown's own meaning beyond `#` headings.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sources.parse import charset
from sources.parse.html_markdown import sections_of
from sources.parse.html_meta import iso_date
from sources.parse.jats_licence import spdx_of
from sources.parse.part import Fault, Part, Unreadable
from sources.rights import PUBLIC_DOMAIN, rights_from

MAX_TITLE_CHARS = 120
MAX_FRONT_MATTER_CHARS = 50_000
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield the one Part of a text file.

    Options: `kind`; `sections` (markdown or none; by the key's suffix when not given); `charset` or `media_type`.
    Raises Unreadable: those of `charset.decode`, no_text when only a front matter is there.
    """
    text, edits = charset.decode(body, charset.declared(options), html=False)
    facts, text, removed = _front_matter(text)
    if not text.strip():
        raise Unreadable("no_text", "a front matter without a text")
    edits += ["front_matter"] if removed else []
    is_markdown = PurePosixPath(key).suffix.lower() in (".md", ".markdown", ".mdx")
    wanted = options.get("sections") or ("markdown" if is_markdown else "none")
    headings = _headings(text) if wanted == "markdown" else []
    licence = facts.get("licence") or facts.get("license") or facts.get("rights") or ""
    yield Part(
        text=text,
        title=facts.get("title") or _title(text, headings),
        kind=options.get("kind"),
        sections=sections_of(headings, len(text)),
        language=facts.get("language") or facts.get("lang"),
        published=next(filter(None, (iso_date(facts.get(name, "")) for name in ("published", "date"))), None),
        url=_address(facts),
        spdx=_spdx(licence),
        licence_text=licence,
        extra={"edits": edits} if edits else {},
    )


def _front_matter(text: str) -> tuple[dict[str, str], str, bool]:
    """Return the scalars of the front matter by lower-case name, the text after it, and whether it was taken out."""
    match = _FRONT_MATTER.match(text)
    if not match or len(match[1]) > MAX_FRONT_MATTER_CHARS:
        return {}, text, False
    try:
        value = YAML(typ="safe", pure=True).load(match[1])
    except (YAMLError, ValueError, RecursionError):
        return {}, text, False
    if not isinstance(value, dict):
        return {}, text, False
    scalars = {
        str(k).lower(): str(v).strip() for k, v in value.items() if v is not None and not isinstance(v, dict | list)
    }
    return scalars, text[match.end() :].lstrip("\n"), True


def _headings(text: str) -> list[tuple[int, str, int]]:
    """Return (level, title, start) of the headings outside fenced code."""
    fenced = [match.span() for match in _FENCE.finditer(text)]
    return [
        (len(match[1]), match[2].strip(), match.start())
        for match in _HEADING.finditer(text)
        if match[2].strip() and not any(start <= match.start() < end for start, end in fenced)
    ]


def _title(text: str, headings: list[tuple[int, str, int]]) -> str | None:
    """Return the first heading, or a first line that is short, stands above more text and is no sentence."""
    if headings:
        return headings[0][1]
    first, _, rest = text.strip().partition("\n")
    first = first.strip()
    return first if rest.strip() and len(first) <= MAX_TITLE_CHARS and first[-1] not in ".,;:|" else None


def _address(facts: dict[str, str]) -> str | None:
    candidates = (facts.get(name, "") for name in ("canonical", "url", "source_url", "permalink"))
    return next((url for url in candidates if url.startswith(("http://", "https://"))), None)


def _spdx(licence: str) -> str | None:
    if not licence:
        return None
    if re.fullmatch(r"public[ _-]domain", licence, re.IGNORECASE):
        return PUBLIC_DOMAIN
    try:
        rights_from(licence)
    except ValueError:
        return spdx_of(licence)
    return licence
