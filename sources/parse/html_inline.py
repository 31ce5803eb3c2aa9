"""Inline markup that carries meaning becomes characters before any text is taken out of the tree.

A superscript that loses its markup turns 10³ into 103, a struck-out dose reads as a valid one, a picture of "≥"
vanishes. Superscripts and subscripts, also those set by style, become Unicode characters or `^{...}` and `_{...}`
(rules of `jats_script`, token by token), struck text is wrapped in `~~`, formulae become the author's TeX or one
line (`jats_math`), pictures of signs become the sign, and so do underlined ones (> for ≥). In place, on any tree with
HTML names. Not here: bold, italics and links, which are dropped as markup and kept as text.
"""

import re
from functools import lru_cache

from lxml import etree

from sources.parse.html_space import keep_apart
from sources.parse.jats_math import mathml_text
from sources.parse.jats_script import subscript, superscript, underlined

MAX_SCRIPT_CHARS = 40
"""Longer raised or lowered text is small print, not an exponent or an index."""
MAX_STRUCK_CHARS = 1000
MAX_MATH_DEPTH = 100

_SIGN_NAMES = {
    "greater than or equal to": "≥",
    "greater-than or equal to": "≥",
    "less than or equal to": "≤",
    "less-than or equal to": "≤",
    "greater than": ">",
    "less than": "<",
    "plus or minus": "±",
    "plus/minus": "±",
    "approximately equal to": "≈",
    "not equal to": "≠",
    "multiplied by": "×",
    "times": "×",
    "degree": "°",
    "degrees": "°",
    "micro": "µ",
}
_SIGNS = frozenset("≥≤><±×÷≈≠°µμαβγδ→↑↓√∞=+−")
_SPACE = re.compile(r"\s+")
_VERTICAL = re.compile(r"vertical-align\s*:\s*(super|sub)\b", re.IGNORECASE)
_SCRIPT_CLASS = {"sup": "sup", "superscript": "sup", "sub": "sub", "subscript": "sub"}
_BETWEEN_TOKENS = re.compile(r"([\s,;]+)")
_MEANT_LOW = re.compile(r"[^\W_]|[+\-−–=]")
"""What an index or a charge is made of; other signs, such as a lowered asterisk, say the same on the line."""


def settle_inline(tree: etree._Element) -> list[str]:
    """Turn meaningful inline markup of `tree` into characters, in place; return the names of the edits made."""
    edits = _settle_underlined(tree)
    for element in list(tree.iter("math", "{http://www.w3.org/1998/Math/MathML}math")):
        _become(element, _math(element))
        edits.add("math")
    for element in tree.iter("span", "small", "font", "b", "i", "em", "strong", "a"):
        if element.keys():
            _become_script(element)
    for element in reversed(list(tree.iter("sup", "sub"))):  # inner ones first
        edits.add("superscript" if element.tag == "sup" else "subscript")
        _become(element, _script(element))
    for element in list(tree.iter("del", "s", "strike")):
        struck = _SPACE.sub(" ", _text(element)).strip()
        if struck and len(struck) <= MAX_STRUCK_CHARS:
            _become(element, f"~~{struck}~~")
            edits.add("struck_out")
    for element in list(tree.iter("img")):
        sign = _sign(element.get("alt") or "")
        if sign:
            _become(element, sign)
            edits.add("picture_of_sign")
        else:
            keep_apart(element)
    return sorted(edits)


def _settle_underlined(tree: etree._Element) -> set[str]:
    edits = set()
    for element in [e for e in tree.iter("u", "span") if e.tag == "u" or "underline" in (e.get("style") or "")]:
        text = _text(element)
        said = underlined(text, element.tail or "")
        if said != text:
            _become(element, said)
            edits.add("underlined_sign")
    return edits


def _become_script(element: etree._Element) -> None:
    """Rename an element that its style (or, for a span, its class) raises or lowers to `sup` or `sub`."""
    style, names = element.get("style"), element.get("class") if element.tag == "span" else None
    raised = _VERTICAL.search(style) if style else None
    if raised is None and names is None:
        return
    name = raised[1].lower()[:3] if raised else _script_class(names or "")
    if name and next(element.iterancestors("sup", "sub"), None) is None and element.find(".//sup") is None:
        element.tag = name


@lru_cache(maxsize=1024)
def _script_class(names: str) -> str:
    return next((_SCRIPT_CLASS[name] for name in names[:200].lower().split() if name in _SCRIPT_CLASS), "")


def _become(element: etree._Element, text: str) -> None:
    """Make `element` a plain span that holds `text` only; its tail stays."""
    for child in list(element):
        element.remove(child)
    element.text = text
    element.tag = "span"
    element.attrib.clear()


def _text(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext())


def _sign(alt: str) -> str:
    alt = alt.strip()
    return alt if alt in _SIGNS else _SIGN_NAMES.get(alt.lower().removesuffix(" sign").removesuffix(" symbol"), "")


def _script(element: etree._Element) -> str:
    """Return the text that stands for a `sup` or `sub` element, with its outer spaces."""
    raw = _SPACE.sub(" ", _text(element))
    core = raw.strip()
    if not core or len(core) > MAX_SCRIPT_CHARS or (core[0] in "([" and core[-1] in ")]"):
        return raw
    if not any(c.isalnum() for c in core) and next(element.iterancestors(element.tag), None) is not None:
        return raw  # the outer one raises it, with all that it has
    before = _before(element)
    tokens = _BETWEEN_TOKENS.split(raw)
    if element.tag == "sup":
        return "".join(superscript(token, before) for token in tokens)
    return "".join(subscript(token) if _MEANT_LOW.search(token) else token for token in tokens)


def _math(element: etree._Element) -> str:
    """Return a formula: TeX in dollar signs when the page carries it, else one line."""
    for node in element.iter("{*}annotation"):
        if "tex" in (node.get("encoding") or "").lower() and (node.text or "").strip():
            return f"${(node.text or '').strip()}$"
    if (element.get("alttext") or "").strip():
        return (element.get("alttext") or "").strip()
    depth = deepest = 0
    for event, _ in etree.iterwalk(element, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return mathml_text(element) if deepest <= MAX_MATH_DEPTH else " ".join(_text(element).split())


def _before(element: etree._Element) -> str:
    """Return the character just before `element`, or an empty string."""
    previous, parent = element.getprevious(), element.getparent()
    if previous is not None:
        return (previous.tail or _text(previous))[-1:]
    return (parent.text or "")[-1:] if parent is not None else ""
