"""What a source on the web declares: its connector, the hosts it may touch, and its pace.

The connector's own options are checked by the connector. `hosts` is the whole allowlist: an exact host name, or
`*.name` for every host of a registrable domain. Not here: agent and store, which belong to the run file
(`WebRunConfig`), because they are the user's.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from pipelines.engine.settings import BYTES, SPEED, Settings

ConnectorName = Literal[
    "sitemap", "html_index", "dspace7", "mediawiki", "oai_pmh", "api_json", "spl", "fhir_ig", "git_tree", "urls"
]
_CONTACT = re.compile(r"(mailto:[^@\s]+@[^@\s]+\.[^@\s]+|https://[^\s]+\.[^\s]+)")
_SENDABLE = re.compile(r"[!-'*-~]+")
"""Printable ASCII but for parentheses, since the contact stands within them in the User-Agent header."""
_PLACEHOLDER = re.compile(r"[@/.]your[-.]")
"""The README's examples, copied."""
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}")


class WebConfig(Settings):
    """How one source is enumerated and fetched."""

    connector: Annotated[ConnectorName, BYTES]
    options: Annotated[dict[str, Any], BYTES] = Field(default_factory=dict)
    hosts: Annotated[tuple[str, ...], Field(min_length=1), BYTES]
    http: Annotated[bool, BYTES] = False
    """Plain http is allowed too."""
    delay_s: Annotated[float, Field(ge=1), SPEED] = 5
    """Least time between two requests to one host; a longer crawl-delay of the site wins."""
    max_items: Annotated[int | None, Field(ge=1), BYTES] = None
    """Stop after this many stored items; for trials."""
    render: Annotated[bool, BYTES] = False
    """Render pages in a browser before they are stored (extra `render`)."""

    @field_validator("hosts")
    @classmethod
    def _names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise ValueError(f"{host!r} is no host name; write it as iris.who.int or *.who.int")
        return hosts


class WebRunConfig(Settings):
    """Who fetches, and where the fetched bytes are kept."""

    contact: Annotated[str, SPEED]
    """A page or address where a site's operator can reach you, sent with every request."""
    store: Annotated[str, SPEED] = "crawl"

    @field_validator("contact")
    @classmethod
    def _reachable(cls, contact: str) -> str:
        if not _CONTACT.fullmatch(contact) or _PLACEHOLDER.search(contact):
            raise ValueError(f"{contact!r} reaches nobody; give an https:// page or a mailto: address")
        if not _SENDABLE.fullmatch(contact):
            raise ValueError(f"{contact!r} cannot be sent; write it in plain ASCII (xn--, %xx), without parentheses")
        return contact
