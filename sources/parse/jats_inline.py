"""Inline elements of JATS with a meaning of their own: raised and lowered text, references, notes, formulae.

Formatting that carries no meaning (bold, italic) is not here: the walk gives its content. A reference mark of a
footnote never fuses with a number: `12.5` with the raised mark `a` is `12.5ᵃ`, with a mark 1 that is no
superscript `12.5[^1]`.
"""

import re

from lxml import etree

from sources.parse.jats_citation import OPEN, mark, raise_mark
from sources.parse.jats_element import (
    XLINK_HREF,
    all_text,
    children_of,
    every,
    first,
    has_own_text,
    has_text,
    local,
    plain_text,
    stray_texts,
)
from sources.parse.jats_math import delimited, mathml_text, tex_source
from sources.parse.jats_script import subscript, superscript, underlined
from sources.parse.jats_text import GAP, flat
from sources.parse.jats_walk import InlineHandler, Walk

_RAISED_DEGREE = frozenset({"o", "O", "0", "º", "ο"})
_SCALE = re.compile(r"\s?[CF]\b")
_SPACES = re.compile(r"\s+")
_NOTE_TYPES = frozenset({"fn", "table-fn", "author-notes", "corresp", "aff"})
_CITATION_TYPES = frozenset({"bibr", "ref"})


def _superscript(walk: Walk, element: etree._Element, before: str) -> str:
    """Raised text; the raised letter or zero that stands for the sign of degrees (37 oC) becomes that sign."""
    text = walk.inline_content(element)
    if OPEN in text:
        return raise_mark(text)
    if text.strip() in _RAISED_DEGREE and before.rstrip()[-1:].isdigit() and _SCALE.match(element.tail or ""):
        return "°"
    return superscript(text, before)


def _subscript(walk: Walk, element: etree._Element, before: str) -> str:
    text = walk.inline_content(element)
    return raise_mark(text) if OPEN in text else subscript(text, before)


def _reference(walk: Walk, element: etree._Element, before: str) -> str:
    """A cross-reference: citations are marked for later, marks of notes are kept apart from numbers."""
    kind = element.get("ref-type")
    if kind in _CITATION_TYPES:
        return _citation(walk, element)
    text = walk.inline_content(element)
    mark_only = text.strip()
    if kind not in _NOTE_TYPES or not mark_only or not before[-1:].strip() or before[-1:] in "([,;":
        return text
    parent = element.getparent()
    if parent is not None and local(parent) == "sup":
        return text
    return f"[^{mark_only}]" if mark_only.isdigit() else superscript(text, "")


def _citation(walk: Walk, element: etree._Element) -> str:
    marked_up = len(element) > 0
    text = all_text(element) if marked_up else element.text or ""
    text = text if text.isalnum() else _SPACES.sub(" ", text)
    if walk.citations == "numbered":
        numbers = [walk.reference_numbers.get(rid) for rid in (element.get("rid") or "").split()]
        text = ",".join(str(number) for number in numbers if number) or text
    if not text.strip():
        return text
    raised = marked_up and local(element[0]) == "sup" and not has_own_text(element)
    return raise_mark(mark(text)) if raised else mark(text)


def _break(walk: Walk, element: etree._Element, before: str) -> str:
    return f" {walk.inline_content(element)}"


def _link(walk: Walk, element: etree._Element, before: str) -> str:
    """A link gives its text; only one without text gives its address."""
    text = walk.inline_content(element)
    return text if text.strip() else element.get(XLINK_HREF) or text


def _footnote(walk: Walk, element: etree._Element, before: str) -> str:
    """A note inside a paragraph: its mark stays, its text is set after the paragraph."""
    own_label = walk.line(first(element, "label")).strip("[]()") or element.get("symbol")
    label = own_label or str(len(walk.notes) + 1)
    outer, walk.notes = walk.notes, []
    text = " ".join(flat(walk.flow(element, frozenset({"label"}))))
    inner, walk.notes = walk.notes, outer
    walk.notes.extend([f"[^{label}]: {text}", *inner])
    return f"[^{label}]"


def _tex(walk: Walk, element: etree._Element, before: str) -> str:
    return delimited(tex_source(plain_text(element)), display=False)


def _mathml(walk: Walk, element: etree._Element, before: str) -> str:
    return delimited(mathml_text(element), display=False)


def best_alternative(element: etree._Element) -> etree._Element | None:
    """Return the one branch of `alternatives` to read: TeX, MathML, a table, else the first that has text."""
    for name in ("tex-math", "math", "table"):
        if (found := first(element, name)) is not None and has_text(found):
            return found
    return next((child for child in children_of(element) if has_text(child)), None)


def _alternatives(walk: Walk, element: etree._Element, before: str) -> str:
    chosen = best_alternative(element)
    return "" if chosen is None else walk.inline(chosen, before)


def _name(walk: Walk, element: etree._Element, before: str) -> str:
    """A person's name in reading order: prefix, given names, surname, suffix."""
    order = ("prefix", "given-names", "surname", "suffix")
    known = [found for name in order for found in every(element, name)]
    rest = [child for child in children_of(element) if local(child) not in order]
    return " ".join([*(walk.inline(part).strip() for part in [*known, *rest]), *stray_texts(element)])


def _abbreviation(walk: Walk, element: etree._Element, before: str) -> str:
    """An abbreviation with its definition inside: the definition follows in brackets."""
    meaning = " ".join(filter(None, (walk.line(found) for found in every(element, "def"))))
    short = walk.inline_content(element, frozenset({"def"}))
    return f"{short} ({meaning})" if meaning else short


def _private_sign(walk: Walk, element: etree._Element, before: str) -> str:
    """A sign that only a picture shows gives its description: a unit must not vanish."""
    text = walk.inline_content(element)
    described = element.get("description") or element.get("name")
    return text if text.strip(f"{GAP} ") or not described else f"[{described}]"


def _ruby(walk: Walk, element: etree._Element, before: str) -> str:
    """A reading aid follows its base in brackets."""
    reading = walk.line(first(element, "rt"))
    base = walk.inline_content(element, frozenset({"rt", "rp"}))
    return f"{base} ({reading})" if reading else base


def _quotation(walk: Walk, element: etree._Element, before: str) -> str:
    return f"“{walk.inline_content(element)}”"


def _struck(walk: Walk, element: etree._Element, before: str) -> str:
    """Struck-out text is marked, as on web pages: read as live text a withdrawn dose would count."""
    text = walk.inline_content(element)
    core = text.strip()
    return text.replace(core, f"~~{core}~~", 1) if core else text


def _underlined(walk: Walk, element: etree._Element, before: str) -> str:
    return underlined(walk.inline_content(element), element.tail or "")


def _apart(walk: Walk, element: etree._Element, before: str) -> str:
    """Text that is not part of the sentence around it, such as an index term."""
    return f" {walk.inline_content(element)} "


INLINES: dict[str, InlineHandler] = {
    "sup": _superscript,
    "sub": _subscript,
    "xref": _reference,
    "break": _break,
    "br": _break,
    "ext-link": _link,
    "uri": _link,
    "fn": _footnote,
    "tex-math": _tex,
    "math": _mathml,
    "alternatives": _alternatives,
    "name-alternatives": _alternatives,
    "collab-alternatives": _alternatives,
    "aff-alternatives": _alternatives,
    "citation-alternatives": _alternatives,
    "name": _name,
    "ruby": _ruby,
    "abbrev": _abbreviation,
    "private-char": _private_sign,
    "q": _quotation,
    "strike": _struck,
    "s": _struck,
    "del": _struck,
    "underline": _underlined,
    "u": _underlined,
    "index-term": _apart,
    "alt-text": _apart,
    "long-desc": _apart,
}
