"""The meta elements in the head of a page, read from its first 256 KiB without building a tree.

What sites say about mining, indexing and following stands there, and it has to be known before a page is stored or
parsed. Comments, scripts and texts that only show markup (title, textarea, template) are passed over; reading ends
where the body begins. A page that is cut, broken or no page at all gives the elements that were whole until there.
Nothing here interprets what they say (`sources.web.reservation`).
"""

from html.parser import HTMLParser

from sources.web.robots_lines import as_utf8

HEAD_BYTES = 256 << 10
"""Sites put whole style sheets before the elements that matter here."""
_PIECE_CHARS = 16 << 10
_SHOWN_ONLY = frozenset({"title", "textarea", "template", "xmp", "iframe", "noembed", "noframes"})


def metas(body: bytes) -> list[tuple[str, str]]:
    """Return the (name, content) of each meta element, names in lower case; http-equiv and property count as names."""
    reader = _Metas()
    text = as_utf8(body[:HEAD_BYTES]).decode("utf-8", "replace")
    text = text.replace("<![", "&lt;![")  # marked sections that are unknown raise, and none of them holds a meta
    for start in range(0, len(text), _PIECE_CHARS):
        reader.feed(text[start : start + _PIECE_CHARS])
        if reader.in_body:
            break
    return reader.found


class _Metas(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self._shown_in = ""
        self.in_body = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            self.in_body = True
        elif tag in _SHOWN_ONLY and not self._shown_in:
            self._shown_in = tag
        elif tag == "meta" and not self.in_body and not self._shown_in:
            first = {name: value or "" for name, value in reversed(attrs)}
            name = first.get("name") or first.get("http-equiv") or first.get("property") or ""
            if name and "content" in first:
                self.found.append((name.strip().lower(), " ".join(first["content"].split())))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._shown_in:
            self._shown_in = ""
