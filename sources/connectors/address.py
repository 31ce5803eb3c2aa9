"""Addresses on a page to absolute web addresses, as a browser would resolve them, or None.

Only http and https with a host and without user names are addresses here. White space and controls around and line
ends within are dropped, backslashes read as slashes (WHATWG URL standard), the fragment goes, and what is not ASCII
is percent-encoded, so that the same link is the same text everywhere. Not here: whether a host may be visited
(`sources.web.visit`).
"""

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl, quote, unquote_plus, urldefrag, urljoin, urlsplit, urlunsplit

from pydantic import AfterValidator

MAX_CHARS = 8_000
"""Resumption tokens and lists of titles are long; nothing honest is longer."""
_EDGE = "".join(map(chr, range(33)))
_WITHIN = str.maketrans("", "", "\t\r\n")
_SAFE = "%!#$&'()*+,/:;=?@[]~"
_AUTHORITY = re.compile(r"((?:https?:)?)/{2,}", re.IGNORECASE)
"""However many slashes there are, a host follows."""
_NO_HOST = re.compile(r"[^/]*//(?:[?#]|\Z)")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_BROKEN_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


def absolute(href: str, base: str) -> str | None:
    """Return the absolute address that `href` means on a page with the address `base`, None when it is none."""
    text = href.strip(_EDGE).translate(_WITHIN)
    if not text or len(text) > MAX_CHARS or _CONTROL.search(text):
        return None
    scheme = text.partition(":")[0].lower()
    head, mark, query = text.partition("?")
    if scheme in ("http", "https") or scheme == text.lower():
        text = head.replace("\\", "/") + mark + query
    if authority := _AUTHORITY.match(text):
        text = f"{authority[1]}//{text[authority.end() :]}"
        if _NO_HOST.match(text):
            return None
    try:
        joined = urldefrag(urljoin(base, text)).url
        parts = urlsplit(joined)
        host, _ = parts.hostname or "", parts.port
        if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or set(host) & set(" \\%<>\"'"):
            return None
        rest = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        rest = quote(_BROKEN_ESCAPE.sub("%25", rest), safe=_SAFE)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(':')}{rest}"


def with_query(url: str, values: Mapping[str, str]) -> str:
    """Return `url` with the query parameters `values`, each in place of those of its name or at the end.

    The rest of the query stays as it is written.
    """
    parts = urlsplit(url)
    fresh = {name: f"{encoded(name)}={encoded(value)}" for name, value in values.items()}
    pieces: list[str] = []
    for piece in parts.query.split("&") if parts.query else []:
        name = unquote_plus(piece.partition("=")[0])
        if name not in values:
            pieces.append(piece)
        elif name in fresh:
            pieces.append(fresh.pop(name))
    return urlunsplit(parts._replace(query="&".join([*pieces, *fresh.values()])))


def query_of(url: str) -> dict[str, str]:
    """Return the query parameters of `url`, the last of each name."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def encoded(value: str) -> str:
    """Return `value` as one piece of a path or query."""
    return quote(value, safe="")


def _web_address(value: str) -> str:
    found = absolute(value, "")
    if found is None:
        raise ValueError(f"{value!r} is no web address; write it as https://host/path")
    return found


WebAddress = Annotated[str, AfterValidator(_web_address)]
"""An absolute http or https address in an option."""
