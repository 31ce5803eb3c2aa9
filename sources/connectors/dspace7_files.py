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


def chosen_files(files: Sequence[Any], choice: Choice) -> list[tuple[str, dict[str, str]]]:
    """Return uuid and facts (media_type, language) of the files of the most preferred format, in their order."""
    described = [(text_at(file, "uuid"), _described(file)) for file in files]
    speaking = [
        (uuid, found) for uuid, found in described if uuid and _is_wanted(found.get("language", ""), choice.languages)
    ]
    for wanted in choice.formats:
        if taken := [(uuid, found) for uuid, found in speaking if found["media_type"] == wanted]:
            return taken
    return []


def _described(file: Any) -> dict[str, str]:
    name = text_at(file, "name")
    stated = text_at(file, "_embedded", "format", "mimetype").partition(";")[0].strip().lower()
    suffix = re.search(r"\.[a-z]+$", name.lower())
    if not stated or stated == "application/octet-stream":
        stated = _SUFFIXES.get(suffix[0], "") if suffix else ""
    language = _stated_language(file) or _language_in(name)
    return {"media_type": stated} | ({"language": language} if language else {})


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
