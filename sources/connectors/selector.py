"""Selectors in options: where on a page something stands, as CSS or XPath 1.0, and the texts found there.

A selector that begins with `/`, `./`, `../`, `(`, `@` or `xpath:` is XPath, every other one is CSS, which may end in
`::attr(name)`. Within an item, XPath should begin with a dot; `//` would search the whole page. What is selected is
an element or a text; a text is put on one line. Selectors are compiled when the options are checked.
"""

from functools import lru_cache
from typing import Annotated

from cssselect import HTMLTranslator, SelectorError
from lxml import etree
from lxml.html import HtmlElement
from pydantic import AfterValidator

from sources.connectors.answer import changed

_XPATH_STARTS = ("/", "./", "../", "(", "@")
_TEXTS = etree.XPath(
    "descendant-or-self::*[not(self::script or self::style or self::template)]/text()", smart_strings=False
)
_EXSLT = {"re": "http://exslt.org/regular-expressions"}


@lru_cache(256)
def _compiled(selector: str) -> etree.XPath:
    if selector.startswith("xpath:"):
        path = selector.removeprefix("xpath:")
    elif selector.startswith(_XPATH_STARTS):
        path = selector
    else:
        css, attr, name = selector.removeprefix("css:").partition("::attr(")
        if attr and not (name.endswith(")") and name[:-1].replace("-", "").isalnum()):
            raise ValueError(f"CSS {selector!r}: write ::attr(name) at its end")
        path = _xpath_of(css)
        path = f"({path})/@{name[:-1].lower()}" if attr else path
    try:
        return etree.XPath(path, namespaces=_EXSLT, smart_strings=False)
    except etree.XPathError as error:
        raise ValueError(f"XPath {path!r}: {error}") from None


def _xpath_of(css: str) -> str:
    """Return the XPath of a CSS selector. Raises ValueError."""
    try:
        return HTMLTranslator().css_to_xpath(css)
    except SelectorError as error:
        raise ValueError(f"CSS {css!r}: {error}; correct it, or write the selector as XPath") from None


def select(context: HtmlElement, selector: str) -> list[HtmlElement | str]:
    """Return the elements and texts that `selector` selects, in document order.

    Raises Unreadable structure_changed when the selector cannot be evaluated.
    """
    try:
        found = _compiled(selector)(context)
    except etree.XPathError:
        raise changed(f"a page on which {selector!r} can be evaluated", "one on which it cannot") from None
    values = found if isinstance(found, list) else [str(found)] if isinstance(found, str | float) else []
    return [value for value in values if isinstance(value, HtmlElement | str)]


def elements(context: HtmlElement, selector: str) -> list[HtmlElement]:
    """Return the elements that `selector` selects."""
    return [node for node in select(context, selector) if isinstance(node, HtmlElement)]


def first_text(context: HtmlElement, selector: str) -> str:
    """Return the first text that is not blank where `selector` points, on one line, or an empty string."""
    texts = (" ".join(text_of(node).split()) for node in select(context, selector))
    return next((text for text in texts if text), "")


def text_of(node: HtmlElement | str) -> str:
    """Return a selected text, or all text of a selected element that is not code."""
    if isinstance(node, str):
        return node
    texts = _TEXTS(node)
    return "".join(str(text) for text in texts) if isinstance(texts, list) else ""


def link_of(node: HtmlElement | str) -> str:
    """Return the address that a selected text is, or that an element or the first link within it holds."""
    if isinstance(node, str):
        return node
    own = node.get("href") or node.get("src") or node.get("content")
    return own or next((href for inner in node.iter("a", "area") if (href := inner.get("href"))), "")


def _checked(selector: str) -> str:
    if not selector.strip():
        raise ValueError("an empty selector selects nothing; leave it out")
    _compiled(selector)
    return selector


Selector = Annotated[str, AfterValidator(_checked)]
"""A selector in an option."""
