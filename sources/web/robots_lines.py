"""robots.txt as bytes to groups: which lines count, and whom they are for (RFC 9309 section 2.2).

What is read beyond the RFC follows Google's parser and Protego, whose case tables both hold here: known misspellings,
a forgotten colon, partial byte order marks, lines cut at 16,663 bytes, `*` inside an agent's name. A rule ends the run
of user-agent lines above it. An unknown line does so only if its value is a path, since then it was meant as a rule;
other unknown lines and site-wide ones (sitemap, host) leave the run open. Files in UTF-16 are read, against the RFC,
because read as UTF-8 they would hold no rule and allow all. Not here: what rules say of a URL (`sources.web.robots`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

MAX_BODY_BYTES = 500 << 10
"""What is read of a file, as much as the RFC asks for. A line that this cuts is left out, lest a path grow wider."""
MAX_LINE_BYTES = 2083 * 8 - 1
SIGNAL_FIELDS = frozenset({"content-signal", "content-usage"})
_HEAD_BYTES = 4096
_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\r|\n")
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\r\x0b\x0c\x1b")
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_FIELDS = {
    "user-agent": "agent", "useragent": "agent", "user agent": "agent",
    "disallow": "disallow", "dissallow": "disallow", "dissalow": "disallow", "disalow": "disallow",
    "diasllow": "disallow", "disallaw": "disallow", "allow": "allow",
    "crawl-delay": "crawl-delay", "crawl delay": "crawl-delay",
    "request-rate": "request-rate", "request rate": "request-rate",
    "visit-time": "visit-time", "visit time": "visit-time",
    "content-signal": "content-signal", "content-usage": "content-usage",
    "sitemap": "sitemap", "sitemaps": "sitemap", "site-map": "sitemap", "host": "host",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Groups:
    """The lines of each agent's groups, merged, as (field, value) in file order; agents are lower-case tokens or `*`.

    The values of `allow` and `disallow` are percent-encoded to printable ASCII. `sitemaps` is as the file has it.
    `signals` are the content-signal and content-usage lines above all agents, which are meant for everybody.
    """

    lines: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    sitemaps: tuple[str, ...] = ()
    signals: tuple[tuple[str, str], ...] = ()

    def of(self, agent: str) -> list[str]:
        """Return the keys of the groups that bind `agent`, a product token or a whole User-Agent header.

        The longest token that one of its names starts with, else `*`. A bare name with a space in it is no product
        token: then `*` binds as well, as nobody can tell which of the two was meant.
        """
        names = _names(agent)
        tokens = [token for token in self.lines if any(name.startswith(token) for name in names)]
        if not tokens:
            return ["*"] if "*" in self.lines else []
        bare = " " in agent.strip() and "/" not in agent
        return [max(tokens, key=len), *(["*"] if bare and "*" in self.lines else [])]


def readable(body: bytes) -> bool:
    """Say whether `body` is text at all: not compressed, not a picture served for every path."""
    head = as_utf8(body[:_HEAD_BYTES])
    return not head.startswith(b"\x1f\x8b") and len(head) - len(head.translate(None, _CONTROLS)) <= len(head) // 20


def as_utf8(body: bytes) -> bytes:
    """Return `body` without its byte order mark, and as UTF-8 where it plainly is UTF-16."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace").replace("\0", "").encode()
    head = body[:_HEAD_BYTES]
    for offset, codec in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[offset::2].count(0) > len(head) / 3 and 0 not in head[1 - offset :: 2]:
            return body.decode(codec, "replace").encode()
    for mark in (_BOM, _BOM[:2], _BOM[:1]):
        if body.startswith(mark):
            return body[len(mark) :]
    return body


def read(body: bytes) -> Groups:
    """Return the groups of a robots.txt; bytes that are no rules are passed over, so any input gives an answer."""
    groups: dict[str, list[tuple[str, str]]] = {}
    sitemaps: dict[str, None] = {}
    signals: list[tuple[str, str]] = []
    agents: list[str] = []
    closed = False
    for name, value in _directives(body):
        if name == "agent":
            agents, closed = ([] if closed else agents), False
            if token := _token(value):
                agents.append(token)
                groups.setdefault(token, [])
        elif name == "sitemap":
            sitemaps.update({value: None} if value else {})
        elif name in SIGNAL_FIELDS and not agents:
            signals.append((name, value))
        elif name != "host" and (name or value.startswith(("/", "*"))):
            closed = True
            for agent in dict.fromkeys(agents) if name else ():
                groups[agent].append((name, value))
    return Groups(groups, tuple(sitemaps), tuple(signals))


def escaped(path: str) -> str:
    """Return a path or pattern with all but printable ASCII percent-encoded; surrogates stand for undecodable bytes."""
    return quote(path.encode("utf-8", "surrogateescape"), safe=_PRINTABLE)


def _directives(body: bytes) -> Iterator[tuple[str, str]]:
    lines = _LINE_END.split(as_utf8(body[:MAX_BODY_BYTES]))
    if len(body) > MAX_BODY_BYTES:
        lines.pop()
    for line in lines:
        text = line[:MAX_LINE_BYTES].decode("utf-8", "surrogateescape").partition("#")[0].strip()
        name, value = _directive(text)
        yield name, escaped(value) if name in ("allow", "disallow") else " ".join(value.split())


def _directive(line: str) -> tuple[str, str]:
    """Return the field's own name, empty when unknown, and the value of one line without its comment."""
    key, colon, value = line.partition(":")
    name = key.strip().lower()
    if colon and (name in _FIELDS or not value or value[0].isspace()):
        return _FIELDS.get(name, ""), value.strip()
    words = line.split()
    for count in (1, 2):
        name = " ".join(words[:count]).lower()
        if name in _FIELDS:
            return _FIELDS[name], " ".join(words[count:])
    return "", value.strip()


def _token(value: str) -> str:
    """Return the product token of a user-agent line: its first word without version and wildcards, or `*`."""
    word = re.split(r"[\s/;,()]", value, maxsplit=1)[0].lower()
    return word.replace("*", "") or word[:1]


def _names(agent: str) -> list[str]:
    """Return the names in an agent string: its words without versions; addresses of web and mail are no names."""
    words = re.split(r"[\s;,()]+", agent.lower().replace("*", ""))
    return [word.partition("/")[0] for word in words if word and "://" not in word and "@" not in word]
