"""URLs that the crawler may ask for, taken apart once and strictly, and the list of hosts that a source may touch.

One parser decides for the allowlist, the look-up, TLS and the request line, so that no two of them can disagree. It
follows the WHATWG URL standard where that is unambiguous (dot segments, percent-encoding, IDNA) and refuses what the
standard mends: backslashes, user names, control characters, missing slashes. A registrable domain is what the Public
Suffix List says. Not here: robots rules, redirects, look-ups.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote, urljoin

from publicsuffixlist import PublicSuffixList

from sources.web.exchange import Refusal
from sources.web.host import plain_host

URL_REASONS = frozenset(
    {"address_not_global", "bad_host", "bad_port", "bad_url", "odd_address", "other_scheme", "private_name", "userinfo"}
)
"""Why `parse` refuses."""
ALLOWLIST_REASONS = frozenset({"http_not_listed", "off_list"})
"""What `Allowlist.refusal` returns."""

LONGEST = 8192
PORTS = {"http": 80, "https": 443}
_SHAPE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?)?.*", re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{0,8}))?", re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_DOT = re.compile(r"\.|%2e", re.IGNORECASE)
_KEPT_IN_PATH = "/%:@!$&'()*+,;=~-._[]|"
_KEPT_IN_QUERY = "/?%:@!$&()*+,;=~-._[]|`{}^"


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute web address without fragment; `host` is an A-label name in lower case, or an address."""

    scheme: str
    host: str
    port: int
    path_query: str
    """Begins with a slash; percent-encoded ASCII."""

    @property
    def netloc(self) -> str:
        """The host as it is written in a URL and in the Host header (the port is always the scheme's own)."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def origin(self) -> str:
        """Scheme and host."""
        return f"{self.scheme}://{self.netloc}"

    def __str__(self) -> str:
        return self.origin + self.path_query

    def join(self, reference: str) -> "Url":
        """Return what `reference` (a Location, a link) means on this page; raises Refusal like `parse`."""
        try:
            return parse(urljoin(str(self), reference.strip(" \t\n\r\f")))
        except ValueError as exc:
            raise Refusal("bad_url", f"{reference[:80]!r} cannot be joined: {exc}") from exc


def parse(url: str) -> Url:
    """Take an absolute URL apart; raises Refusal with one of `URL_REASONS`."""
    text = url.strip(" \t\n\r\f")
    shape = _SHAPE.fullmatch(text)
    if shape is None or len(text) > LONGEST or _FORBIDDEN.search(text):
        raise Refusal("bad_url", f"{text[:80]!r} is no absolute URL of at most {LONGEST} characters")
    scheme, authority, path, query = shape[1].lower(), shape[2], shape[3], shape[4]
    if scheme not in PORTS:
        raise Refusal("other_scheme", f"{scheme}: is not fetched, only http and https")
    if authority is None or "\\" in authority + path:
        raise Refusal("bad_url", f"{text[:80]!r} lacks slashes or has backslashes")
    if "@" in authority:
        raise Refusal("userinfo", "the URL carries a user name or password")
    host, port = _host_port(authority, PORTS[scheme])
    path_query = quote(_without_dots(path), safe=_KEPT_IN_PATH)
    if query is not None:
        path_query += "?" + quote(query, safe=_KEPT_IN_QUERY)
    return Url(scheme, host, port, path_query)


def _host_port(authority: str, default: int) -> tuple[str, int]:
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or (parts[2] and int(parts[2]) != default):
        raise Refusal("bad_port", f"{authority[:80]!r}: only port {default} is asked here")
    return plain_host(parts[1]), default


def _without_dots(path: str) -> str:
    """Resolve `.` and `..`, percent-encoded ones too, so that robots rules see the path that a server acts on."""
    kept: list[str] = []
    segments = path.split("/")[1:] or [""]
    for number, segment in enumerate(segments):
        plain = _DOT.sub(".", segment)
        if plain == ".." and kept:
            kept.pop()
        if plain not in (".", ".."):
            kept.append(segment)
        elif number == len(segments) - 1:
            kept.append("")
    return "/" + "/".join(kept)


@cache
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def registrable_domain(host: str) -> str | None:
    """Return the registrable domain of a host name by the Public Suffix List, None when it has none."""
    found: str | None = _public_suffixes().privatesuffix(host)
    return found


@dataclass(frozen=True)
class Allowlist:
    """The hosts of one source: exact names, and `*.name` for every host of a registrable domain.

    Raises ValueError for a `*.name` that is no registrable domain: `*.org` would list half the web.
    """

    hosts: tuple[str, ...]
    http: bool
    """Plain http is allowed too."""
    _exact: frozenset[str] = field(init=False, repr=False)
    _domains: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = [host.lower() for host in self.hosts]
        domains = frozenset(name.removeprefix("*.") for name in names if name.startswith("*."))
        for domain in sorted(domains):
            if registrable_domain(domain) != domain:
                raise ValueError(f"*.{domain}: {domain} is no registrable domain; list the hosts one by one")
        object.__setattr__(self, "_domains", domains)
        object.__setattr__(self, "_exact", frozenset(name for name in names if not name.startswith("*.")))

    def refusal(self, url: Url) -> str | None:
        """Return one of `ALLOWLIST_REASONS`, or None when the source may ask for `url`."""
        listed = url.host in self._exact or registrable_domain(url.host) in self._domains
        if not listed:
            return "off_list"
        return None if self.http or url.scheme == "https" else "http_not_listed"
