"""What a listing says of an item, made uniform: only values that can be trusted to mean what the field says.

A date must be readable in one way, a language a BCP 47 tag or a code or name listed here, a DOI or ISBN must look like
one; else the field is left out, never guessed. Titles and rights are kept as found, on one line each.
"""

import re
from collections.abc import Iterable, Mapping

from sources.document import KINDS
from sources.parse.html_meta import iso_date
from sources.web.link import FIELDS

MAX_CHARS = 2_000
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>]+")
_ISBN = re.compile(r"(?:97[89])?\d{9}[\dXx]")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")
_LANGUAGES = {
    "en": "eng english", "fr": "fre fra french français", "es": "spa spanish español",
    "pt": "por portuguese português", "ru": "rus russian русский", "ar": "ara arabic العربية",
    "zh": "chi zho chinese 中文", "de": "ger deu german deutsch",
}  # fmt: skip
"""ISO 639-2 codes (both of a pair) and names, as repositories write them."""
_CODES = {word: code for code, words in _LANGUAGES.items() for word in words.split()}


def facts(found: Mapping[str, str | None]) -> dict[str, str]:
    """Return the fields of `found` that hold what they should, in a fixed order."""
    cleaned = {name: _CLEAN.get(name, _line)(value) for name, value in sorted(found.items()) if value}
    return {name: value for name, value in cleaned.items() if value and name in FIELDS}


def language_of(text: str) -> str:
    """Return the BCP 47 tag that a code or name of a language stands for, or an empty string."""
    word = text.strip().replace("_", "-")
    return _CODES.get(word.lower()) or (word if _TAG.fullmatch(word) else "")


def doi_in(texts: Iterable[str]) -> str:
    """Return the first DOI in `texts`, without a URL or prefix, or an empty string."""
    return next((match[0].rstrip(".,;") for text in texts if (match := _DOI.search(text))), "")


def isbn_in(texts: Iterable[str]) -> str:
    """Return the first ISBN in `texts`, without hyphens, or an empty string."""
    plain = (re.sub(r"(?i)urn:isbn:|isbn[\s:-]*|[\s-]", "", text) for text in texts)
    return next((text.upper() for text in plain if _ISBN.fullmatch(text)), "")


def _line(text: str) -> str:
    return " ".join(text.split())[:MAX_CHARS]


def _lines(text: str) -> str:
    lines = dict.fromkeys(_line(line) for line in text.splitlines())
    return "\n".join(line for line in lines if line)[:MAX_CHARS]


def _media_type(text: str) -> str:
    name = text.partition(";")[0].strip().lower()
    return name if _MEDIA_TYPE.fullmatch(name) else ""


_CLEAN = {
    "published": lambda text: iso_date(text) or "",
    "language": language_of,
    "doi": lambda text: doi_in([text]),
    "isbn": lambda text: isbn_in([text]),
    "media_type": _media_type,
    "kind": lambda text: text if text in KINDS else "",
    "rights": _lines,
}
