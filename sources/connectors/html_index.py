"""Sites that list their documents on HTML pages: indexes of topics or letters, lists over many pages, landing pages.

A source says by selectors (CSS or XPath, see `selector`) where links to further indexes, items, their fields and the
next page stand. `start` pages are level 0; `index` leads one level down for each selector, and lists of items are the
last level. A selector that must match and gives nothing is a change of structure. Not here: JavaScript.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from lxml.html import HtmlElement
from pydantic import AfterValidator, Field, model_validator

from pipelines.engine.settings import BYTES
from sources.connectors.address import WebAddress, absolute, with_query
from sources.connectors.answer import Page, changed, html_of
from sources.connectors.follow import entries, index, onward, step_of
from sources.connectors.item_fields import Fields, fields_at
from sources.connectors.landing import STEP, LandingPages, documents, entry
from sources.connectors.pattern import Pattern, wanted
from sources.connectors.selector import Selector, elements, link_of, select
from sources.parse.part import Fault
from sources.web.link import Link

MAX_LINKS = 20_000
_LETTER = "{letter}"
_PAGE = "{page}"


def _with_page(template: str) -> str:
    if template.count(_PAGE) != 1:
        raise ValueError(f"{template!r} must hold {_PAGE} once, as in ?page={_PAGE}")
    if template.startswith("?") and not re.fullmatch(r"\?[^=&#{}]+=\{page\}", template):
        raise ValueError(
            f"{template!r}: one parameter, written ?name={_PAGE}; the others are kept from the list's address"
        )
    return template


class Options(LandingPages):
    """Where the lists begin, and where on a page each thing stands."""

    start: Annotated[tuple[WebAddress, ...], Field(min_length=1), BYTES]
    """First pages; `{letter}` stands for each of `letters`."""
    letters: Annotated[str, BYTES] = ""
    index: Annotated[tuple[Selector, ...], BYTES] = ()
    """Links to further indexes, one selector a level."""
    items: Annotated[Selector, BYTES]
    """The node of each item: a row, a card, or the link itself."""
    link: Annotated[Selector | None, BYTES] = None
    """The item's address, from its node; its own or first link when not given."""
    fields: Annotated[Fields, BYTES] = Field(default_factory=dict)
    """Facts of an item, from its node."""
    container: Annotated[Selector | None, BYTES] = None
    """What every list has, also an empty one; without it, a list must have items."""
    next: Annotated[Selector | None, BYTES] = None
    """The link to the next page of a list."""
    page_url: Annotated[Annotated[str, AfterValidator(_with_page)] | None, BYTES] = None
    """Next page by number instead: `?page={page}`, or a path with {page}; the first page without items ends it."""
    first_page: Annotated[int, Field(ge=0), BYTES] = 1
    """The number that the first page of a list bears."""
    page_step: Annotated[int, Field(ge=1), BYTES] = 1
    max_pages: Annotated[int, Field(ge=1, le=100_000), BYTES] = 500
    """Pages of one list."""
    include: Annotated[tuple[Pattern, ...], BYTES] = ("*",)
    exclude: Annotated[tuple[Pattern, ...], BYTES] = ()

    @model_validator(mode="after")
    def _consistent(self) -> "Options":
        if self.next and self.page_url:
            raise ValueError("`next` and `page_url` are two ways to the next page; choose one")
        lettered = any(_LETTER in url.replace("%7B", "{").replace("%7D", "}") for url in self.start)
        if bool(self.letters) != lettered:
            raise ValueError("`letters` and {letter} in `start` belong together")
        return self


def start(options: dict[str, Any]) -> list[Link]:
    """Return the links that the crawl begins with."""
    chosen = Options.model_validate(options)
    links: list[Link] = []
    for url in chosen.start:
        plain = url.replace("%7B", "{").replace("%7D", "}")
        letters = chosen.letters if _LETTER in plain else "-"
        links += [index(absolute(plain.replace(_LETTER, letter), url) or url, _step(chosen, 0)) for letter in letters]
    return links


def expand(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Link | Fault]:
    """Yield the links of an index, a list or a landing page.

    Raises Unreadable: structure_changed, and those of `decode` and `parse_tree`.
    """
    chosen = Options.model_validate(options["connector"])
    step, _ = step_of(options)
    if step == STEP:
        yield from documents(body, key, options, chosen)
    elif step.startswith("level"):
        yield from _indexes(html_of(body, key, options), key, chosen, int(step.removeprefix("level")))
    else:
        yield from _list(html_of(body, key, options), key, chosen, options)


def _step(chosen: Options, level: int) -> str:
    return f"level{level}" if level < len(chosen.index) else "list"


def _indexes(page: Page, key: str, chosen: Options, level: int) -> Iterator[Link | Fault]:
    selector = chosen.index[level]
    found = dict.fromkeys(page.address(link_of(node)) for node in select(page.tree, selector))
    urls = [url for url in found if url and url != key]
    if not urls:
        raise changed(f"links at {selector!r} (index {level})", f"none in {len(found)} nodes")
    yield from (index(url, _step(chosen, level + 1)) for url in urls[:MAX_LINKS])
    yield from _rest(len(urls))


def _list(page: Page, key: str, chosen: Options, options: dict[str, Any]) -> Iterator[Link | Fault]:
    nodes = _items(page, chosen)
    _, number = step_of(options)
    is_end = chosen.page_url and number > 0 and not nodes
    if not nodes and not chosen.container and not is_end:
        raise changed(f"items at {chosen.items!r}", f"none on page {number + 1} of the list")
    yield from entries(_entries(nodes[:MAX_LINKS], page, key, chosen), len(nodes[:MAX_LINKS]))
    yield from _rest(len(nodes))
    if nodes or chosen.next:
        yield from onward(_next(page, key, chosen, number), key, options, chosen.max_pages)


def _entries(nodes: list[HtmlElement | str], page: Page, key: str, chosen: Options) -> Iterator[Link | Fault]:
    seen: set[str] = set()
    for position, node in enumerate(nodes):
        url = page.address(_href(node, chosen))
        if url is None:
            yield Fault(reason="bad_link", detail="the item has no web address", name=str(position))
        elif url not in seen and url != key and wanted(url, chosen.include, chosen.exclude):
            seen.add(url)
            yield entry(url, fields_at(node, chosen.fields, page), chosen)


def _items(page: Page, chosen: Options) -> list[HtmlElement | str]:
    if chosen.container is None:
        return select(page.tree, chosen.items)
    containers = elements(page.tree, chosen.container)
    if not containers:
        raise changed(f"a list at {chosen.container!r}", "none")
    return [node for container in containers for node in select(container, chosen.items)]


def _href(node: HtmlElement | str, chosen: Options) -> str:
    if chosen.link is None or isinstance(node, str):
        return link_of(node)
    return next((href for found in select(node, chosen.link) if (href := link_of(found))), "")


def _next(page: Page, key: str, chosen: Options, number: int) -> str | None:
    if chosen.page_url:
        upcoming = str(chosen.first_page + (number + 1) * chosen.page_step)
        if chosen.page_url.startswith("?"):
            return with_query(key, {chosen.page_url[1:].partition("=")[0]: upcoming})
        return absolute(chosen.page_url.replace(_PAGE, upcoming), key)
    if not chosen.next:
        return None
    return next((url for node in select(page.tree, chosen.next) if (url := page.address(link_of(node)))), None)


def _rest(found: int) -> Iterator[Fault]:
    if found > MAX_LINKS:
        yield Fault(reason="too_many_links", detail=f"{found} on one page; {MAX_LINKS} are read")
