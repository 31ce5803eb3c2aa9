"""The table of block elements: which handler reads which element of JATS 1.0-1.3, NLM 2-3 and SciELO SPS.

Elements that are not in this table nor in the inline one are read by the walk itself, so the table decides how
something looks, never whether it comes out.
"""

from lxml import etree

from sources.parse import jats_block, jats_float, jats_table
from sources.parse.jats_citation import CitationStyle
from sources.parse.jats_inline import INLINES
from sources.parse.jats_reference import reference_text
from sources.parse.jats_text import Block
from sources.parse.jats_walk import BlockHandler, Walk


def _reference_list(walk: Walk, element: etree._Element) -> list[Block]:
    """A list of works inside the running text, such as further reading: text like any other list."""
    title = jats_block.heading_text(walk, element)
    out: list[Block] = [f"**{title}**"] if title else []
    lines = [f"- {reference_text(ref)}" for ref in element.iter("{*}ref")]
    rest = walk.flow(element, frozenset({"label", "title", "ref", "ref-list"}))
    return [*out, *rest, *(["\n".join(lines)] if lines else [])]


def _reference(walk: Walk, element: etree._Element) -> list[Block]:
    text = reference_text(element)
    return [f"- {text}"] if text else []


BLOCKS: dict[str, BlockHandler] = {
    "p": Walk.flow,
    "sec": jats_block.section,
    "list": jats_block.list_block,
    "def-list": jats_block.definitions,
    "disp-quote": jats_block.quotation,
    "speech": jats_block.speech,
    "statement": jats_block.statement,
    "verse-group": jats_block.verse,
    "verse-line": Walk.flow,
    "code": jats_block.preformatted,
    "preformat": jats_block.preformatted,
    "attrib": jats_block.attribution,
    "title": jats_block.bold_title,
    "subtitle": jats_block.bold_title,
    "option": jats_block.question_group,
    "explanation": jats_block.statement,
    "question": jats_block.statement,
    "answer": jats_block.statement,
    "boxed-text": jats_float.captioned,
    "fig": jats_float.captioned,
    "fig-group": jats_float.captioned,
    "graphic": jats_float.captioned,
    "media": jats_float.captioned,
    "supplementary-material": jats_float.captioned,
    "chem-struct-wrap": jats_float.captioned,
    "chem-struct-wrapper": jats_float.captioned,
    "table-wrap-group": jats_float.captioned,
    "table-wrap": jats_float.table_wrap,
    "table": jats_table.table_blocks,
    "array": jats_table.array_blocks,
    "disp-formula": jats_float.display_formula,
    "disp-formula-group": jats_float.captioned,
    "alternatives": jats_float.alternatives,
    "block-alternatives": jats_float.alternatives,
    "glossary": jats_block.section,
    "fn": jats_float.footnote,
    "ref-list": _reference_list,
    "ref": _reference,
}


def _back_reference_list(walk: Walk, element: etree._Element) -> list[Block]:
    """The list of works cited is metadata, not text; what else stands in it (a note) is text."""
    return walk.flow(element, frozenset({"label", "title", "ref"}))


BACK_BLOCKS: dict[str, BlockHandler] = {**BLOCKS, "ref-list": _back_reference_list}


def new_walk(citations: CitationStyle, reference_numbers: dict[str, int]) -> Walk:
    """Return a walk over one article; `reference_numbers` gives the place (from 1) of each reference id."""
    return Walk(blocks=BLOCKS, inlines=INLINES, citations=citations, reference_numbers=reference_numbers)
