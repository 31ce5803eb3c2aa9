"""A space where an element without text stood between two pieces of a line.

"5<img>10 mg" shows two numbers; taken out of the tree without a trace the picture would make it 510 mg. Looked at
are the visible characters before and after, also across the borders of inline elements. No space is put before
closing punctuation that no digit follows, nor after an opening bracket. Not here: elements that stand between
blocks, whose text never joins (`html_blocks`), and comments and empty spans, which show no gap.
"""

from lxml import etree

_CLOSING = frozenset(".,;:!?)]}%’”")
_OPENING = frozenset("([{‘“")
_SILENT = frozenset({"script", "style", "template", "noscript", "iframe", "object", "svg", "select", "textarea"})
MAX_STEPS = 50
"""So many elements are passed in search of a character; a page may hold thousands of scripts in a row."""


def keep_apart(element: etree._Element) -> None:
    """Put a space behind `element` if without it the text before and after would join."""
    if (element.tail or " ")[0].isspace():
        before, after = "", ""
        if not element.tail:
            after = _after(element)
            before = _before(element) if after else ""
    else:
        before, after = _before(element), element.tail or ""
    if not before or not after or before[-1].isspace() or after[0].isspace() or before[-1] in _OPENING:
        return
    if after[0] in _CLOSING and not after[1:2].isdigit():
        return
    element.tail = " " + (element.tail or "")


def _before(element: etree._Element) -> str:
    """Return the text just before `element` in its line, or an empty string."""
    for _ in range(MAX_STEPS):
        previous, parent = element.getprevious(), element.getparent()
        if previous is not None:
            text = previous.tail or _shown(previous)
            element = previous
        elif parent is not None:
            text = parent.text or ""
            element = parent
        else:
            return ""
        if text or element.tag in _STOPS:
            return text
    return ""


def _after(element: etree._Element) -> str:
    """Return the text just after `element` in its line, or an empty string."""
    for _ in range(MAX_STEPS):
        following, parent = element.getnext(), element.getparent()
        if following is not None:
            element = following
            text = _shown(following) or following.tail or ""
        elif parent is not None and parent.tag not in _STOPS:
            element = parent
            text = parent.tail or ""
        else:
            return ""
        if text or (following is not None and element.tag in _STOPS):
            return text
    return ""


def _shown(element: etree._Element) -> str:
    """Return the text that an element shows inside itself; none for blocks and for what shows none."""
    if not isinstance(element.tag, str) or element.tag in _SILENT or element.tag in _STOPS:
        return ""
    return "".join(str(text) for text in element.itertext())


_STOPS = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html",
    "legend", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "ul",
})  # fmt: skip
"""Elements that end a line."""
