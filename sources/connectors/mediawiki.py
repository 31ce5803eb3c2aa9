"""Wikis that let crawlers use the Action API of MediaWiki (WikiDoc): pages it lists, each at a fixed revision.

The site says its licence and language first (`meta=siteinfo`); then generators list all pages or the members of
categories with their last revision, followed by whatever `continue` holds (API:Continue). A page is fetched by its
revision, so that text, version and date belong together. Redirects are left out unless asked for; sub-categories are
followed to a depth. Not here: reading wikitext (`sources.parse`).
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pipelines.engine.settings import BYTES, Settings
from sources.connectors.address import WebAddress, absolute, query_of, with_query
from sources.connectors.answer import at, changed, json_of, kind_of, text_at, whole_at
from sources.connectors.facts import facts
from sources.connectors.follow import carried, index, item, onward, step_of
from sources.connectors.pattern import Pattern, wanted
from sources.parse.part import Fault
from sources.web.link import Link

PAGE_SIZE = 50
"""Pages a request; the most that a visitor who is not signed in may ask contents of."""
_CATEGORY = 14
_COMMON = {"format": "json", "formatversion": "2"}
_LISTING = {"action": "query", **_COMMON, "prop": "info|revisions", "inprop": "url", "rvprop": "ids|timestamp"}


class Options(Settings):
    """Which pages of which wiki, and in which form."""

    api: Annotated[WebAddress, BYTES]
    """The address of api.php."""
    script: Annotated[WebAddress | None, BYTES] = None
    """The address of index.php; beside api.php when not given."""
    all_pages: Annotated[bool, BYTES] = False
    prefix: Annotated[str, BYTES] = ""
    """With `all_pages`: only titles that begin so."""
    categories: Annotated[tuple[str, ...], BYTES] = ()
    """Names without `Category:`."""
    depth: Annotated[int, Field(ge=0, le=10), BYTES] = 0
    """How many levels of sub-categories are followed."""
    namespaces: Annotated[tuple[int, ...], Field(min_length=1), BYTES] = (0,)
    redirects: Annotated[Literal["skip", "keep"], BYTES] = "skip"
    include: Annotated[tuple[Pattern, ...], BYTES] = ("*",)
    """Patterns of titles."""
    exclude: Annotated[tuple[Pattern, ...], BYTES] = ()
    content: Annotated[Literal["html", "wikitext", "parse", "revisions", "page"], BYTES] = "html"
    """`html` and `wikitext` by index.php; `parse` (HTML in JSON) and `revisions` (wikitext of many in JSON) by api.php;
    `page` is the page as people see it, always its newest revision."""
    max_pages: Annotated[int, Field(ge=1, le=1_000_000), BYTES] = 20_000
    """Requests for one list."""

    @model_validator(mode="after")
    def _something(self) -> "Options":
        if not self.all_pages and not self.categories:
            raise ValueError("say which pages: `all_pages: true`, or names in `categories`")
        if self.prefix and not self.all_pages:
            raise ValueError("`prefix` belongs to `all_pages`")
        return self


def start(options: dict[str, Any]) -> list[Link]:
    """Return the request for what the wiki says of itself."""
    chosen = Options.model_validate(options)
    query = {"action": "query", "meta": "siteinfo", "siprop": "general|rightsinfo", **_COMMON}
    return [index(with_query(chosen.api, query), "site")]


def expand(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Link | Fault]:
    """Yield the lists that the wiki is asked for, or the pages on one of them and how it goes on.

    Raises Unreadable: structure_changed (also for an error of the API), invalid_json.
    """
    chosen = Options.model_validate(options["connector"])
    answer = json_of(body)
    if at(answer, "error") is not None:
        raise changed("an answer to the query", f"the error {text_at(answer, 'error', 'code')[:40]!r}")
    step, _ = step_of(options)
    if step == "site":
        yield from _lists(answer, key, chosen)
    else:
        yield from _pages(answer, key, chosen, options)


def _lists(answer: Any, key: str, chosen: Options) -> Iterator[Link]:
    said = at(answer, "query", "general")
    if not isinstance(said, dict):
        raise changed("query.general of the site", kind_of(said))
    rights = at(answer, "query", "rightsinfo") or at(said, "rightsinfo")
    licence = absolute(text_at(rights, "url"), key) or ""
    fields = facts({"rights": f"{licence}\n{text_at(rights, 'text')}", "language": text_at(said, "lang")})
    if chosen.all_pages:
        kept = "nonredirects" if chosen.redirects == "skip" else "all"
        query = {"generator": "allpages", "gapfilterredir": kept, "gaplimit": str(PAGE_SIZE)}
        query |= {"gapprefix": chosen.prefix} if chosen.prefix else {}
        for namespace in chosen.namespaces:
            yield index(
                with_query(chosen.api, {**_LISTING, **query, "gapnamespace": str(namespace)}), "pages", 0, fields
            )
    for name in chosen.categories:
        yield _category(f"Category:{name}", 0, chosen, fields)


def _category(title: str, level: int, chosen: Options, fields: Mapping[str, str]) -> Link:
    kinds = "page|subcat" if level < chosen.depth or _CATEGORY in chosen.namespaces else "page"
    query = {"generator": "categorymembers", "gcmtitle": title, "gcmtype": kinds, "gcmlimit": str(PAGE_SIZE)}
    return index(with_query(chosen.api, {**_LISTING, **query}), f"category/{level}", 0, fields)


def _pages(answer: Any, key: str, chosen: Options, options: dict[str, Any]) -> Iterator[Link | Fault]:
    pages = _listed_pages(answer)
    step, _ = step_of(options)
    level = step.partition("/")[2]
    revisions: list[str] = []
    for position, page in enumerate(pages):
        if _says(page, "missing") or _says(page, "invalid"):
            yield Fault(reason="missing_page", detail="listed, but not there", name=str(position))
            continue
        if whole_at(page, "ns") == _CATEGORY and level.isdigit() and int(level) < chosen.depth:
            yield _category(text_at(page, "title"), int(level) + 1, chosen, carried(options))
        if _is_wanted(page, chosen):
            revisions.append(text_at(at(page, "revisions")[0], "revid"))
            if chosen.content != "revisions":
                yield _page(page, key, chosen, carried(options))
    if revisions and chosen.content == "revisions":
        query = {"action": "query", **_COMMON, "prop": "info|revisions", "inprop": "url", "revids": "|".join(revisions)}
        query |= {"rvprop": "ids|timestamp|content", "rvslots": "main"}
        yield item(with_query(chosen.api, query), carried(options))
    yield from onward(_continued(answer, key), key, options, chosen.max_pages)


def _listed_pages(answer: Any) -> list[Any]:
    """Return the pages of an answer, by id in old wikis (before formatversion 2); an empty list has no `query`."""
    pages = at(answer, "query", "pages")
    if isinstance(pages, dict):
        return list(pages.values())
    if pages is None and (_says(answer, "batchcomplete") or _says(answer, "continue")):
        return []
    if not isinstance(pages, list):
        raise changed("pages at query.pages", kind_of(pages))
    return pages


def _says(value: Any, name: str) -> bool:
    """Say whether a flag is set: true, or there at all in old wikis."""
    return isinstance(value, dict) and value.get(name, False) is not False


def _is_wanted(page: Any, chosen: Options) -> bool:
    """Say whether a page is asked for and complete: a list goes on in parts, and the revision may come later."""
    revisions = at(page, "revisions")
    is_redirect = _says(page, "redirect") and chosen.redirects == "skip"
    if is_redirect or not isinstance(revisions, list) or not revisions or whole_at(revisions[0], "revid") is None:
        return False
    in_space = any(text_at(page, "ns") == str(namespace) for namespace in chosen.namespaces)
    return in_space and wanted(text_at(page, "title"), chosen.include, chosen.exclude)


def _page(page: Any, key: str, chosen: Options, fields: Mapping[str, str]) -> Link | Fault:
    revision = at(page, "revisions")[0]
    number, title = text_at(revision, "revid"), text_at(page, "title")
    said = facts({"title": title, "key": title, "version": number, "published": text_at(revision, "timestamp")})
    language = facts({"language": text_at(page, "pagelanguage")})
    script = chosen.script or absolute("index.php", chosen.api) or chosen.api
    if chosen.content == "parse":
        query = {"action": "parse", "oldid": number, "prop": "text|revid|displaytitle", **_COMMON}
        return item(with_query(chosen.api, query), {**fields, **language, **said})
    if chosen.content == "page":
        url = absolute(text_at(page, "fullurl"), key)
        newest = {name: value for name, value in said.items() if name in ("title", "key")}
        if url is None:
            return Fault(reason="bad_link", detail="the page has no address", name=number)
        return item(url, {**fields, **language, **newest})
    action = "render" if chosen.content == "html" else "raw"
    return item(with_query(script, {"oldid": number, "action": action}), {**fields, **language, **said})


def _continued(answer: Any, key: str) -> str | None:
    """Return the request that goes on: the same one, with all that `continue` holds in place of what it held before."""
    tokens = at(answer, "continue")
    if not isinstance(tokens, dict) or not tokens:
        return None
    kept = {name: value for name, value in query_of(key).items() if not name.endswith("continue")}
    plain = key.partition("?")[0]
    return with_query(plain, {**kept, **{name: text_at(tokens, name) for name in sorted(tokens)}})
