"""Sites with an API that lists documents in pages of JSON: JMESPath says where items, addresses and facts stand.

The next page is told by an address in the answer, by a cursor, or is counted by offset or page number until a page has
no items or the total is reached. Answers to GET only: nothing is ever sent but the address. Not here: keys and
signing in.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from pipelines.engine.settings import BYTES, Settings
from sources.connectors.address import WebAddress, absolute, encoded, with_query
from sources.connectors.answer import changed, json_of, kind_of
from sources.connectors.expression import Expression, checked, found, found_texts
from sources.connectors.facts import facts
from sources.connectors.follow import entries, index, onward, step_of
from sources.connectors.item_fields import known_fields
from sources.connectors.landing import STEP, LandingPages, documents, entry
from sources.connectors.pattern import Pattern, wanted
from sources.parse.part import Fault
from sources.web.link import Link

MAX_LINKS = 20_000
_HOLE = re.compile(r"\{([^{}]+)\}")


class ByAddress(Settings):
    """The answer holds the address of the next page."""

    by: Annotated[Literal["url"], BYTES]
    url: Annotated[Expression, BYTES]


class ByCursor(Settings):
    """The answer holds a token that is sent back."""

    by: Annotated[Literal["cursor"], BYTES]
    cursor: Annotated[Expression, BYTES]
    parameter: Annotated[str, Field(min_length=1), BYTES]


class ByCount(Settings):
    """Pages or items are counted; `total` finds how many pages (page) or items (offset) there are."""

    by: Annotated[Literal["page", "offset"], BYTES]
    parameter: Annotated[str, Field(min_length=1), BYTES]
    first: Annotated[int, Field(ge=0), BYTES] = 0
    """What the parameter is on the first page."""
    step: Annotated[int, Field(ge=1), BYTES] = 1
    """How much it grows: 1 for page numbers, items a page for offsets."""
    total: Annotated[Expression | None, BYTES] = None


def _template(template: str) -> str:
    for expression in _HOLE.findall(template):
        checked(expression)
    if not _HOLE.search(template):
        raise ValueError(f"{template!r} has no {{expression}} in it, so every item would be the same address")
    return template


class Options(LandingPages):
    """Where the list begins, and what stands where in its answers."""

    start: Annotated[tuple[WebAddress, ...], Field(min_length=1), BYTES]
    items: Annotated[Expression, BYTES]
    """Finds the list of items in an answer."""
    url: Annotated[Expression | None, BYTES] = None
    """Finds the address in an item."""
    url_template: Annotated[Annotated[str, AfterValidator(_template)] | None, BYTES] = None
    """Or the address with {expressions} on the item in it, each put in percent-encoded."""
    fields: Annotated[dict[str, Expression], AfterValidator(known_fields), BYTES] = Field(default_factory=dict)
    next: Annotated[Annotated[ByAddress | ByCursor | ByCount, Field(discriminator="by")] | None, BYTES] = None
    may_be_empty: Annotated[bool, BYTES] = False
    """A first page without items is no change of structure."""
    include: Annotated[tuple[Pattern, ...], BYTES] = ("*",)
    exclude: Annotated[tuple[Pattern, ...], BYTES] = ()
    max_pages: Annotated[int, Field(ge=1, le=100_000), BYTES] = 5_000

    @model_validator(mode="after")
    def _one_address(self) -> "Options":
        if (self.url is None) == (self.url_template is None):
            raise ValueError("give the items' address either as `url` (an expression) or as `url_template`")
        return self


def start(options: dict[str, Any]) -> list[Link]:
    """Return the first pages."""
    return [index(url, "list") for url in Options.model_validate(options).start]


def expand(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Link | Fault]:
    """Yield the items of one answer and the next page, or what a landing page leads to.

    Raises Unreadable: structure_changed, invalid_json, and those of `html_of` on landing pages.
    """
    chosen = Options.model_validate(options["connector"])
    step, number = step_of(options)
    if step == STEP:
        yield from documents(body, key, options, chosen)
        return
    answer = json_of(body)
    items = found(chosen.items, answer)
    if not isinstance(items, list):
        raise changed(f"a list at {chosen.items!r}", kind_of(items))
    if not items and number == 0 and not chosen.may_be_empty:
        raise changed(f"items at {chosen.items!r}", "an empty list on the first page")
    read = items[:MAX_LINKS]
    yield from entries((link for at, one in enumerate(read) for link in _item(one, key, chosen, at)), len(read))
    if len(items) > MAX_LINKS:
        yield Fault(reason="too_many_links", detail=f"{len(items)} in one answer; {MAX_LINKS} are read")
    yield from onward(_next(answer, key, chosen, (number, len(items))), key, options, chosen.max_pages)


def _item(one: Any, key: str, chosen: Options, position: int) -> Iterator[Link | Fault]:
    url = _address(one, key, chosen)
    if url is None:
        yield Fault(reason="bad_link", detail="the item has no web address", name=str(position))
    elif wanted(url, chosen.include, chosen.exclude):
        said = {name: found_texts(expression, one) for name, expression in chosen.fields.items()}
        together = {
            name: "\n".join(texts) if name == "rights" else next(iter(texts), "") for name, texts in said.items()
        }
        yield entry(url, facts(together), chosen)


def _address(one: Any, key: str, chosen: Options) -> str | None:
    if chosen.url is not None:
        return next((url for text in found_texts(chosen.url, one) if (url := absolute(text, key))), None)
    pieces = {hole: found_texts(hole, one) for hole in _HOLE.findall(chosen.url_template or "")}
    if not all(pieces.values()):
        return None
    return absolute(_HOLE.sub(lambda hole: encoded(pieces[hole[1]][0]), chosen.url_template or ""), key)


def _next(answer: Any, key: str, chosen: Options, seen: tuple[int, int]) -> str | None:
    """Return the next page, None at the end; `seen` is the number of this page and how many items it has."""
    number, size = seen
    if isinstance(chosen.next, ByAddress):
        return next((url for text in found_texts(chosen.next.url, answer) if (url := absolute(text, key))), None)
    if isinstance(chosen.next, ByCursor):
        tokens = found_texts(chosen.next.cursor, answer)
        return with_query(key, {chosen.next.parameter: tokens[0]}) if tokens else None
    if chosen.next is None or not size:
        return None
    following = chosen.next.first + (number + 1) * chosen.next.step
    totals = found_texts(chosen.next.total, answer) if chosen.next.total else []
    total = int(totals[0]) if totals and totals[0].isascii() and totals[0].isdigit() and len(totals[0]) < 12 else None
    done = number + 1 if chosen.next.by == "page" else following - chosen.next.first
    return None if total is not None and done >= total else with_query(key, {chosen.next.parameter: str(following)})
