"""Readers for the stock contestant: raw files to datatrove documents where datatrove has no reader of its own.

Each is the easiest fair reading: pubmed_parser's five calls for JATS, pypdfium2 alone for PDF, the text nodes of other
XML, the strings of JSON and YAML. None keeps provenance, rights or sections, and none runs in a sandbox: a file that
raises is skipped and counted. Runs in the peers' environment (see `peers`), so it imports nothing of this project.
"""

import csv
import gzip
import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from datatrove.pipeline.readers.base import BaseDiskReader


class Files(BaseDiskReader):
    """Reads each file listed in `paths_file` with a function from its path to texts."""

    name = "Files"

    def __init__(self, paths_file: str, read: Callable[[str], Iterator[str]], metadata: dict[str, Any]) -> None:
        super().__init__("/", paths_file, default_metadata=metadata)
        self.read = read

    def read_file(self, filepath: str) -> Iterator[Any]:
        """Yield one document a text; a file that cannot be read ends there."""
        texts = self.read(filepath)
        for number in range(1 << 40):
            try:
                with self.track_time():
                    text = next(texts, None)
            except Exception:
                self.stat_update("unreadable")
                return
            if text is None:
                return
            document = self.get_document_from_dict({"text": text}, filepath, number)
            if document:
                yield document


def read_bytes(path: str) -> bytes:
    """Return the bytes of a file, unpacked if gzipped."""
    data = Path(path).read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def plain(path: str) -> Iterator[str]:
    """Yield the file as text: Markdown, plain text, and HTML pages before extraction."""
    yield read_bytes(path).decode("utf-8", "replace")


def pdf(path: str) -> Iterator[str]:
    """Yield the text of all pages in the order of the file, as pypdfium2 gives it."""
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    yield "\n\n".join(page.get_textpage().get_text_range() for page in document)


def jats(path: str) -> Iterator[str]:
    """Yield each article of a file, package or Europe PMC collection through pubmed_parser."""
    if path.endswith((".tar.gz", ".tar")):
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name.endswith((".xml", ".nxml")):
                    yield article(archive.extractfile(member).read())
        return
    data = read_bytes(path)
    if b"<articles" in data[:2000]:
        from lxml import etree

        for element in etree.fromstring(data).iterchildren("article"):
            yield article(etree.tostring(element, with_tail=False))
    else:
        yield article(data)


def article(xml: bytes) -> str:
    """Return all the text that pubmed_parser finds in one article: its five calls, one parse each."""
    import pubmed_parser

    front = called(pubmed_parser.parse_pubmed_xml, xml) or {}
    parts = [front.get("full_title"), front.get("abstract")]
    section = None
    for paragraph in called(pubmed_parser.parse_pubmed_paragraph, xml, all_paragraph=True):
        if paragraph["section"] != section:
            section = paragraph["section"]
            parts.append(section)
        parts.append(paragraph["text"])
    for caption in called(pubmed_parser.parse_pubmed_caption, xml):
        parts += [caption["fig_label"], caption["fig_caption"]]
    for table in called(pubmed_parser.parse_pubmed_table, xml, return_xml=False):
        rows = [table["table_columns"], *table["table_values"]]
        parts += [table["label"], table["caption"], *(" | ".join(map(str, row)) for row in rows)]
    for reference in called(pubmed_parser.parse_pubmed_references, xml):
        parts.append(reference["article_title"])
    return "\n\n".join(part for part in parts if part)


def called(parse: Callable[..., Any], xml: bytes, **options: Any) -> Any:
    """Return what one of the calls gives; nothing when it raises, which it does where an element is missing."""
    try:
        return parse(xml, **options) or []
    except Exception:
        return []


def xml(path: str) -> Iterator[str]:
    """Yield the text nodes of an XML file, one a line; text escaped into attributes is lost."""
    from lxml import etree

    yield "\n".join(filter(None, map(str.strip, etree.fromstring(read_bytes(path)).itertext())))


def tree(path: str) -> Iterator[str]:
    """Yield all strings of a JSON or YAML file as one document."""
    yield "\n".join(strings(_load(path)))


def records(path: str) -> Iterator[str]:
    """Yield the strings of each record of a JSON file: the items of the first list or map of maps on the way down."""
    for record in _items(_load(path)):
        yield "\n".join(strings(record))


def table(path: str) -> Iterator[str]:
    """Yield each row of a CSV file, its cells joined."""
    for row in csv.reader(io.StringIO(read_bytes(path).decode("utf-8", "replace"))):
        yield "\n".join(row)


def joined(reader: Any, data: dict[str, Any], path: str, number: int | str) -> dict[str, Any]:
    """Adapt a line of JSON for datatrove's JsonlReader: all its strings are the text."""
    return {"text": "\n".join(strings(data)), "id": f"{path}/{number}"}


def strings(value: Any) -> Iterator[str]:
    """Yield every string in a tree of lists and maps."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def _load(path: str) -> Any:
    import orjson
    import yaml

    data = read_bytes(path)
    if path.removesuffix(".gz").endswith((".yml", ".yaml")):
        return yaml.load(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return orjson.loads(data)


def _items(value: Any) -> Iterator[Any]:
    """Yield records: through maps of maps and lists to the first map that holds a text of its own."""
    if isinstance(value, list):
        for item in value:
            yield from _items(item)
    elif isinstance(value, dict) and not _has_record(value):
        for item in value.values():
            yield from _items(item)
    elif isinstance(value, dict):
        yield value


def _has_record(value: dict[str, Any]) -> bool:
    """Say whether a map is a record: some string of it is long, and it holds no list of maps as large as itself."""
    nested = any(isinstance(v, dict) or (isinstance(v, list) and v and isinstance(v[0], dict)) for v in value.values())
    return not nested or any(isinstance(v, str) and len(v) > 20 for v in value.values())


READERS: dict[str, Callable[[str], Iterator[str]]] = {
    "text": plain,
    "html": plain,
    "jats": jats,
    "pdf": pdf,
    "xml": xml,
    "tree": tree,
    "records": records,
    "csv": table,
}


def main() -> None:
    """Read the files of a list with one reader: `stock_readers.py READER LISTING OUT` writes seconds and texts."""
    import json
    import sys
    import time

    reader, listing, out = sys.argv[1:]
    with Path(out).open("w") as lines:
        for path in Path(listing).read_text().splitlines():
            begun = time.process_time()
            try:
                text = "\n\n".join(READERS[reader](path))
            except Exception:
                text = ""
            lines.write(json.dumps({"path": path, "cpu_s": time.process_time() - begun, "text": text}) + "\n")


if __name__ == "__main__":
    main()
