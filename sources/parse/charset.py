"""Bytes to text: which encoding, how sure, and what had to be repaired.

The order is that of the WHATWG encoding standard with two additions that real pages need: byte-order mark,
then the declared charset (HTTP header or source), then the document's own declaration, then strict UTF-8, then a
guess (`charset_guess`). A Western single-byte label on a body that is valid UTF-8 is a known lie and gives way.
What cannot be decoded becomes U+FFFD and is named as an edit, up to 0.1 % of the characters; above that the item is
refused, because a wrong guess turns "≥ 5 µg" into something else without a trace. Not here: Unicode normal forms and
mojibake inside correctly encoded text (a stage), and decompression.
"""

import codecs
import re
from typing import Any

import cchardet

from sources.parse.charset_guess import guess, reads_as_western
from sources.parse.part import Unreadable

MAX_UNDECODABLE_SHARE = 0.001
MIN_DETECTOR_CONFIDENCE = 0.5
MAX_CONTROL_SHARE = 0.01
DECLARATION_BYTES = 4096

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC = (b"%PDF-", b"PK\x03\x04", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"\xd0\xcf\x11\xe0")
_META = re.compile(rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.+-]{1,40})""", re.IGNORECASE)
_XML_DECLARATION = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.+-]{1,40})["']""")
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\x0b\x0c\r\x1b")

_BROWSER_NAME = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
"""Labels that browsers read as a superset of what they say (WHATWG encoding standard, names and labels)."""

_NOT_FOR_PAGES = {"utf-7", "unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"}

_C1 = {c: bytes([c]).decode("cp1252") for c in range(0x80, 0xA0) if c not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
_C1_BYTES = bytes(_C1)
_C1_REFERENCE = re.compile(r"&#(?:0*(1[2-5][0-9])|[xX]0*([89][0-9a-fA-F]));")


def declared(options: dict[str, Any]) -> str | None:
    """Return the charset that the options state, alone or in a media type, else None."""
    if options.get("charset"):
        return str(options["charset"])
    _, _, parameters = str(options.get("media_type") or "").partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'") or None
    return None


def decode(body: bytes, declared: str | None, *, html: bool) -> tuple[str, list[str]]:
    """Return the text of `body` (newlines unified, no byte-order mark) and the names of the edits made.

    `declared` is the charset that the transport or the source states; `html` also trusts a `<meta>` declaration
    and repairs numeric references to C1 controls. Raises Unreadable: empty, binary, undecodable.
    """
    _refuse_binary(body, declared)
    text, edits = _decode_bytes(body, declared, html=html)
    text = text.removeprefix("\ufeff")
    if not text.strip(" \t\r\n\f\v\ufeff\u200b\xa0"):
        raise Unreadable("empty", f"{len(body)} bytes, no character that shows")
    if "\x00" in text:
        raise Unreadable("binary", "NUL characters in a text")
    text, repairs = _repair_c1(text, html=html)
    return text.replace("\r\n", "\n").replace("\r", "\n"), edits + repairs


def _refuse_binary(body: bytes, declared: str | None) -> None:
    if not body:
        raise Unreadable("empty", "0 bytes")
    if body.startswith(_MAGIC):
        raise Unreadable("binary", f"starts with the magic bytes {body[:4].hex()}")
    if _wide_bom(body) or _codec(declared).startswith(("utf-16", "utf-32")):
        return
    if b"\x00" in body:
        raise Unreadable("binary", f"{body.count(0)} NUL bytes in {len(body)}")
    controls = len(body) - len(body.translate(None, _CONTROLS))
    if controls > MAX_CONTROL_SHARE * len(body):
        raise Unreadable("binary", f"{controls} control bytes in {len(body)}")


def _wide_bom(body: bytes) -> bool:
    return any(body.startswith(bom) for bom, name in _BOMS if name != "utf-8")


def _codec(label: str | None) -> str:
    """Return Python's name of the codec that a browser would use for `label`, or an empty string."""
    try:
        name = codecs.lookup((label or "").strip().strip("\"'")).name
    except (LookupError, ValueError):
        return ""
    try:
        b"".decode(name)
    except LookupError:
        return ""  # rot13, base64 and the like: not text encodings
    return "" if name in _NOT_FOR_PAGES else _BROWSER_NAME.get(name, name)


def _candidates(body: bytes, declared: str | None, *, html: bool) -> list[str]:
    head = body[:DECLARATION_BYTES]
    own = _XML_DECLARATION.search(head) or (_META.search(head) if html else None)
    own_name = _codec(own.group(1).decode("ascii")) if own else ""
    if own_name.startswith(("utf-16", "utf-32")):
        own_name = "utf-8"  # the declaration was readable as ASCII, so it is not what it says
    names = [_codec(declared), own_name]
    if _is_western(names[0] or own_name) and _is_utf8(body):
        names.insert(0, "utf-8")
    return list(dict.fromkeys(name for name in [*names, "utf-8"] if name))


def _is_western(name: str) -> bool:
    return name in ("cp1252", "cp1254", "iso8859-15")


def _is_utf8(body: bytes) -> bool:
    """Say whether `body` is strict UTF-8 with at least one multi-byte character."""
    try:
        return not body.isascii() and bool(body.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _decode_bytes(body: bytes, declared: str | None, *, html: bool) -> tuple[str, list[str]]:
    for bom, name in _BOMS:
        if body.startswith(bom):
            return _accept(body[len(bom) :], name, []) or _refuse(body, name)
    names = _candidates(body, declared, html=html)
    for rank, name in enumerate(names):
        label_was_wrong = rank > 0 or (name == "utf-8" and _is_western(_codec(declared)))
        edits = ["charset_label_ignored"] if label_was_wrong else []
        if name == "cp1252" and len(body.translate(None, _C1_BYTES)) < len(body):
            edits.append("cp1252_punctuation")
        if name == "utf-8" and _has_no_multibyte(body) and reads_as_western(body):
            break  # a lone "µ" of Windows-1252 in a long text is not a lost character
        accepted = _accept(body, name, edits)
        if accepted:
            return accepted
    name, edit = guess(body, _detected(body))
    return _accept(body, name, [edit]) or _refuse(body, name)


def _detected(body: bytes) -> str:
    found = cchardet.detect(body)
    return _codec(found["encoding"]) if (found["confidence"] or 0) >= MIN_DETECTOR_CONFIDENCE else ""


def _has_no_multibyte(body: bytes) -> bool:
    """Say whether `body` is outside ASCII somewhere and in no place as UTF-8 writes it."""
    return not body.isascii() and body.decode("utf-8", errors="ignore").isascii()


def _accept(body: bytes, name: str, edits: list[str]) -> tuple[str, list[str]] | None:
    """Return the text in encoding `name` if at most 0.1 % of its characters had to be replaced, else None."""
    try:
        return body.decode(name), edits
    except UnicodeDecodeError:
        text = body.decode(name, errors="replace")
    lost = text.count("\ufffd")
    if lost > MAX_UNDECODABLE_SHARE * len(text):
        return None
    return text, [*edits, "undecodable_replaced"]


def _refuse(body: bytes, name: str) -> tuple[str, list[str]]:
    raise Unreadable("undecodable", f"more than {MAX_UNDECODABLE_SHARE:.1%} of {len(body)} bytes are not {name}")


def _repair_c1(text: str, *, html: bool) -> tuple[str, list[str]]:
    """Read C1 controls, which no author writes, as the Windows-1252 characters that were meant."""
    edits = []
    if any(chr(c) in text for c in _C1):
        text = text.translate(_C1)
        edits.append("c1_controls")
    if html and _C1_REFERENCE.search(text):
        text = _C1_REFERENCE.sub(_c1_reference, text)
        edits.append("c1_references")
    return text, edits


def _c1_reference(match: re.Match[str]) -> str:
    code = int(match.group(1)) if match.group(1) else int(match.group(2), 16)
    return _C1.get(code, match.group(0))
