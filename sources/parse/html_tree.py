"""Text to an HTML tree that holds everything the text holds, or a refusal.

libxml2 stops at a nesting of about 2,000 elements and, unless told otherwise, at 10 MB of text in one node, and
returns what it has without raising: the only trace is a FATAL entry in the error log, so the log of every parse
is read. A page that ends inside a tag or a comment was cut off on its way here; a browser drops that tail in
silence, we refuse the page. Not here: choosing the main text, and rendering.
"""

import re
from html import escape

from lxml import etree
from lxml.html import HtmlComment, HtmlElement, HtmlEntity, HtmlProcessingInstruction, document_fromstring

from sources.parse.html_space import keep_apart
from sources.parse.part import Unreadable

_TAG_START = re.compile(r"<[A-Za-z/!?]")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CONTROLS = tuple(map(chr, (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)))
_REFERENCE = re.compile(r"&#(?:[xX]([0-9a-fA-F]{1,6})|([0-9]{1,7}));?")
_CDATA = re.compile(r"(<(script|style)\b.*?</\2\s*>)|<!\[CDATA\[(.*?)\]\]>", re.DOTALL | re.IGNORECASE)
_RAW = frozenset({"script", "style", "textarea", "iframe", "noscript", "noembed", "xmp", "title", "plaintext"})
_HOLDERS = (
    "template",
    "noscript",
    "object",
    "applet",
    "svg",
    "canvas",
    "audio",
    "video",
    "select",
    "datalist",
    "frameset",
)
MAX_SWALLOWED_CHARS = 30
"""A comment at the very end may lack its end: </body></html> in it are no loss."""
_CLASSES = etree.ElementDefaultClassLookup(HtmlElement, HtmlComment, HtmlProcessingInstruction, HtmlEntity)
"""One class for every element: lxml.html asks a Python function about each element whenever a walk comes by it."""

INVISIBLE = (
    *("script", "style", "template", "noscript", "iframe", "object", "applet", "svg", "canvas", "audio"),
    *("video", "select", "datalist", "textarea", "input", "link", "meta", "base", "frameset"),
)
"""Elements that show no text of the page."""

PHRASING = (
    *(
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "data",
        "dfn",
        "em",
        "font",
        "i",
        "img",
        "ins",
        "kbd",
        "mark",
    ),
    *("nobr", "samp", "small", "span", "strong", "tt", "u", "var", "wbr"),
)
"""Elements within a line whose markup says nothing once `settle_inline` has read it."""


def parse_tree(text: str) -> HtmlElement:
    """Return the document element of `text`, which `without_controls` has made legal, with its whole content.

    Raises Unreadable: html_truncated when the text ends inside a tag or comment, html_too_deep when libxml2 gave
    up on it, no_text when there is no element at all.
    """
    _refuse_truncated(text)
    parser = etree.HTMLParser(huge_tree=True, encoding="utf-8")
    parser.set_element_class_lookup(_CLASSES)
    try:
        tree: HtmlElement = document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError) as error:
        raise Unreadable("no_text", f"no HTML element in {len(text)} characters") from error
    fatal = [entry for entry in parser.error_log if entry.level >= etree.ErrorLevels.FATAL]
    if fatal:
        raise Unreadable("html_too_deep", f"libxml2 stopped at line {fatal[0].line}: {fatal[0].type_name}")
    for later in [node for node in tree.itersiblings() if isinstance(node.tag, str)]:
        _append(tree, later)
    _refuse_swallowed(tree, text)
    _unwrap_unclosed(tree, text)
    return tree


def _append(tree: HtmlElement, later: HtmlElement) -> None:
    """Move what stands behind the page's </html> to its end: libxml2 makes a second root of it, browsers do not."""
    body = tree.find("body")
    if body is None:
        body = tree
    for outer in (later, *later.findall("body")):
        if outer.text and not outer.text.isspace():
            _add_text(body, outer.text)
        body.extend([child for child in outer if child.tag not in ("head", "body")])


def _add_text(body: HtmlElement, text: str) -> None:
    if len(body):
        body[-1].tail = (body[-1].tail or "") + text
    else:
        body.text = (body.text or "") + text


def _refuse_swallowed(tree: HtmlElement, text: str) -> None:
    """Refuse a page whose last element is one that nothing closes and that takes all behind it for its own text."""
    last = tree
    while len(last):
        last = last[-1]
    inner = (last.text or "").strip().lower()
    if last.tag is etree.Comment and text.rfind("<!--") > text.rfind("-->") and len(inner) > MAX_SWALLOWED_CHARS:
        raise Unreadable("html_truncated", f"a comment that nothing closes holds the last {len(inner)} characters")
    if last.tag in _RAW and inner.endswith("</html>") and not text.rstrip().lower().endswith(f"</{last.tag}>"):
        raise Unreadable("html_truncated", f"a {last.tag} that nothing closes holds the last {len(inner)} characters")


def _unwrap_unclosed(tree: HtmlElement, text: str) -> None:
    """Take the paragraphs out of elements that show none and that nothing closes: they are the page's, not theirs."""
    holders = [node for node in tree.iter(*_HOLDERS) if next(node.iter("p", "div", "li", "td", "h2"), None) is not None]
    if holders:
        for tag in dict.fromkeys(str(node.tag) for node in holders):
            if sum(1 for _ in tree.iter(tag)) > text.count(f"</{tag}") + text.count(f"</{tag.upper()}"):
                etree.strip_tags(tree, tag)


def without_controls(text: str) -> str:
    """Return `text` with a space for each control character, written out or as a reference, that no tree can hold.

    A space, because dropping one between digits would make another number.
    """
    if any(map(text.__contains__, _CONTROLS)):
        text = _FORBIDDEN.sub(" ", text)
    return _REFERENCE.sub(_legal_reference, text) if "&#" in text else text


def cdata_as_text(text: str) -> str:
    """Return XHTML with its CDATA sections as the text that they are, but for scripts and styles.

    For HTML such a section is a comment; a page that says that it is XML means text, and its signs are no tags.
    """
    if "<![CDATA[" not in text or not text.lstrip("\ufeff \t\r\n").startswith("<?xml"):
        return text
    return _CDATA.sub(lambda found: found[1] or escape(found[3] or "", quote=False), text)


def _legal_reference(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2])
    return " " if 0 < code < 0x110000 and _FORBIDDEN.match(chr(code)) else match[0]


def _refuse_truncated(text: str) -> None:
    last = text.rfind("<")
    if text.rfind(">") < last and _TAG_START.match(text, last):
        raise Unreadable("html_truncated", "the page ends inside a tag")
    for quote in "\"'":
        value = text.rfind(f"={quote}")
        tag = text.rfind("<", 0, max(value, 0))
        if quote not in text[value + 2 :] and tag > text.rfind(">", 0, max(value, 0)) and text[tag + 1].isalpha():
            raise Unreadable("html_truncated", "the page ends inside an attribute that nothing closes")
    comment = text.rfind("<!--")
    if comment > text.rfind("-->") and "</html" not in text[comment:].lower():
        raise Unreadable("html_truncated", "the page ends inside a comment")


def remove_invisible(tree: HtmlElement) -> None:
    """Remove, in place, comments and elements that show no text; what follows them stays, and stays apart."""
    body = tree.find("body")
    for element in (tree if body is None else body).iter(*INVISIBLE, "embed"):
        keep_apart(element)
    etree.strip_elements(tree, *INVISIBLE, with_tail=False)
    etree.strip_tags(tree, etree.Comment, etree.ProcessingInstruction, "embed")


def join_phrases(tree: etree._Element) -> None:
    """Replace, in place, each element of PHRASING below `tree` by its content, so that later walks have less to see."""
    etree.strip_tags(tree, *PHRASING)


def remove_matching(tree: HtmlElement, xpaths: list[str]) -> None:
    """Remove, in place, the elements that any of `xpaths` selects. Raises ValueError for a wrong XPath."""
    for element in select(tree, xpaths):
        if element.getparent() is not None:
            element.drop_tree()


def select(tree: HtmlElement, xpaths: list[str]) -> list[HtmlElement]:
    """Return the elements that `xpaths` select, in the order given. Raises ValueError for a wrong XPath."""
    found: list[HtmlElement] = []
    for xpath in xpaths:
        try:
            result = tree.xpath(xpath)
        except etree.XPathError as error:
            raise ValueError(f"XPath {xpath!r}: {error}") from error
        found += [node for node in result if isinstance(node, HtmlElement)] if isinstance(result, list) else []
    return found
