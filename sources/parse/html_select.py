"""Which blocks of a page are its main text: those that surely run, else trafilatura's vote, then the gaps filled.

A page that names no furniture and holds hardly a link is a document (a chapter, a report): all of it is main text.
Elsewhere the density of text tells where the body stands on nineteen pages of twenty (`html_density`); where it is not
sure, trafilatura votes (`html_vote`), which costs more than all the rest together. Either choice passes over table
cells, list items and one-line numbers, so blocks between chosen ones are taken too unless they look like furniture
(`html_gaps`): guidance that misses one row is worse than guidance with one caption too many. Not here: rendering, and
pages whose source declares where the body is.
"""

from collections.abc import Sequence

from lxml import etree

from sources.parse.html_blocks import Block
from sources.parse.html_density import running_text
from sources.parse.html_gaps import fill_gaps
from sources.parse.html_outline import Outline
from sources.parse.html_vote import MAX_VOTED_CHARS, Ballot, lighten

MIN_VOTED_SHARE = 0.5
"""Fewer votes than this share of the plain text outside furniture: trafilatura is asked again, with its fallbacks."""

MAX_DOCUMENT_LINK_SHARE = 0.08
"""A page without furniture and with fewer of its characters in links is a document. None of 58 pages of news and blogs
is one; of 169 guideline pages 57 are."""


def choose(tree: etree._Element, blocks: Sequence[Block]) -> tuple[list[bool], str]:
    """Return for each block whether it is main text, and the name of the way: whole, density, trafilatura, or
    walk.

    The tree is marked and thinned in place and of no use afterwards.
    """
    if _is_document(blocks):
        return [not _is_row_of_links(block) for block in blocks], "whole"
    outline = Outline(tree, blocks)
    running = running_text(outline, blocks)
    if running.is_sure:
        return fill_gaps(outline, blocks, running.chosen, running.region), "density"
    votes = _votes(outline, blocks) if sum(len(block.text) for block in blocks) <= MAX_VOTED_CHARS else []
    if not any(votes):
        return [block.furniture is None for block in blocks], "walk"
    return fill_gaps(outline, blocks, votes), "trafilatura"


def _is_document(blocks: Sequence[Block]) -> bool:
    if any(block.furniture is not None for block in blocks):
        return False
    chars, link_chars = sum(len(block.text) for block in blocks), sum(block.link_chars for block in blocks)
    return link_chars < MAX_DOCUMENT_LINK_SHARE * chars


def _is_row_of_links(block: Block) -> bool:
    return block.kind != "table" and "|" in block.text and 2 * block.link_chars > len(block.text)


def _votes(outline: Outline, blocks: Sequence[Block]) -> list[bool]:
    """Return which blocks trafilatura takes for main text; none when it cannot read the page."""
    ballot = Ballot(outline.root, blocks)
    lighten(outline, blocks)
    votes = ballot.votes(fast=True)
    return votes if _voted_share(blocks, votes) >= MIN_VOTED_SHARE else ballot.votes(fast=False)


def _voted_share(blocks: Sequence[Block], votes: Sequence[bool]) -> float:
    """Return the share of the text without links and outside furniture that was voted for."""
    voted = plain = 0
    for block, vote in zip(blocks, votes, strict=True):
        if vote or block.furniture is None:
            chars = len(block.text) - block.link_chars
            plain += chars
            voted += chars if vote else 0
    return voted / plain if plain else 0.0
