"""Repositories that run DSpace 7 or later (WHO IRIS, PAHO IRIS): items found by search, and the files that hold them.

Follows the DSpace REST contract: `discover/search/objects` in pages of HAL objects, whose items are asked for with
their bundles, bitstreams and formats embedded (`embed=bundles/bitstreams/format`). What a server does not embed, or
embeds only in part, is fetched by its own address. Dublin Core metadata become fields. Not here: signing in.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from pipelines.engine.settings import BYTES, Settings
from sources.connectors.address import WebAddress, encoded, with_query
from sources.connectors.answer import at, changed, json_of, listed, text_at, whole_at
from sources.connectors.dspace7_files import Choice, chosen_files
from sources.connectors.dspace7_metadata import item_fields, languages_of, speaks
from sources.connectors.facts import facts
from sources.connectors.follow import carried, index, item, onward, step_of
from sources.parse.part import Fault
from sources.web.link import Link

PAGE_SIZE = 50
"""Items a page; with files embedded, larger pages take servers too long."""
_EMBED = "bundles/bitstreams/format"


def _filters(filters: dict[str, str]) -> dict[str, str]:
    for name, value in filters.items():
        if not value.rpartition(",")[0]:
            raise ValueError(f"filter {name}: {value!r} must be written value,operator as in English,equals")
    return filters


class Options(Settings):
    """Which items of which repository, and which of their files."""

    api: Annotated[WebAddress, BYTES]
    """The root of the API, such as https://iris.example.org/server/api."""
    scope: Annotated[str, BYTES] = ""
    """UUID of a community or collection."""
    query: Annotated[str, BYTES] = ""
    configuration: Annotated[str, BYTES] = ""
    """Name of a discovery configuration of the repository."""
    filters: Annotated[dict[str, str], AfterValidator(_filters), BYTES] = Field(default_factory=dict)
    """Search filters: name to `value,operator`, such as language: en,equals."""
    sort: Annotated[str, Field(pattern=r"^[a-z.]+,(ASC|DESC)$"), BYTES] = "dc.date.accessioned,ASC"
    """An order that new items do not shift, so that no page skips one."""
    languages: Annotated[tuple[str, ...], BYTES] = ()
    """Keep items in any of these (BCP 47) and items that state none; of their files, none in another."""
    bundles: Annotated[tuple[str, ...], Field(min_length=1), BYTES] = ("ORIGINAL",)
    formats: Annotated[tuple[str, ...], Field(min_length=1), BYTES] = ("application/pdf", "text/html", "text/plain")
    """Media types in order of preference; the files of the first that an item has are taken."""
    max_pages: Annotated[int, Field(ge=1, le=100_000), BYTES] = 5_000

    def choice(self) -> Choice:
        """Return which files of an item are wanted."""
        return Choice(self.formats, self.languages)


def start(options: dict[str, Any]) -> list[Link]:
    """Return the first page of the search."""
    chosen = Options.model_validate(options)
    said = {"query": chosen.query, "scope": chosen.scope, "configuration": chosen.configuration}
    query = {name: value for name, value in said.items() if value}
    query |= {f"f.{name.removeprefix('f.')}": value for name, value in sorted(chosen.filters.items())}
    query |= {"dsoType": "item", "sort": chosen.sort, "embed": _EMBED, "size": str(PAGE_SIZE), "page": "0"}
    return [index(with_query(f"{_root(chosen)}/discover/search/objects", query), "search")]


def expand(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Link | Fault]:
    """Yield the files of the items on a page of the search, or of one item, and what must be fetched to find them.

    Raises Unreadable: structure_changed, invalid_json.
    """
    chosen = Options.model_validate(options["connector"])
    answer = json_of(body)
    step, _ = step_of(options)
    if step == "bundles":
        bundles = listed(answer, "_embedded", "bundles")
        yield from _bundles(bundles, chosen, carried(options))
        yield from _later(answer, key, options, chosen)
    elif step == "bitstreams":
        yield from _files(listed(answer, "_embedded", "bitstreams"), chosen, carried(options))
        yield from _later(answer, key, options, chosen)
    else:
        yield from _search(answer, key, chosen, options)


def _search(answer: Any, key: str, chosen: Options, options: dict[str, Any]) -> Iterator[Link | Fault]:
    result = at(answer, "_embedded", "searchResult")
    _, number = step_of(options)
    if whole_at(result, "page", "number") != number:
        raise changed(f"page {number} of search results", f"page {whole_at(result, 'page', 'number')}")
    if whole_at(result, "page", "totalElements") == 0:
        return
    for position, found in enumerate(listed(result, "_embedded", "objects")):
        yield from _item(at(found, "_embedded", "indexableObject"), chosen, position)
    yield from _later(result, key, options, chosen)


def _later(answer: Any, key: str, options: dict[str, Any], chosen: Options) -> Iterator[Link | Fault]:
    """Yield the next page of a list in pages, by its own count."""
    page, pages = whole_at(answer, "page", "number"), whole_at(answer, "page", "totalPages")
    if page is not None and pages is not None and page + 1 < pages:
        yield from onward(with_query(key, {"page": str(page + 1)}), key, options, chosen.max_pages)


def _item(found: Any, chosen: Options, position: int) -> Iterator[Link | Fault]:
    uuid = text_at(found, "uuid")
    if not uuid:
        yield Fault(reason="bad_link", detail="the item has no uuid", name=str(position))
        return
    languages = languages_of(found)
    if at(found, "withdrawn") is True or not speaks(languages, chosen.languages):
        return
    fields = item_fields(found)
    bundles = _embedded(found, "bundles")
    if bundles is not None:
        yield from _bundles(bundles, chosen, fields)
    else:
        query = {"embed": "bitstreams/format", "size": "100"}
        yield index(with_query(f"{_root(chosen)}/core/items/{encoded(uuid)}/bundles", query), "bundles", 0, fields)


def _bundles(bundles: list[Any], chosen: Options, fields: dict[str, str]) -> Iterator[Link | Fault]:
    """Yield the files in the bundles asked for, or the lists of them that the answer does not hold whole."""
    files: list[Any] = []
    apart: list[Link] = []
    for bundle in bundles:
        if text_at(bundle, "name") not in chosen.bundles:
            continue
        held = _embedded(bundle, "bitstreams")
        if held is not None:
            files += held
        elif uuid := text_at(bundle, "uuid"):
            url = with_query(
                f"{_root(chosen)}/core/bundles/{encoded(uuid)}/bitstreams", {"embed": "format", "size": "100"}
            )
            apart.append(index(url, "bitstreams", 0, fields))
    yield from apart
    if files or not apart:
        yield from _files(files, chosen, fields)


def _embedded(parent: Any, name: str) -> list[Any] | None:
    """Return a list that is embedded whole, None when it is not there or goes on elsewhere."""
    held = at(parent, "_embedded", name, "_embedded", name)
    total = whole_at(parent, "_embedded", name, "page", "totalElements")
    return held if isinstance(held, list) and (total is None or total <= len(held)) else None


def _files(files: list[Any], chosen: Options, fields: dict[str, str]) -> Iterator[Link | Fault]:
    wanted = chosen_files(files, chosen.choice())
    if not wanted:
        yield Fault(
            reason="no_document", detail=f"none of {len(files)} files is asked for", name=fields.get("key") or "item"
        )
    for file in wanted:
        said = {"media_type": file.media_type, "language": file.language}
        if len(wanted) > 1:  # parts and translations of one item are not versions of each other
            said["key"] = f"{fields.get('key', '')}#{file.name}"
        yield item(f"{_root(chosen)}/core/bitstreams/{encoded(file.uuid)}/content", {**fields, **facts(said)})


def _root(chosen: Options) -> str:
    return chosen.api.rstrip("/")
