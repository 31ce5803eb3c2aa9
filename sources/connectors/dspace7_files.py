"""Which files of a repository item are the document: by format, in the order preferred, and by language.

A bitstream states its format only when that is embedded; else the end of its name tells it. Its language is stated in
its metadata, or by the last word of its name (`9789240000001-eng.pdf`, as WHO names its files); a file in another
language than wanted is left, one that says nothing is kept. Not here: fetching.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from sources.connectors.answer import at, text_at
from sources.connectors.facts import language_of

_SUFFIXES = {
    ".pdf": "application/pdf", ".txt": "text/plain", ".html": "text/html", ".htm": "text/html",
    ".xml": "application/xml", ".epub": "application/epub+zip",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}  # fmt: skip
_NAMED_LANGUAGE = re.compile(r"[-_.](?P<code>eng?|fre|fra?|spa|es|por|pt|rus?|ar|ara|chi|zho?|ger|deu?)\.[a-z]+$", re.I)


class Choice(NamedTuple):
    """Media types in order of preference, and languages; no language means any."""

    formats: tuple[str, ...]
    languages: tuple[str, ...]


class File(NamedTuple):
    """A bitstream; what it does not state is empty."""

    uuid: str
    name: str
    media_type: str
    language: str


def chosen_files(files: Sequence[Any], choice: Choice) -> list[File]:
    """Return the files of the most preferred format that the item has, in their order."""
    speaking = [file for file in map(_file, files) if file.uuid and _is_wanted(file.language, choice.languages)]
    for wanted in choice.formats:
        if taken := [file for file in speaking if file.media_type == wanted]:
            return taken
    return []


def _file(file: Any) -> File:
    name = text_at(file, "name")
    stated = text_at(file, "_embedded", "format", "mimetype").partition(";")[0].strip().lower()
    suffix = re.search(r"\.[a-z]+$", name.lower())
    if not stated or stated == "application/octet-stream":
        stated = _SUFFIXES.get(suffix[0], "") if suffix else ""
    return File(text_at(file, "uuid"), name, stated, _stated_language(file) or _language_in(name))


def _stated_language(file: Any) -> str:
    for element in ("dc.language.iso", "dc.language"):
        entries = at(file, "metadata", element)
        for entry in entries if isinstance(entries, list) else []:
            if language := language_of(text_at(entry, "value")):
                return language
    return ""


def _language_in(name: str) -> str:
    match = _NAMED_LANGUAGE.search(name)
    return language_of(match["code"].lower()) if match else ""


def _is_wanted(language: str, wanted: tuple[str, ...]) -> bool:
    primaries = {code.partition("-")[0] for code in wanted}
    return not wanted or not language or language.partition("-")[0] in primaries
