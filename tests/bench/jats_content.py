"""What an article holds by class of content, read from its XML without our parser, and how much of it a text has.

A class is scored by the share of its word 3-grams, each as often as it occurs; a stretch of one or two words counts as
it stands. Blocks, and fields of a citation made of fields, part the stretches, and so do citations and formulae in a
sentence, which everyone writes otherwise. Raised and lowered text counts glued to its word or apart, whichever a text
does. A formula counts when its letters and digits occur in a row, without commands of TeX. One branch of `alternatives`
counts. An author counts by given name and surname in either order, a licence by its address or half of its 3-grams.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from tests.bench.jats_grams import EDGE, PARTED, WORD, Grams, both, every_gram, kept, letters, marked, wanted

CLASSES = (
    "abstract", "paragraphs", "cells", "table text", "list items", "formulae", "references", "captions", "titles",
    "authors", "back matter",
)  # fmt: skip
LICENCE = "licence"

_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_FORMULAE = frozenset({"disp-formula", "inline-formula", "tex-math", "math"})
_SCRIPTS = frozenset({"sup", "sub"})
_INLINE_NAMES = """
italic bold sup sub sc monospace underline overline strike roman sans-serif styled-content named-content xref ext-link
uri email abbrev x target milestone-start milestone-end i b u tt a span taxon-name inline-supplementary-material
inline-graphic mixed-citation
"""
_INLINE = frozenset(_INLINE_NAMES.split())
_FORMATTING = _INLINE - {"ext-link", "uri", "email", "xref", "mixed-citation", "inline-supplementary-material"}
_FLOAT_NAMES = """
table-wrap table-wrap-group table array fig fig-group graphic media supplementary-material list def-list
"""
_FLOATS = frozenset(_FLOAT_NAMES.split())
_CAPTIONED = frozenset({"fig", "fig-group", "graphic", "media", "supplementary-material"})
_CITATIONS = frozenset({"mixed-citation", "element-citation", "nlm-citation", "citation"})
_META = frozenset({"article-meta", "front-stub"})
_NO_LISTS = frozenset({"table-wrap", "ref-list"})
_SKIPPED: dict[str, frozenset[str]] = {
    "paragraphs": _FLOATS, "cells": _FLOATS, "list items": _FLOATS, "back matter": frozenset({"ref-list"}),
}  # fmt: skip
"""Elements within a class that are classes of their own."""


@dataclass(frozen=True)
class Content:
    """What an article holds: wanted 3-grams by class (scripts glued, scripts apart), formulae, authors, licences."""

    grams: dict[str, tuple[Grams, Grams]]
    formulae: list[list[str]]
    """The letters and digits of each formula, one string for each equal branch."""
    authors: list[tuple[str, str]]
    licences: list[tuple[str, tuple[Grams, Grams]]]
    """Address and statement of each."""


def content_of(article: etree._Element) -> Content:
    """Read what an article and its sub-articles hold."""
    grams = {name: wanted(stretches) for name, stretches in _stretches(article).items()}
    stated = [node for node in article.iter("{*}license", "{*}license_ref") if node.get(_XLINK_HREF) or _text(node)]
    licences = [(_address(node), wanted([_text(node)])) for node in stated]
    return Content(grams, list(_formulae(article)), list(_authors(article)), licences)


def score(content: Content, text: str) -> dict[str, tuple[int, int]]:
    """Return by class (how much there is, how much of it `text` has); the licence counts one where there is one."""
    text = html.unescape(text)
    read = both(marked(text))
    found = Counter(every_gram(read[0])), Counter(every_gram(read[1]))
    scores = {name: kept(asked, found) for name, asked in content.grams.items()}
    squeezed = letters(text)
    formulae = sum(any(branch in squeezed for branch in branches) for branches in content.formulae)
    line = f" {' '.join(read[0])} "
    authors = sum(f" {one} {two} " in line or f" {two} {one} " in line for one, two in content.authors)
    licences = [(address and address in text) or _mostly(kept(stated, found)) for address, stated in content.licences]
    scores["formulae"] = (len(content.formulae), formulae)
    scores["authors"] = (len(content.authors), authors)
    scores[LICENCE] = (int(bool(licences)), int(any(licences)))
    return scores


def _mostly(counts: tuple[int, int]) -> bool:
    return counts[0] > 0 and counts[1] >= counts[0] / 2


def _stretches(article: etree._Element) -> dict[str, list[str]]:
    """Return the marked text of each class that is counted in 3-grams."""
    out: dict[str, list[str]] = {name: [] for name in CLASSES if name not in ("formulae", "authors")}
    above: list[str] = []
    for event, node in etree.iterwalk(article, events=("start", "end")):
        if event == "end":
            above.pop()
            continue
        for name in _classes_of(_name(node), above):
            skip = _SKIPPED.get(name, frozenset())
            out[name] += _reference(node) if name == "references" else [_marked_text(node, skip)]
        above.append(_name(node))
    return out


def _classes_of(name: str, above: list[str]) -> Iterator[str]:
    """Yield the classes that an element is content of, given the names of the elements around it."""
    parent = above[-1] if above else ""
    if name in ("abstract", "trans-abstract") and not _META.isdisjoint(above):
        yield "abstract"
    elif name == "p" and "body" in above and _FLOATS.isdisjoint(above) and "p" not in above:
        yield "paragraphs"
    elif name in ("td", "th", "entry"):
        yield "cells"
    elif name in ("list-item", "def-item") and _NO_LISTS.isdisjoint(above):
        yield "list items"
    elif name == "ref":
        yield "references"
    elif name in ("label", "caption") and (parent == "table-wrap" or parent in _CAPTIONED):
        yield "table text" if parent == "table-wrap" else "captions"
    elif name == "table-wrap-foot":
        yield "table text"
    elif name == "title" and parent == "sec" and ("body" in above or "back" in above):
        yield "titles"
    if parent == "back" and name != "ref-list":
        yield "back matter"


# --- stretches ---------------------------------------------------------------------------------------------------


def _marked_text(node: etree._Element, skip: frozenset[str]) -> str:
    out: list[str] = []
    _walk(node, out, skip, _INLINE, PARTED)
    return marked("".join(out))


def _walk(node: etree._Element, out: list[str], skip: frozenset[str], inline: frozenset[str], gap: str) -> None:
    """Collect the text within a node; elements that are not `inline` stand between gaps, scripts between edges."""
    if node.text:
        out.append(node.text)
    for child in node.iterchildren(etree.Element):
        name = _name(child)
        edge = EDGE if name in _SCRIPTS else "" if name in inline else gap
        if name in skip or name in _FORMULAE or (name == "xref" and child.get("ref-type") in ("bibr", "ref")):
            edge = PARTED
        elif name == "alternatives":
            for branch in _branches(child)[:1]:
                out.append(gap)
                _walk(branch, out, skip, inline, gap)
        else:
            out.append(edge)
            _walk(child, out, skip, inline, gap)
        out.append(edge)
        out.append(child.tail or "")


def _branches(node: etree._Element) -> list[etree._Element]:
    """Return the branches of `alternatives` that hold text: TeX, MathML and tables first."""
    full = [child for child in node.iterchildren(etree.Element) if _text(child)]
    order = ("tex-math", "math", "table")
    return sorted(full, key=lambda child: order.index(_name(child)) if _name(child) in order else len(order))


def _reference(ref: etree._Element) -> list[str]:
    """Return a citation as one stretch where it is punctuated, else its fields, whose order is free."""
    out: list[str] = []
    for node in ref.iterchildren(etree.Element):
        if _name(node) == "citation-alternatives":
            node = next((inner for inner in node if _name(inner) == "mixed-citation"), node[0])
        texts = [node.text, *(child.tail for child in node)]
        is_written = _name(node) not in _CITATIONS or any(WORD.search(text or "") for text in texts)
        if _name(node) != "label":
            collected: list[str] = []
            _walk(node, collected, frozenset(), _FORMATTING, " " if is_written else PARTED)
            out.append(marked("".join(collected)))
    return out


# --- formulae, authors, licence ----------------------------------------------------------------------------------


def _formulae(article: etree._Element) -> Iterator[list[str]]:
    """Yield the letters and digits of each formula that has at least two, one string a branch."""
    for node in article.iter("{*}tex-math", "{*}math"):
        branches = [node]
        if _parent(node) == "alternatives":
            branches = [child for child in node.getparent() if _name(child) in ("tex-math", "math")]
        if branches[0] is not node:
            continue
        squeezed = [letters(_tex_body(_text(branch, " "))) for branch in branches]
        if long := [branch for branch in squeezed if len(branch) > 1]:
            yield long


def _tex_body(text: str) -> str:
    return text.split("\\begin{document}")[-1].split("\\end{document}")[0]


def _authors(article: etree._Element) -> Iterator[tuple[str, str]]:
    """Yield the words of given name and surname of each author who has both."""
    for node in article.iter("{*}contrib"):
        name = next(node.iter("{*}name"), None)
        if node.get("contrib-type", "author") == "author" and name is not None:
            fields = [_text(name.find(f"{{*}}{key}")) for key in ("given-names", "surname")]
            given, surname = (" ".join(both(text)[0]) for text in fields)
            if given and surname:
                yield given, surname


def _address(node: etree._Element) -> str:
    """Return the address of a licence without its protocol and last slash; empty when it has none."""
    address = (node.get(_XLINK_HREF) or (_text(node) if _name(node) == "license_ref" else "")).strip()
    return re.sub(r"^https?://(?:www\.)?|/$", "", address)


# --- elements ----------------------------------------------------------------------------------------------------


def _name(node: etree._Element) -> str:
    return str(etree.QName(node).localname)


def _parent(node: etree._Element) -> str:
    parent = node.getparent()
    return "" if parent is None else _name(parent)


def _text(node: etree._Element | None, glue: str = "") -> str:
    return "" if node is None else " ".join(glue.join(map(str, node.itertext())).split())
