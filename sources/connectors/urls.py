"""Documents named one by one: for sites whose terms or make allow no enumeration, and for a first trial.

The list is written by hand in the source file, each address with what is known of it. Nothing is expanded, so no page
is read for links. Not here: longer lists, which are better kept in a folder (`path`).
"""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from pipelines.engine.settings import BYTES, Settings
from sources.connectors.address import WebAddress
from sources.connectors.answer import changed
from sources.connectors.facts import facts
from sources.connectors.follow import item
from sources.connectors.item_fields import known_fields
from sources.parse.part import Fault
from sources.web.link import Link


def _readable(fields: dict[str, str]) -> dict[str, str]:
    if lost := sorted(known_fields(fields).keys() - facts(fields).keys()):
        raise ValueError(f"{lost[0]} {fields[lost[0]]!r} cannot be read as what it should be")
    return fields


class Document(Settings):
    """One address and what is known of it."""

    url: Annotated[WebAddress, BYTES]
    fields: Annotated[dict[str, str], AfterValidator(_readable), BYTES] = Field(default_factory=dict)
    """Such as title, published, language, rights, version."""


class Options(Settings):
    """The documents."""

    urls: Annotated[tuple[WebAddress, ...], BYTES] = ()
    """Addresses of which nothing more is known."""
    documents: Annotated[tuple[Document, ...], BYTES] = ()

    @model_validator(mode="after")
    def _each_once(self) -> "Options":
        every = [*self.urls, *(document.url for document in self.documents)]
        if not every:
            raise ValueError("name at least one address in `urls` or `documents`")
        if twice := [url for url in dict.fromkeys(every) if every.count(url) > 1]:
            raise ValueError(f"{twice[0]} stands in the list twice")
        return self


def start(options: dict[str, Any]) -> list[Link]:
    """Return the documents, as items."""
    chosen = Options.model_validate(options)
    plain = [item(url) for url in chosen.urls]
    return plain + [item(document.url, facts(document.fields)) for document in chosen.documents]


def expand(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Link | Fault]:
    """Raise Unreadable structure_changed: no page of this connector is an index."""
    raise changed("no index page", f"one of {len(body)} bytes")
