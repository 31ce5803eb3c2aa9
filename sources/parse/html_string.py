"""Tell HTML inside a string from text that only looks like it, and read the former as Markdown.

"CD4 <200 and age >5" and "a<b>c" are text; "<p>10<sup>3</sup></p>" is HTML. A tag counts when its name is known and
its attributes are written as attributes; an inline tag only when it is closed as often as opened. Every other "<"
stays the sign that it is, also beside true tags. Not here: whole pages (`sources.parse.html`).
"""

import re
from collections import Counter

from sources.parse.html_blocks import blocks_of
from sources.parse.html_inline import settle_inline
from sources.parse.html_markdown import markdown
from sources.parse.html_tree import parse_tree, remove_invisible, without_controls
from sources.parse.part import Unreadable

_VOID = frozenset({"br", "hr", "img"})
_BLOCK = frozenset(
    {"p", "div", "ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "td", "th", "section"}
    | {"blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6"}
)
_INLINE = frozenset(
    {
        "a",
        "abbr",
        "b",
        "cite",
        "code",
        "del",
        "em",
        "font",
        "i",
        "s",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "u",
    }
)
_TAG = re.compile(
    r"<(/?)([a-z][a-z0-9]*)((?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))*)\s*/?>", re.IGNORECASE
)


def read_string(text: str) -> str:
    """Return the Markdown of a string of HTML, any other string as it is (white space at its ends removed)."""
    real = _real_names(text)
    if not real:
        return text.strip()
    try:
        tree = parse_tree(without_controls(f"<html><body>{_with_signs(text, real)}</body></html>"))
    except Unreadable:  # whole as it stands, which a page that was cut would not be
        return text.strip()
    remove_invisible(tree)
    settle_inline(tree)
    return markdown(blocks_of(tree))[0].strip()


def _real_names(text: str) -> frozenset[str]:
    """Return the names whose tags are HTML here; none when only blocks that nothing closes are left."""
    opened, closed = Counter[str](), Counter[str]()
    for match in _TAG.finditer(text):
        (closed if match[1] else opened)[match[2].lower()] += 1
    inline = {name for name in _INLINE if opened[name] and opened[name] == closed[name]}
    certain = inline | {name for name in _BLOCK if opened[name] and closed[name]} | {n for n in _VOID if opened[n]}
    return frozenset(certain | {name for name in _BLOCK if opened[name]} if certain else ())


def _with_signs(text: str, real: frozenset[str]) -> str:
    """Return the text with every < that begins no tag of these names written as a reference."""
    pieces, at = [], 0
    for match in _TAG.finditer(text):
        if match[2].lower() in real:
            pieces += [text[at : match.start()].replace("<", "&lt;"), match[0]]
            at = match.end()
    return "".join([*pieces, text[at:].replace("<", "&lt;")])
