"""Items that are landing pages: the list leads to a page about a document, and that page to the document itself.

Many repositories list pages, not files. With `document`, a connector's items are read once more and the documents are
what the selector finds there (`meta[name=citation_pdf_url]` on most of them); what the list said goes along. A landing
page without a document is told as a Fault. Not here: which pages are listed.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from pipelines.engine.settings import BYTES, Settings
from sources.connectors.answer import html_of
from sources.connectors.follow import carried, index, item
from sources.connectors.item_fields import Fields, fields_at
from sources.connectors.selector import Selector, link_of, select
from sources.parse.part import Fault
from sources.web.link import Link

STEP = "landing"
MAX_DOCUMENTS = 1_000


class LandingPages(Settings):
    """Options of a connector whose items may be landing pages."""

    document: Annotated[Selector | None, BYTES] = None
    """Items are landing pages; this is the link to the document on them."""
    document_fields: Annotated[Fields, BYTES] = Field(default_factory=dict)
    """Facts on the landing page."""

    @model_validator(mode="after")
    def _together(self) -> "LandingPages":
        if self.document_fields and not self.document:
            raise ValueError("`document_fields` are read on landing pages; say where the document is in `document`")
        return self


def entry(url: str, fields: Mapping[str, str], chosen: LandingPages) -> Link:
    """Return the link of a listed item: the document, or the landing page that leads to it."""
    return index(url, STEP, 0, fields) if chosen.document else item(url, fields)


def documents(body: bytes, key: str, options: dict[str, Any], chosen: LandingPages) -> Iterator[Link | Fault]:
    """Yield the documents that a landing page leads to. Raises Unreadable as `html_of` does."""
    page = html_of(body, key, options)
    found = select(page.tree, chosen.document) if chosen.document else []
    urls = [url for url in dict.fromkeys(page.address(link_of(node)) for node in found) if url and url != key]
    fields = {**carried(options), **fields_at(page.tree, chosen.document_fields, page)}
    if not urls:
        yield Fault(reason="no_document", detail=f"nothing at {chosen.document!r} on the landing page")
    yield from (item(url, fields) for url in urls[:MAX_DOCUMENTS])
    if len(urls) > MAX_DOCUMENTS:
        yield Fault(reason="too_many_links", detail=f"{len(urls)} on a landing page; {MAX_DOCUMENTS} are read")
