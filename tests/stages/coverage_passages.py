"""Finds the labelled passages of coverage again in the folder of real files.

A label names a file, the first word and the number of words of a passage, and the beginning of the
sha256 of its text; the text itself is never kept. Each kind of file has one plain way of becoming
words, on purpose other than the pipeline's own parsers, so that labels outlive changes there:

- XML and HTML: text nodes within paragraphs, list items and titles, in document order; XML without
  any paragraph: all text nodes and attributes, their escaped tags taken out;
- JSON, JSON lines: every string of every record, in order; CSV: every cell;
- PDF: the text layer of every page, as pdfium reads it;
- anything else: the text as it stands. A name that ends in `.gz` is unpacked first.

Words are split at white space and a passage is its words joined with single spaces.
"""

import csv
import functools
import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pypdfium2
from lxml import etree, html

PARAGRAPHS = (
    "//text()[ancestor::*[local-name()='p' or local-name()='li' or local-name()='title']]"
    "[not(ancestor::script or ancestor::style)]"
)
EVERYTHING = "//text() | //@*"
TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Find:
    """Where a passage lies: file under the data folder, first word, number of words, digest."""

    file: str
    start_word: int
    words: int
    sha256_12: str


def passage(data: Path, find: Find) -> str:
    """The text of a labelled passage; ValueError where the file no longer holds it."""
    words = words_of(data / find.file)
    text = " ".join(words[find.start_word : find.start_word + find.words])
    if digest_of(text) != find.sha256_12:
        raise ValueError(f"{find.file}: words {find.start_word} + {find.words} are another text")
    return text


def digest_of(text: str) -> str:
    """First 12 hex digits of the sha256 of a passage's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@functools.lru_cache(maxsize=8)
def words_of(path: Path) -> tuple[str, ...]:
    """All words of a file, as the rules above make them."""
    return tuple(" ".join(_pieces(path)).split())


def _pieces(path: Path) -> Iterator[str]:
    body = path.read_bytes()
    suffixes = path.suffixes
    if suffixes[-1] == ".gz":
        body = gzip.decompress(body)
        suffixes = suffixes[:-1]
    match suffixes[-1]:
        case ".xml" | ".nxml":
            yield from _of_xml(body)
        case ".htm" | ".html":
            yield from (str(t) for t in html.document_fromstring(body).xpath(PARAGRAPHS))
        case ".json" | ".jsonl":
            for record in records_of(body):
                yield from strings_of(record)
        case ".csv":
            for row in csv.reader(io.StringIO(body.decode("utf-8", "replace"))):
                yield from row
        case ".pdf":
            with pypdfium2.PdfDocument(body) as pdf:
                yield from (page.get_textpage().get_text_range() for page in pdf)
        case _:
            yield body.decode("utf-8", "replace")


def _of_xml(body: bytes) -> Iterator[str]:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=True)
    tree = etree.fromstring(body, parser)
    found: list[Any] = tree.xpath(PARAGRAPHS)
    if any(str(text).strip() for text in found):
        yield from (str(text) for text in found)
    else:
        yield from (TAG.sub(" ", str(text)) for text in tree.xpath(EVERYTHING))


def records_of(body: bytes) -> Iterator[Any]:
    """One JSON value, or one for each line that is not blank."""
    text = body.decode("utf-8", "replace")
    try:
        yield json.loads(text)
    except json.JSONDecodeError:
        for line in text.split("\n"):
            if line.strip():
                yield json.loads(line)


def strings_of(value: Any) -> Iterator[str]:
    """Every string in a JSON value, in order; keys are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_of(item)
