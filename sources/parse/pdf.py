"""PDF -> one part: the text layer in reading order, as Markdown with headings, lists and tables.

pdfium reads the file (`pypdfium2`); what it does not do is done in the `pdf_*` files beside this one: columns, running
headers, tables, paragraphs, hyphens, raised and lowered characters. A file without a text layer, with one that is not
text, or protected by encryption is refused with a reason; pages that are only pictures are counted (`scanned_pages`),
and read when a source asks for it (`pdf_ocr`). No date, because a PDF's creation date is not the date of its content.
Limits of time and memory are the sandbox's work.
"""

import ctypes
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from sources.parse.part import Fault, Part, Unreadable
from sources.parse.pdf_arrays import plain
from sources.parse.pdf_columns import reading_order
from sources.parse.pdf_fragment import Fragment, PageText
from sources.parse.pdf_furniture import remove_running_lines
from sources.parse.pdf_grid import find_grids
from sources.parse.pdf_lines import Line, block_lines
from sources.parse.pdf_loops import address_of
from sources.parse.pdf_ocr import Scans, languages_of
from sources.parse.pdf_page import Batch
from sources.parse.pdf_paragraphs import Written, write
from sources.parse.pdf_tables import take_ruled
from sources.parse.pdf_text import GARBLED_SHARE, declared_language, garbled_share, script_agrees
from sources.parse.pdf_words import find_fragments

MIN_WORDS = 3
SCANNED_CHARS = 40
"""A page of pictures with less text than this, its number or a stamp, is a scan."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_FILE_NAME = re.compile(
    r"\.(docx?|pdf|indd|qxd|xlsx?|pptx?|tex|dvi|rtf|odt)\b|^(microsoft word|untitled|title|slide \d|doi:|PII)", re.I
)

_POINTER, _INT = ctypes.c_void_p, ctypes.c_int
_LOAD_PAGE = plain(pdfium.FPDF_LoadPage, _POINTER, _POINTER, _INT)
_LOAD_TEXT = plain(pdfium.FPDFText_LoadPage, _POINTER, _POINTER)
_BOUNDING_BOX = plain(pdfium.FPDF_GetPageBoundingBox, _INT, _POINTER, _POINTER)
_CLOSE_TEXT = plain(pdfium.FPDFText_ClosePage, None, _POINTER)
_CLOSE_PAGE = plain(pdfium.FPDF_ClosePage, None, _POINTER)
_BOX = pdfium.FS_RECTF()
_BOX_AT = ctypes.addressof(_BOX)


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield the one part of a PDF.

    Options: `read_encrypted` (default false) reads files that open without a password and allow copying; `ocr` (a list
    of tesseract's languages) reads pages that are pictures.
    Raises Unreadable: encrypted, broken_pdf, no_text_layer, garbled_text, ocr_unsure; ValueError for a wrong option.
    """
    languages = languages_of(options)
    scans = Scans(languages) if languages else None
    document = _open(body)
    try:
        _check_encryption(document, bool(options.get("read_encrypted", False)))
        pages = _read_pages(document, scans)
        metadata = document.get_metadata_dict(skip_empty=True)
        language = _language(document)
    finally:
        document.close()
        if scans:
            scans.close()
    _check_text(pages)
    read = scans.facts() if scans else {}
    scanned = sum(page.pictured for page in pages)
    removed = remove_running_lines(pages)
    written = write(_lines(pages))
    if not _has_words(written.text):
        raise Unreadable(
            "no_text_layer", f"nothing but running lines on {len(pages)} pages, {scanned} of them pictures"
        )
    edits = written.edits | ({"running_lines_removed"} if removed else set()) | read.keys()
    facts = {"pages": len(pages), "edits": sorted(edits), **read} | ({"scanned_pages": scanned} if scanned else {})
    yield Part(
        text=written.text,
        title=_title(metadata.get("Title", ""), written),
        sections=written.sections,
        language=language if language and script_agrees(language, written.text) else None,
        extra=facts,
    )


def _open(body: bytes) -> pypdfium2.PdfDocument:
    """Open a PDF. Raises Unreadable with the reason that pdfium gives."""
    if not body.strip():
        raise Unreadable("broken_pdf", "the file is empty")
    try:
        return pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise Unreadable("encrypted", f"opening needs a password or an unknown scheme ({error})") from error
        raise Unreadable("broken_pdf", f"{error}; {len(body)} bytes") from error


def _check_encryption(document: pypdfium2.PdfDocument, wanted: bool) -> None:
    """Refuse an encrypted file unless it is wanted and its owner allows copying of text (permission bit 5)."""
    revision = pdfium.FPDF_GetSecurityHandlerRevision(document.raw)
    if revision < 0:
        return
    copying = bool(pdfium.FPDF_GetDocPermissions(document.raw) & 0x10)
    if not (wanted and copying):
        raise Unreadable("encrypted", f"security handler revision {revision}, copying allowed: {copying}")


def _read_pages(document: pypdfium2.PdfDocument, scans: Scans | None) -> list[PageText]:
    """Return the fragments of every page. Raises Unreadable when the file has no page or one cannot be loaded."""
    count = len(document)
    if not count:
        raise Unreadable("broken_pdf", "the file has no pages")
    pages: list[PageText] = []
    batch, address = Batch(), address_of(document.raw)
    for number in range(count):
        _read_page(address, number, count, batch)
        if batch.full or number == count - 1:
            found = find_fragments(batch)
            for page, text in zip(batch.pages, found, strict=True):
                text.pictured = page.pictured and sum(len(f.text) for f in text.fragments) < SCANNED_CHARS
                if text.pictured and scans:
                    scans.read(document, len(pages), text)
                pages.append(text)
            batch.clear()
    return pages


def _read_page(document: int, number: int, count: int, batch: Batch) -> None:
    """Put what pdfium says of a page into `batch`. Raises Unreadable when it cannot be loaded."""
    page = _LOAD_PAGE(document, number)
    textpage = page and _LOAD_TEXT(page)
    try:
        if not textpage or not _BOUNDING_BOX(page, _BOX_AT):
            raise Unreadable("broken_pdf", f"page {number + 1} of {count} cannot be loaded")
        batch.add(page, textpage, (_BOX.left, _BOX.bottom, _BOX.right, _BOX.top))
    finally:
        if textpage:
            _CLOSE_TEXT(textpage)
        if page:
            _CLOSE_PAGE(page)


def _check_text(pages: list[PageText]) -> None:
    """Raise Unreadable when the pages hold no words, or characters that are no text."""
    text = "\n".join([fragment.text for page in pages for fragment in page.fragments])
    share = garbled_share(text)
    if share > GARBLED_SHARE:
        raise Unreadable("garbled_text", f"{share:.3f} of the characters are no text (limit {GARBLED_SHARE})")
    if not _has_words(text):
        raise Unreadable("no_text_layer", f"fewer than {MIN_WORDS} words, {len(text)} characters, {len(pages)} pages")


def _has_words(text: str) -> bool:
    return sum(1 for _ in islice(_WORD.finditer(text), MIN_WORDS)) == MIN_WORDS


def _lines(pages: list[PageText]) -> list[Line]:
    """Return the lines of all pages in reading order; text at another angle comes after its page."""
    lines: list[Line] = []
    number = 0
    for page in pages:
        for block in reading_order(_with_tables(page)):
            lines += block_lines(block, number)
            number += 1
        if page.turned:
            lines.append(Line([page.turned], 0, 0, 0, 0, 0, 1, 1, False, b"", number, page.turned))
            number += 1
    return lines


def _with_tables(page: PageText) -> list[Fragment]:
    """Return the fragments of a page, one for each ruled table in place of those that it holds."""
    fragments, rules = page.fragments, page.rules
    if len(rules.across) < 2 or not len(rules.down) or not fragments:
        return fragments
    middles = [((f.x0 + f.x1) / 2, (f.y0 + f.y1) / 2) for f in fragments]
    for grid in find_grids(rules, middles):
        if (found := take_ruled(fragments, grid)) is not None:
            table, taken = found
            gone = {id(fragment) for fragment in taken}
            stand_in = max(taken, key=lambda f: f.base)
            x0, x1 = min(f.x0 for f in taken), max(f.x1 for f in taken)
            stand_in = replace(stand_in, text="table", x0=x0, x1=x1, y0=min(f.y0 for f in taken), table=table)
            fragments = [f for f in fragments if id(f) not in gone] + [stand_in]
    return fragments


def _title(declared: str, written: Written) -> str | None:
    """Return the largest heading of the first five when the metadata's title is absent or a file name."""
    declared = " ".join(declared.split())
    if len(_WORD.findall(declared)) >= 2 and not _FILE_NAME.search(declared) and len(declared) <= 300:
        return declared
    first = [(size, text) for size, text in written.headings[:5] if len(_WORD.findall(text)) >= 3]
    return max(first, key=lambda heading: heading[0])[1] if first else None


def _language(document: pypdfium2.PdfDocument) -> str | None:
    """Return the language that the catalogue declares (/Lang)."""
    size = pdfium.FPDFCatalog_GetLanguage(document.raw, None, 0)
    if not size:
        return None
    units = (ctypes.c_ushort * (size // 2))()
    pdfium.FPDFCatalog_GetLanguage(document.raw, units, size)
    return declared_language(bytes(units).decode("utf-16-le", "replace").rstrip("\0"))
