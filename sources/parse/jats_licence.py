"""The licence of an article: the evidence as found, and an SPDX key where there is no doubt.

A key needs a licence URL with a version, or a statement that names a Creative Commons licence and its version. Where a
file names several, the one that has the restrictions of all others wins, and without such a one there is no key. Ported
licences (3.0 Brazil) have a key only where SPDX has one. A statement that reserves all rights or text mining gives no
key. "All rights reserved" in the copyright line alone does not undo an explicit licence: publishers print both. Not
here: what the words around a licence do to it (`licence_words`), and what a key allows (`sources.rights`).
"""

import re
from functools import lru_cache
from typing import NamedTuple

from lxml import etree

from sources.parse.jats_element import XLINK_HREF, descendants, every, first, local, plain_text
from sources.parse.licence_words import PLACES, in_english, is_doubtful, sentences_of_the_article
from sources.rights import PUBLIC_DOMAIN

_PORTS = {
    "CC-BY-2.5": "AU",
    "CC-BY-3.0": "AT AU DE IGO NL US",
    "CC-BY-NC-3.0": "DE",
    "CC-BY-NC-ND-3.0": "DE IGO",
    "CC-BY-NC-SA-2.0": "DE FR UK",
    "CC-BY-NC-SA-3.0": "DE IGO",
    "CC-BY-ND-3.0": "DE",
    "CC-BY-SA-2.0": "UK",
    "CC-BY-SA-2.1": "JP",
    "CC-BY-SA-3.0": "AT DE IGO",
}
"""Ported licences with an SPDX key of their own (SPDX licence list 3.27)."""
_VERSIONS = frozenset({"1.0", "2.0", "2.1", "2.5", "3.0", "4.0"})

_URL = re.compile(
    r"(?:^|[\s(\"'<>\[:;,.])(?:https?://|(?<![:\w])(?://)?)(?:www\.)?creativecommons\.org/+licen[sc]es/(?P<kind>by(?:-(?:nc|nd|sa))*)"
    r"(?:/(?P<version>\d\.\d)(?:/(?P<port>[a-z]{2,3})(?=[/\s)\].,;\"'<]|$))?)?",
    re.I,
)
_ZERO = re.compile(r"creativecommons\.org/+publicdomain/zero/1\.0|\bCC0\b", re.I)
_MARK = re.compile(
    r"creativecommons\.org/+publicdomain/mark/1\.0|\b(?:is|are|lies|placed) in(?:to)? the public domain", re.I
)
_TERM = r"(?:Non-?\s?Commercial|No-?\s?Deriv\w*|Share-?\s?Alike)"
_LONG = re.compile(
    rf"Creative Commons(?:\s+Licen[sc]e)?[\s,:(]+(?P<kind>Attribution(?:[\s/,-]*{_TERM})*)"
    r"[\s,]*(?:\(?CC[\s-]?BY[A-Z\s-]*\)?)?[\s,]*(?:(?:International|Public|Unported)\s+)*(?:Licen[sc]e)?[\s,(]*"
    r"(?:version|v\.?)?\s*(?P<version>\d\.\d)?(?P<after>\s+[A-Z]\w+)?",
    re.I,
)
_SHORT = re.compile(
    r"\bCC[\s-]?(?P<kind>BY(?:[\s-](?:NC|ND|SA))*)(?:[\s-]*(?:v\.?|version)?\s*(?P<version>\d\.\d))?\b(?P<after>\s+[A-Z]\w+)?"
)
_RESERVED = re.compile(r"all rights (?:are )?reserved|todos los derechos reservados|todos os direitos reservados", re.I)
_NO_MINING = re.compile(
    r"tdm[- ]reserv|(?:text|data)[ -](?:and[ -]data )?mining[^.]{0,120}"
    r"(?:reserved|not permitted|prohibited|not allowed|forbidden)"
    r"|(?:reserved|prohibit\w*|not permit\w*|excluding|except)[^.]{0,120}(?:text|data)[ -](?:and[ -]data )?mining"
    r"|(?:reserved|prohibit\w*|not permit\w*)[^.]{0,120}\btraining\b[^.]{0,40}(?:artificial intelligence|\bai\b)"
    r"|\btraining\b[^.]{0,40}(?:artificial intelligence|\bai\b|language models?)[^.]{0,60}"
    r"(?:reserved|prohibited|not permitted|not allowed|forbidden)",
    re.I,
)
_OF_MINING = ("tdm", "mining", "training")
"""Words of which every reservation has one: looking for them takes a small part of what the patterns take."""
_DATA_WAIVER = re.compile(r"(?:waiver|dedication|CC0)\b.{0,160}?\bdata\b", re.I | re.S)
_DENIED = re.compile(r"\bnot\s+(?:\w+\s+)?in(?:to)? the public domain", re.I)


class Licence(NamedTuple):
    """`text` is the evidence, `spdx` the key or None, `mining_reserved` a reservation of text and data mining."""

    text: str = ""
    spdx: str | None = None
    mining_reserved: bool = False


class _Named(NamedTuple):
    kind: str
    version: str
    port: str


def licence_of(meta: etree._Element | None) -> Licence:
    """Return the licence declared in an `article-meta` or `front-stub`."""
    permissions = first(meta, "permissions")
    holder = permissions if permissions is not None else meta
    licences = every(holder, "license")
    addresses = [found.get(XLINK_HREF) or "" for node in licences for found in node.iter()]
    addresses += [plain_text(found) for found in descendants(permissions, "license_ref")]
    addresses = list(dict.fromkeys(address.strip() for address in addresses if address.strip()))
    statement = " ".join(filter(None, (_statement(node) for node in licences)))
    copyright_line = " ".join(filter(None, (plain_text(found) for found in every(holder, "copyright-statement"))))
    evidence = "\n".join([*addresses, *([statement] if statement else [])]) or copyright_line
    reserved = _reserves_mining(f"{evidence} {copyright_line}")
    if not licences and not addresses:
        spdx = None if _RESERVED.search(copyright_line) else spdx_of(copyright_line)
    else:
        spdx = spdx_of("\n".join([*addresses, statement]))
    return Licence(evidence, None if reserved else spdx, reserved)


def _reserves_mining(text: str) -> bool:
    lowered = text.lower().replace("\u0131", "i").replace("\u0307", "")  # i without and with a dot, as `re.I` has it
    return any(word in lowered for word in _OF_MINING) and _NO_MINING.search(text) is not None


def is_reserved(text: str) -> bool:
    """Say whether a statement reserves all rights."""
    return _RESERVED.search(text) is not None


def licence_in(statement: str) -> Licence:
    """Return the licence that a statement in plain words declares, which is its own evidence."""
    reserved = _reserves_mining(statement)
    return Licence(statement, None if reserved else spdx_of(statement), reserved)


def _statement(node: etree._Element) -> str:
    """Return the words of a licence without its addresses in elements of their own, which are kept apart."""
    addresses = {found.text for found in node if local(found) == "license_ref"}
    return " ".join(" ".join(text for text in map(str, node.itertext()) if text not in addresses).split())


@lru_cache(maxsize=256)
def spdx_of(text: str) -> str | None:
    """Return the SPDX key that a licence statement or URL names without doubt, else None; the narrowest of several."""
    text = in_english(re.sub("[‐‑‒–—−]", "-", text))
    if _RESERVED.search(text):
        return None
    named = _named(sentences_of_the_article(text))
    if not named:
        return _public_domain(sentences_of_the_article(text))
    if _ZERO.search(text) and not _DATA_WAIVER.search(text):
        return None
    terms = {found: frozenset(found.kind.split("-")) for found in named}
    kind = max(terms.values(), key=len)
    exact = {found for found in named if found.version and terms[found] == kind}
    if len(exact) != 1 or not all(other <= kind for other in terms.values()):
        return None
    narrowest = exact.pop()
    return None if is_doubtful(text, narrowest.kind) else _key(narrowest)


def _public_domain(text: str) -> str | None:
    if is_doubtful(text, "BY" if _ZERO.search(text) else "BY-NC-ND-SA"):
        return None
    if _ZERO.search(text):
        return None if _DATA_WAIVER.search(text) and "article, free of all copyright" not in text else "CC0-1.0"
    return PUBLIC_DOMAIN if _MARK.search(text) and not _DENIED.search(text) else None


def _named(text: str) -> set[_Named]:
    """Return every Creative Commons licence that a text names, with version and port where given."""
    found = {
        _Named(match["kind"].upper(), match["version"] or "", _port(match["port"] or ""))
        for match in _URL.finditer(text)
    }
    for pattern in (_LONG, _SHORT):
        for match in pattern.finditer(text):
            port = PLACES.get((match["after"] or "").strip().casefold(), "")
            found.add(_Named(_kind(match["kind"]), match["version"] or "", port))
    return found


def _port(code: str) -> str:
    """Return a jurisdiction code; `deed` or a language is none."""
    return code.upper()


def _kind(words: str) -> str:
    """Return BY, BY-NC, ... from the words of a licence name."""
    low = words.lower()
    kind = "BY"
    for pattern, code in (("comm|\\bnc\\b", "NC"), ("deriv|\\bnd\\b", "ND"), ("alike|\\bsa\\b", "SA")):
        if re.search(pattern, low):
            kind += f"-{code}"
    return kind


def _key(licence: _Named) -> str | None:
    """Return the SPDX key of one licence, None for a version or port that SPDX does not list."""
    kind = licence.kind if licence.kind != "BY-ND-NC" else "BY-NC-ND"
    key = f"CC-{kind}-{licence.version}"
    if licence.version not in _VERSIONS or {"ND", "SA"} <= set(kind.split("-")):
        return None
    if not licence.port:
        return key
    return f"{key}-{licence.port}" if licence.port in _PORTS.get(key, "").split() else None
