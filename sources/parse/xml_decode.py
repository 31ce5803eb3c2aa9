"""Bytes of an XML file to text, strictly: a wrong or missing declaration is a refusal, never a guess.

libxml2 reads some wrongly declared files without an error, and then a micro sign may become two letters. So the
encoding is settled here, by byte order mark, then declaration, then UTF-8 (XML 1.0, appendix F), and a text that
only looks right by accident is refused. Characters that XML forbids are refused too. Not here: parsing.
"""

import codecs
import re

from sources.parse.part import Unreadable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = ((b"<\x00?\x00", "utf-16-le"), (b"\x00<\x00?", "utf-16-be"))
_BEFORE_MARKUP = re.compile(r"(?:\s*<\?xml\s[^>]*?\?>)?+\s*+(?=<)")
_DECLARED = re.compile(rb"""\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROLS = [code for code in range(32) if code not in b"\t\n\r"]
_LATIN = frozenset({"iso8859-1", "cp1252", "iso8859-15"})


def decode_xml(body: bytes) -> str:
    """Return the text of an XML file from its first sign after byte order mark and XML declaration on.

    Raises Unreadable: empty, not_xml, unknown_encoding, wrong_encoding, control_characters.
    """
    if not body or body.isspace():
        raise Unreadable("empty", f"{len(body)} bytes")
    encoding, mark_bytes = _encoding(body)
    data = body[mark_bytes:]
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        _refuse_binary(body)
        raise Unreadable("wrong_encoding", f"not {encoding} at byte {error.start}") from error
    if match := _forbidden(text, data if encoding == "utf-8" else None):
        raise Unreadable("control_characters", f"U+{ord(match[0]):04X} at character {match.start()}")
    before = _BEFORE_MARKUP.match(text)
    if before is None:
        raise Unreadable("not_xml", f"{len(body)} bytes that do not begin with <")
    return text[before.end() :]


def plain_head(head: bytes) -> bytes:
    """Return the first bytes of an XML file with its markup in ASCII, to look at; nothing is refused."""
    wide = [*((m, n) for m, n in _MARKS if n != "utf-8"), *_UNMARKED]
    encoding = next((name for start, name in wide if head.startswith(start)), None)
    return head.decode(encoding, "replace").encode("utf-8", "replace") if encoding else head


def _forbidden(text: str, in_utf8: bytes | None) -> re.Match[str] | None:
    """Return the first character that XML forbids; the slow search is made only where there is one."""
    try:
        data = in_utf8 or text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return _FORBIDDEN.search(text)
    found = any(code in data for code in _CONTROLS) or "\ufffe" in text or "\uffff" in text
    return _FORBIDDEN.search(text) if found else None


def _encoding(body: bytes) -> tuple[str, int]:
    """Return the codec name and the length of the byte order mark."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return name, len(mark)
    for start, name in _UNMARKED:
        if body.startswith(start):
            return name, 0
    declared = _DECLARED.match(body[:400])
    if declared is None:
        return "utf-8", 0
    name = _codec(declared[1].decode("ascii"))
    if name.startswith(("utf-16", "utf-32")):
        raise Unreadable("wrong_encoding", f"declared {name}, but written in single bytes")
    if name in _LATIN:
        _check_latin(body, name)
    return name, 0


def _codec(name: str) -> str:
    try:
        codec = codecs.lookup(name)
    except LookupError as error:
        raise Unreadable("unknown_encoding", name[:40]) from error
    # `_is_text_encoding` is how bytes.decode itself tells charsets from transforms such as rot13 or zlib.
    if not getattr(codec, "_is_text_encoding", True) or codec.name in {"idna", "punycode", "unicode_escape"}:
        raise Unreadable("unknown_encoding", name[:40])
    return codec.name


def _check_latin(body: bytes, name: str) -> None:
    """Refuse UTF-8 or Windows-1252 bytes under a Latin declaration: they decode, but to wrong characters."""
    if body.isascii():
        return
    if name != "cp1252" and re.search(rb"[\x80-\x9f]", body):
        raise Unreadable("wrong_encoding", f"declared {name}, but has bytes 80-9F")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return
    raise Unreadable("wrong_encoding", f"declared {name}, but is UTF-8")


def _refuse_binary(body: bytes) -> None:
    """Raise not_xml for bytes that are no text at all, such as a gzip file."""
    if body[:1] not in b"< \t\r\n" and not body.startswith(codecs.BOM_UTF8):
        raise Unreadable("not_xml", f"begins with bytes {body[:4].hex()}")
