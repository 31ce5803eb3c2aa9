"""A link that a crawl may follow: the one word that connectors, the crawl and its store share.

A connector finds links in a page; those with the role `index` are pages that list more, those with the role `item`
are what the source is made of and become documents. What a listing says of an item (title, licence, date) travels in
`fields` and is kept with the stored bytes. Not here: whether a link may be followed (`sources.web.visit`).
"""

from dataclasses import dataclass, field
from typing import Literal

FIELDS = frozenset(
    {"title", "published", "language", "rights", "version", "key", "publisher", "media_type", "doi", "isbn", "kind"}
)
"""What a listing may say of an item. `rights` is an SPDX expression or a statement or URL as found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An absolute URL with its role; `step` tells the connector which of its steps reads the answer."""

    url: str
    role: Literal["index", "item"]
    step: str = ""
    fields: dict[str, str] = field(default_factory=dict)
