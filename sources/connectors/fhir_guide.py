"""What an implementation guide is made of: the ImplementationGuide resource, alone or in an NPM package.

Follows FHIR R4 and R5 (`definition.resource`, `definition.page`, `license`) and the FHIR package specification: a
gzipped tar whose resources lie in `package/`. Only that one resource is taken from the package, by a walk with limits;
nothing is written anywhere. Not here: addresses and options (`fhir_ig`).
"""

import re
from io import BytesIO
from typing import Any, NamedTuple

from sources.archive_item import Item, Limits
from sources.archive_stream import Stream
from sources.archive_tar import read_tar
from sources.connectors.answer import at, changed, json_of, text_at
from sources.parse.part import Fault, Unreadable

_LIMITS = Limits(max_item_bytes=32 << 20, max_members=50_000)
_GUIDE = re.compile(r"(\./)?package/ImplementationGuide-[A-Za-z0-9.-]{1,64}\.json")
_RESOURCE_PAGE = re.compile(r"(?P<type>[A-Z][A-Za-z]+)-(?P<id>[A-Za-z0-9.-]{1,64})\.html")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_PAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.html")
_FURNITURE = re.compile(
    r"(toc|artifacts|qa([.-][\w-]+)*|history|searchform|license|dependencies|downloads|maps|indices|changes)\.html"
)
_MAX_PAGES = 2_000


class Artifact(NamedTuple):
    """A resource of a guide."""

    type: str
    id: str
    title: str
    is_example: bool


class Guide(NamedTuple):
    """Facts of a guide, its resources, and its pages as (file name, title)."""

    fields: dict[str, str]
    artifacts: list[Artifact]
    pages: list[tuple[str, str]]


def guide_in(package: bytes) -> Guide:
    """Return the guide of a package. Raises Unreadable: structure_changed, invalid_json, decompression_bomb."""
    stream = Stream(BytesIO(package), _LIMITS)
    for found in read_tar(stream, _LIMITS):
        if isinstance(found, Item) and _GUIDE.fullmatch(found.key):
            return guide_of(json_of(found.body))
        if isinstance(found, Fault) and found.reason == "decompression_bomb":
            raise Unreadable("decompression_bomb", found.detail)
    raise changed("an ImplementationGuide in the package", f"none in {stream.offset} bytes")


def guide_of(resource: Any) -> Guide:
    """Return the guide that an ImplementationGuide resource describes. Raises Unreadable: structure_changed."""
    if text_at(resource, "resourceType") != "ImplementationGuide":
        raise changed("an ImplementationGuide", f"a {text_at(resource, 'resourceType')[:40] or 'nameless'} resource")
    entries = at(resource, "definition", "resource")
    fields = {
        "version": text_at(resource, "version"),
        "rights": text_at(resource, "license") or text_at(resource, "copyright"),
        "published": text_at(resource, "date"),
        "publisher": text_at(resource, "publisher"),
        "language": text_at(resource, "language"),
    }
    artifacts = [artifact for entry in entries or [] if (artifact := _artifact(entry))] if _is_list(entries) else []
    pages = _pages(at(resource, "definition", "page"))
    if not artifacts and not pages:
        raise changed("resources or pages in the guide's definition", "none")
    return Guide(fields, artifacts, pages)


def resource_in(name: str, title: str) -> Artifact | None:
    """Return the resource whose page has the file name `name`, None when it is no such page."""
    match = _RESOURCE_PAGE.fullmatch(name)
    return Artifact(match["type"], match["id"], title, False) if match else None


def is_furniture(name: str) -> bool:
    """Say whether a page of a guide is about the guide itself: contents, history, downloads."""
    return bool(_FURNITURE.fullmatch(name))


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _artifact(entry: Any) -> Artifact | None:
    kind, _, name = text_at(entry, "reference", "reference").partition("/")
    if not (kind.isalpha() and kind.isascii() and _ID.fullmatch(name)):
        return None
    is_example = bool(at(entry, "exampleBoolean") or at(entry, "exampleCanonical") or at(entry, "isExample"))
    return Artifact(kind, name, text_at(entry, "name"), is_example)


def _pages(root: Any) -> list[tuple[str, str]]:
    """Return the pages of the tree under `root`, without furniture, in reading order."""
    found: dict[str, str] = {}
    left = [root]
    while left and len(found) < _MAX_PAGES:
        page = left.pop()
        name = text_at(page, "nameUrl") or text_at(page, "sourceUrl") or text_at(page, "name")
        if _PAGE.fullmatch(name) and not is_furniture(name) and resource_in(name, "") is None:
            found.setdefault(name, text_at(page, "title"))
        inner = at(page, "page")
        left += reversed(inner) if isinstance(inner, list) else []
    return list(found.items())
