"""One contestant's reading of articles, in its own environment: CPU seconds, text and failure of each, to a file.

Each gives all that it has: ours every field of its parts but the offsets of sections, pubmed_parser every string of its
five calls, docling its Markdown. An article fails when a call raises; whatever the other calls give still counts.
Nothing of this project is imported but for `ours`. `floor` is `lxml.etree.parse` alone.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Reader = Callable[[str], Any]
"""Reads the file at a path; gives any tree of strings, and raises where it fails."""
WARM_FILES = 10


class PartlyRead(Exception):
    """Some calls failed: how many, and what the others gave."""


def ours() -> Reader:
    """Return our parser as a source runs it, without the sandbox."""
    from sources.parse.jats import parse
    from sources.parse.part import Part

    def read(path: str) -> Any:
        parts = [part for part in parse(Path(path).read_bytes(), path, {}) if isinstance(part, Part)]
        return [
            (p.text, p.title, p.references, p.licence_text, p.spdx, p.identifiers, p.links, p.published, p.extra)
            for p in parts
        ]

    return read


def pubmed_parser() -> Reader:
    """Return pubmed_parser's five calls, which parse the file once each."""
    import pubmed_parser as library

    def read(path: str) -> Any:
        calls: list[tuple[Callable[..., Any], dict[str, Any]]] = [
            (library.parse_pubmed_xml, {}),
            (library.parse_pubmed_paragraph, {"all_paragraph": True}),
            (library.parse_pubmed_caption, {}),
            (library.parse_pubmed_table, {"return_xml": False}),
            (library.parse_pubmed_references, {}),
        ]
        given, failed = [], 0
        for call, options in calls:
            try:
                given.append(call(path, **options))
            except Exception:
                failed += 1
        if failed:
            raise PartlyRead(failed, given)
        return given

    return read


def pubmed_paragraphs() -> Reader:
    """Return pubmed_parser's call for paragraphs alone."""
    import pubmed_parser as library

    return lambda path: [p["text"] for p in library.parse_pubmed_paragraph(path, all_paragraph=True)]


def docling() -> Reader:
    """Return docling's backend for JATS and its export to Markdown, without the pipeline around them."""
    from docling.backend.xml.jats_backend import JatsDocumentBackend
    from docling.datamodel.base_models import InputFormat
    from docling.datamodel.document import InputDocument

    def read(path: str) -> Any:
        file = Path(path)
        document = InputDocument(file, format=InputFormat.XML_JATS, backend=JatsDocumentBackend, filename=file.name)
        return document._backend.convert().export_to_markdown()

    return read


def floor() -> Reader:
    """Return the parsing of a file into a tree, of which nothing is read."""
    from lxml import etree

    def read(path: str) -> Any:
        etree.parse(path)

    return read


READERS = {one.__name__: one for one in (ours, pubmed_parser, pubmed_paragraphs, docling, floor)}


def strings(value: Any) -> Iterator[str]:
    """Yield every string in a tree of lists, tuples and maps."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def peak_rss_bytes() -> int:
    """Return the most memory this process ever had (`getrusage` would count what was there before the exec)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def main() -> None:
    """Read the files of a list: `jats_readers.py READER LISTING OUT`; the last line tells the peak of memory."""
    name, listing, out = sys.argv[1:]
    read = READERS[name]()
    paths = Path(listing).read_text().splitlines()
    with Path(out).open("w") as lines:
        for path in [*paths[:WARM_FILES], *paths]:
            begun = time.process_time()
            failed = True
            try:
                given = read(path)
                failed = False
            except PartlyRead as error:
                given = error.args[1]
            except Exception:
                given = ""
            cpu_s = time.process_time() - begun
            lines.write(json.dumps({"path": path, "cpu_s": cpu_s, "failed": failed, "text": "\n".join(strings(given))}))
            lines.write("\n")
        lines.write(json.dumps({"peak_rss_bytes": peak_rss_bytes()}) + "\n")


if __name__ == "__main__":
    main()
