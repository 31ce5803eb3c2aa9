"""Split one XML file with many articles (bulk files of Europe PMC, PubMed's baseline) without parsing it whole.

A byte scan finds the borders: only article tags, comments, CDATA sections and processing instructions matter,
since `<` cannot stand anywhere else in well-formed XML. Memory is bounded by one article. Each article becomes
a document of its own, with the file's encoding declaration and DOCTYPE (for its entities) and the namespaces
of the root. The root says what an article is called. Works for encodings that keep ASCII bytes (not UTF-16).
Not here: judging the XML inside.
"""

import re
from collections.abc import Iterator

from sources.archive_item import Item, Limits
from sources.archive_member import too_large
from sources.archive_stream import Stream
from sources.article_layouts import LAYOUTS, Layout, name_of
from sources.parse.part import Fault

_MAX_PROLOG_BYTES = 1 << 20
_MAX_TAG_BYTES = 64 << 10
_LONGEST_MARK_BYTES = len(b"</MedlineCitationSet ")
_ENDS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
_ATTRIBUTES = rb"(?>[^<>\"']+|\"[^\"]*\"|'[^']*')*+"
_TAG_REST = re.compile(_ATTRIBUTES + rb">")
_MISC = rb"(?>\s+|<!--.*?-->|<\?.*?\?>)*+"
_SUBSET = rb"\[(?><!--.*?-->|<\?.*?\?>|\"[^\"]*\"|'[^']*'|<![A-Z]" + _ATTRIBUTES + rb">|[^\]\"'<]+)*+\]\s*"
_DOCTYPE = rb"<!DOCTYPE\s+(?P<name>[\w.:-]+)(?P<ids>(?>[^\[\]<>\"']+|\"[^\"]*\"|'[^']*')*+(?:" + _SUBSET + rb")?>)"
_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?P<declaration><\?xml\s.*?\?>)?" + _MISC + rb"(?:" + _DOCTYPE + rb")?" + _MISC
    + rb"<(?P<set>articles|pmc-articleset|PubmedArticleSet|MedlineCitationSet)(?=[\s/>])(?P<root>"
    + _ATTRIBUTES + rb")>",
    re.DOTALL,
)  # fmt: skip
_INHERITED = re.compile(rb"\s(xmlns(?::[\w.-]+)?|xml:lang)\s*=\s*(\"[^\"]*\"|'[^']*')")


def is_articles(head: bytes) -> bool:
    """Tell whether the first bytes of a file are those of a file of articles."""
    return _PROLOG.match(head) is not None


def split_articles(stream: Stream, limits: Limits) -> Iterator[Item | Fault]:
    """Yield each article as a document (key: PMC id, PMID, or its number), then a fault when the file is cut."""
    scan = _Scan(stream, limits.max_item_bytes)
    prolog = scan.read_prolog()
    if prolog is None:
        yield stream.damage or Fault(reason="not_articles", detail="no root with articles at the start")
        return
    number, layout = 0, LAYOUTS[prolog["set"]]
    while (article := scan.next_article(layout)) is not None:
        number += 1
        if article:
            body = _standalone(article, prolog)
            yield Item(layout.key(article) or str(number), body, media_type="application/xml")
        else:
            yield too_large(str(number), limits)
    if stream.damage or scan.is_open:
        damage = stream.damage or Fault(reason="truncated_archive", detail=f"no end tag after {stream.offset} bytes")
        yield Fault(reason=damage.reason, detail=f"{damage.detail}, after article {number}")


class _Scan:
    """A window over the stream that moves from article border to article border."""

    def __init__(self, stream: Stream, max_bytes: int) -> None:
        self.is_open = True
        """The root, or an article, has begun and not ended."""
        self._stream = stream
        self._max_bytes = max_bytes
        self._window = bytearray()
        self._at = 0
        self._start: int | None = None
        """Where the current article begins in the window; None outside, and in one that is too large."""
        self._depth = 0

    def read_prolog(self) -> "re.Match[bytes] | None":
        """Read up to the root's start tag and move past it; None when there is none."""
        while True:
            prolog = _PROLOG.match(bytes(self._window))
            if prolog or len(self._window) > _MAX_PROLOG_BYTES or not self._extend():
                self._at = prolog.end() if prolog else 0
                self.is_open = prolog is None or not prolog["root"].endswith(b"/")
                return prolog

    def next_article(self, layout: Layout) -> bytes | None:
        """Return the next article, empty when it is too large; None when no whole one is left."""
        while (tag := self._next_tag(layout)) is not None:
            begin, text = tag
            is_end = text.startswith(b"</")
            if not layout.article_tag.match(text):
                self.is_open = not is_end if self._depth == 0 else self.is_open
                continue
            if is_end and self._depth == 0:
                continue
            if not is_end and self._depth == 0:
                self._start = begin
            if not text.endswith(b"/>"):
                self._depth = max(0, self._depth + (-1 if is_end else 1))
            if self._depth == 0 and (is_end or text.endswith(b"/>")):
                article = bytes(self._window[self._start : self._at]) if self._start is not None else b""
                self._start = None
                return article if len(article) <= self._max_bytes else b""
        self.is_open = self.is_open or self._depth > 0
        return None

    def _next_tag(self, layout: Layout) -> tuple[int, bytes] | None:
        """Move past the next article or root tag: where it begins in the window, and the tag itself."""
        while (token := self._find_mark(layout.mark)) is not None:
            if token in _ENDS:
                if not self._pass(_ENDS[token]):
                    return None
                continue
            while (rest := _TAG_REST.match(self._window, self._at)) is None:
                before = len(self._window) - self._at
                if before > _MAX_TAG_BYTES or not self._extend():
                    break
            if rest:
                begin, self._at = self._at - len(token), rest.end()
                return begin, bytes(self._window[begin : self._at])
        return None

    def _find_mark(self, pattern: "re.Pattern[bytes]") -> bytes | None:
        """Move past the next mark and return it; None at the end."""
        while True:
            mark = pattern.search(self._window, self._at)
            if mark:
                self._at = mark.end()
                return bytes(mark.group())
            self._at = max(self._at, len(self._window) - _LONGEST_MARK_BYTES)
            if not self._extend():
                return None

    def _pass(self, end: bytes) -> bool:
        """Move past the next `end`; False when there is none."""
        while (found := self._window.find(end, self._at)) < 0:
            self._at = max(self._at, len(self._window) - len(end) + 1)
            if not self._extend():
                return False
        self._at = found + len(end)
        return True

    def _extend(self) -> bool:
        """Add the next piece, and let go of what lies behind and is no part of an article within the limit."""
        piece = self._stream.read_some()
        if self._start is not None and len(self._window) - self._start > self._max_bytes:
            self._start = None
        keep_from = self._at - _LONGEST_MARK_BYTES if self._start is None else self._start
        if keep_from > 0:
            del self._window[:keep_from]
            self._at -= keep_from
            self._start = None if self._start is None else 0
        self._window += piece
        return bool(piece)


def _standalone(article: bytes, prolog: "re.Match[bytes]") -> bytes:
    """Return an article as a document of its own: declaration, DOCTYPE, and what it inherited from the root."""
    name = name_of(article)
    rest = article[1 + len(name) :]
    tag = _TAG_REST.match(rest)
    own = {attribute for attribute, _ in _INHERITED.findall(tag.group())} if tag else set()
    added = b"".join(b" " + n + b"=" + v for n, v in _INHERITED.findall(prolog["root"]) if n not in own)
    doctype = b"<!DOCTYPE " + name + prolog["ids"] + b"\n" if prolog["name"] else b""
    declaration = prolog["declaration"] + b"\n" if prolog["declaration"] else b""
    return declaration + doctype + b"<" + name + added + rest
