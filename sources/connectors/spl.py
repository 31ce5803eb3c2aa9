"""DailyMed: drug labels (Structured Product Labeling), listed by the services of the US National Library of Medicine.

Follows its RESTful API version 2 (`/spls`, at most 100 labels a page; `/spls/{SETID}.xml`): the list gives set id,
version, title and date, the label itself is XML. The next page is counted, not taken from `next_page_url`, which older
answers give as the text "null" and newer ones leave out. Not here: label text (`sources.parse`).
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from pipelines.engine.settings import BYTES, Settings
from sources.connectors.address import WebAddress, with_query
from sources.connectors.answer import changed, json_of, listed, text_at, whole_at
from sources.connectors.facts import facts
from sources.connectors.follow import entries, index, item, onward, step_of
from sources.parse.part import Fault
from sources.web.link import Link

PAGE_SIZE = 100
"""The most that the service gives at once."""
_SET_ID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class Options(Settings):
    """Which labels are wanted."""

    api: Annotated[WebAddress, BYTES] = "https://dailymed.nlm.nih.gov/dailymed/services/v2"
    filters: Annotated[dict[str, str], BYTES] = Field(default_factory=dict)
    """Query parameters of `/spls`, such as doctype, drug_name, labeler, boxed_warning."""
    max_pages: Annotated[int, Field(ge=1, le=100_000), BYTES] = 5_000


def start(options: dict[str, Any]) -> list[Link]:
    """Return the first page of the list."""
    chosen = Options.model_validate(options)
    query = {**chosen.filters, "pagesize": str(PAGE_SIZE), "page": "1"}
    return [index(with_query(f"{chosen.api.rstrip('/')}/spls.json", query), "list")]


def expand(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Link | Fault]:
    """Yield the labels on one page of the list, and the next page.

    Raises Unreadable: structure_changed, invalid_json.
    """
    chosen = Options.model_validate(options["connector"])
    answer = json_of(body)
    labels = listed(answer, "data")
    page, pages = whole_at(answer, "metadata", "current_page"), whole_at(answer, "metadata", "total_pages")
    _, number = step_of(options)
    if page != number + 1 or pages is None:
        raise changed(f"page {number + 1} of a list with its number of pages", f"page {page} of {pages}")
    yield from entries((_label(label, chosen, position) for position, label in enumerate(labels)), len(labels))
    if page < pages:
        yield from onward(with_query(key, {"page": str(page + 1)}), key, options, chosen.max_pages)


def _label(label: Any, chosen: Options, position: int) -> Link | Fault:
    set_id = text_at(label, "setid")
    if not _SET_ID.fullmatch(set_id):
        return Fault(reason="bad_link", detail="the label has no set id", name=str(position))
    said = {"title": "title", "version": "spl_version", "published": "published_date"}
    found = {field: text_at(label, name) for field, name in said.items()}
    fields = facts({**found, "key": set_id.lower(), "media_type": "application/xml", "kind": "label"})
    return item(f"{chosen.api.rstrip('/')}/spls/{set_id.lower()}.xml", fields)
