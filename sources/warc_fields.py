"""What our own crawls write beside a page in a WARC file, in a metadata record just before its response.

One table of names, so that writer (`sources.web.warc_write`) and reader (`sources.warc`) cannot drift apart. The
block is `application/warc-fields`: one `name: value` a line, our names behind a prefix that nobody else uses. A record
without the prefix is another crawler's and tells us nothing. Not here: what follows from a field (`sources.assemble`).
"""

from collections.abc import Iterable, Mapping

MEDIA_TYPE = "application/warc-fields"
PREFIX = "medmix-"
ROLE = "role"
"""What the page is for the source: `item` becomes documents; index, policy and others are kept as evidence only."""
ITEM = "item"
KEY = "key"
"""The redacted URL that the link was known by: the key of the document."""
ROUND = "round"
VERSION = "version"
"""The round in which the bytes of a known document changed; absent in the round that found it first."""
RENDERED = "rendered"
"""Says `yes` of a page that a browser made out of what was fetched; its raw form stands before it."""
RELEASE = "release"
"""Of an article from a frozen selection: the release that first held it in these bytes."""
RESERVED = "tdm-reserved"
EVIDENCE = "reservation"
LINK = "link-"
"""Before the names of what the listing said (`sources.web.link.FIELDS`)."""


def to_block(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Return the block of a metadata record; values are put on one line."""
    lines = (f"{PREFIX}{name}: {' '.join(value.split())}\r\n" for name, value in pairs if value.strip())
    return "".join(lines).encode("utf-8", "backslashreplace")


def from_block(block: bytes) -> Mapping[str, str]:
    """Return our fields in a block, the values of a name that comes again joined by `; `; none for other crawlers."""
    fields: dict[str, str] = {}
    for line in block.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon and name.startswith(PREFIX):
            own = name.removeprefix(PREFIX)
            fields[own] = f"{fields[own]}; {value.strip()}" if own in fields else value.strip()
    return fields


def named(fields: Mapping[str, str], key: str, listed: Mapping[str, str] | None) -> dict[str, str]:
    """Return our fields of a page under another link: its key, and what the listing said there (None: as it was)."""
    if listed is None:
        return {**fields, KEY: key}
    others = {name: value for name, value in fields.items() if not name.startswith(LINK)}
    told = from_block(to_block((f"{LINK}{name}", value) for name, value in listed.items()))
    return {**others, KEY: key, **told}
