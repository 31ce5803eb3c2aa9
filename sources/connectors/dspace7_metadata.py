"""What a repository item says of itself: Dublin Core elements to the fields of a document.

Follows the metadata of DSpace (`dc.title`, `dc.date.issued`, `dc.language.iso`, `dc.rights`, `dc.identifier.*`), each a
list of values. Rights are kept together, the address of a licence first. Not here: the files (`dspace7_files`).
"""

from typing import Any

from sources.connectors.answer import at, text_at
from sources.connectors.facts import doi_in, facts, isbn_in, language_of


def languages_of(found: Any) -> list[str]:
    """Return the languages that an item states, as BCP 47."""
    stated = _values(found, "dc.language.iso") + _values(found, "dc.language")
    return [language for text in stated if (language := language_of(text))]


def item_fields(found: Any) -> dict[str, str]:
    """Return the fields of an item; a language only when it states one and no other."""

    def first(*names: str) -> str:
        return next((value for name in names for value in _values(found, name)), "")

    languages = set(languages_of(found))
    rights = [value for name in ("dc.rights.uri", "dc.rights.license", "dc.rights") for value in _values(found, name)]
    names = ("dc.identifier.doi", "dc.identifier.isbn", "dc.identifier.uri", "dc.identifier", "dc.identifier.other")
    identifiers = [value for name in names for value in _values(found, name)]
    return facts(
        {
            "title": first("dc.title") or text_at(found, "name"),
            "published": first("dc.date.issued"),
            "language": languages.pop() if len(languages) == 1 else "",
            "rights": "\n".join(rights),
            "publisher": first("dc.publisher"),
            "doi": doi_in(identifiers),
            "isbn": isbn_in(identifiers),
            "key": text_at(found, "handle"),
        }
    )


def _values(found: Any, name: str) -> list[str]:
    """Return the values of one Dublin Core element in an item's metadata."""
    entries = at(found, "metadata", name)
    return [text for entry in entries if (text := text_at(entry, "value"))] if isinstance(entries, list) else []


def speaks(stated: list[str], wanted: tuple[str, ...]) -> bool:
    """Say whether an item in the languages `stated` may be in one that is wanted; one that states none may."""
    primary = {language.partition("-")[0] for language in stated if language}
    return not wanted or not primary or bool(primary & {language.partition("-")[0] for language in wanted})
