"""The text of a PubMed abstract: labelled paragraphs to sections, and the inline marks that change meaning.

The marks are those of JATS under the same names (`sup`, `sub`, `b`, `i`, `u`, MathML), so its walk reads them, and 10³
stays what it is. A label opens a section beneath the abstract's heading, as a structured abstract of an article has
it; NLM's own sorting of labels is not text. Not here: everything around the abstract.
"""

import re

from lxml import etree

from sources.parse.jats_body import BLOCKS
from sources.parse.jats_element import every, has_own_text, local, plain_text
from sources.parse.jats_float import display_formula
from sources.parse.jats_inline import INLINES
from sources.parse.jats_text import Block, Heading
from sources.parse.jats_walk import Walk

_BLOCKS = {**BLOCKS, "DispFormula": display_formula}
_NO_LABEL = frozenset({"", "UNLABELLED", "UNLABELED", "UNASSIGNED"})
_TYPES = {"plain-language-summary": "Plain language summary"}
_NOT_TEXT = frozenset({"CopyrightInformation"})
_ELSEWHERE = re.compile(r"Abstract available from the publisher\.?", re.I)
"""What PubMed prints for an abstract that it was not given."""


def inline_walk() -> Walk:
    """Return a walk over the elements of a citation."""
    return Walk(blocks=_BLOCKS, inlines=INLINES)


def has_text(abstract: etree._Element) -> bool:
    """Say whether an `Abstract` or `OtherAbstract` holds an abstract, and not only the note that there is one."""
    text = " ".join(filter(None, map(plain_text, _paragraphs(abstract))))
    return bool(text) and not _ELSEWHERE.fullmatch(text)


def abstract_blocks(walk: Walk, abstract: etree._Element) -> list[Block]:
    """Return an abstract under its heading, a section for each label, paragraphs without label under the heading."""
    own = local(abstract) == "OtherAbstract" and _TYPES.get((abstract.get("Type") or "").lower())
    out: list[Block] = [Heading(0, own or "Abstract")]
    last = ""
    for paragraph in _paragraphs(abstract):
        blocks = walk.flow(paragraph, _NOT_TEXT)
        label = " ".join((paragraph.get("Label") or "").split())
        label = "" if label.upper() in _NO_LABEL else label
        if blocks and label != last:
            out.append(Heading(1, label))
            last = label
        out += blocks
    return [*out, Heading(0, "")]


def _paragraphs(abstract: etree._Element) -> list[etree._Element]:
    """Return the paragraphs; an abstract whose text stands in it directly is one itself."""
    return every(abstract, "AbstractText") or ([abstract] if has_own_text(abstract) else [])
