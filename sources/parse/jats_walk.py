"""The one walk over JATS content: every element becomes blocks or inline text, and no text is dropped.

`flow` reads an element whose content may mix text, inline elements and blocks: runs of text and inline elements
become paragraphs, block elements go to their handler. What has no handler is read too: in running text as part of
it, between blocks as blocks of its own. So an unknown element can read badly but cannot vanish. The handlers are
given from outside (`sources.parse.jats_body`). Recursion is bounded by the depth limit of `sources.parse.xml_safe`.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from lxml import etree

from sources.parse.jats_citation import OPEN, CitationStyle, write_citations
from sources.parse.jats_element import children_of, has_own_text, local, role
from sources.parse.jats_text import GAP, Block, close_gaps, flat, tidy
from sources.parse.part import Unreadable
from sources.parse.xml_safe import MAX_DEPTH

FRAMES_PER_LEVEL = 8
"""Stack frames that the walk needs at most for one level of elements."""

_LOOSE = """
abstract ack alternatives answer answer-set app app-group author-notes back bio body boxed-text caption
chem-struct-wrap chem-struct-wrapper def def-item def-list disp-formula-group disp-quote explanation fig fig-group
floats-group floats-wrap fn fn-group front-stub glossary list list-item media notes option question
question-preamble question-wrap question-wrap-group response sec speech statement supplementary-material table-wrap
table-wrap-foot table-wrap-group trans-abstract verse-group
"""
LOOSE = frozenset(_LOOSE.split())
"""Containers of JATS 1.0-1.3, NLM 2-3: nothing but elements inside, so what is unknown there stands alone."""

_INLINE = """
a abbrev abbreviation b bold email ext-link fixed-case hr i inline-formula inline-graphic
inline-supplementary-material italic milestone-end milestone-start mixed-citation monospace named-content overline
overline-end overline-start private-char rb roman ruby sans-serif sc span strike styled-content target taxon-name tt
u underline underline-end underline-start uri x
"""
INLINE = frozenset(_INLINE.split())
"""Elements that stand in a line of text and add nothing to it but their content."""

_NOTHING = f" \t\r\n{GAP}"
"""What a paragraph neither begins nor ends with."""

InlineHandler: TypeAlias = "Callable[[Walk, etree._Element, str], str]"
BlockHandler: TypeAlias = "Callable[[Walk, etree._Element], list[Block]]"


@contextmanager
def room_for_depth() -> Iterator[None]:
    """Give a walk stack for the deepest tree that the XML parser lets through, wherever it is called from.

    Raises Unreadable too_deep when that is not enough.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + FRAMES_PER_LEVEL * MAX_DEPTH)
    try:
        yield
    except RecursionError as error:
        raise Unreadable("too_deep", "the walk ran out of stack") from error
    finally:
        sys.setrecursionlimit(limit)


@dataclass(slots=True)
class Walk:
    """The handlers and the state of one walk: citation style, depth of sections, footnotes waiting to be set."""

    blocks: Mapping[str, BlockHandler]
    inlines: Mapping[str, InlineHandler]
    citations: CitationStyle = "plain"
    reference_numbers: Mapping[str, int] = field(default_factory=dict)
    depth: int = 0
    notes: list[str] = field(default_factory=list)
    list_ends: dict[str, int] = field(default_factory=dict)

    def flow(self, element: etree._Element, skip: frozenset[str] = frozenset()) -> list[Block]:
        """Return the content of `element` as blocks; child elements named in `skip` are left to the caller."""
        out: list[Block] = []
        run: list[str] = [element.text or ""]
        children = children_of(element)  # kept, so that lxml wraps each of them once only
        if children:
            loose = local(element) in LOOSE or not has_own_text(element, children)
            for child in children:
                name = role(child)
                if name not in skip:
                    self._place(child, name, loose, run, out)
                else:
                    run.append(GAP)
                if tail := child.tail:
                    run.append(tail)
        self._flush(run, out)
        return out

    def _place(self, child: etree._Element, name: str, loose: bool, run: list[str], out: list[Block]) -> None:
        """Add one child to the current run of text, or end the run and add the child's blocks."""
        block, handler = self.blocks.get(name), self.inlines.get(name)
        inline = handler is not None or name in INLINE
        if block is not None and (loose or not inline):
            self._flush(run, out)
            out.extend(block(self, child))
        elif handler is not None:
            run.append(handler(self, child, run[-1]) or GAP)
        elif inline and not len(child):
            run.append(child.text or GAP)
        elif self._holds_blocks(child) or not (inline or not loose):
            self._flush(run, out)
            out.extend(self.flow(child))
        else:
            run.append(self.inline(child, run[-1]) or GAP)

    def _holds_blocks(self, element: etree._Element) -> bool:
        if not len(element):
            return False
        return any((name := local(child)) in self.blocks and name not in self.inlines for child in children_of(element))

    def _flush(self, run: list[str], out: list[Block]) -> None:
        """End a run: its text becomes a paragraph, the footnotes met on the way follow it."""
        text = "".join(run).strip(_NOTHING)
        run.clear()
        run.append("")
        if text and (text := self.finish(text)):
            out.append(text)
        if self.notes:
            out.extend(self.notes)
            self.notes.clear()

    def finish(self, text: str) -> str:
        """Return a run of inline text with white space collapsed and citations in the chosen style."""
        text = tidy(close_gaps(text) if GAP in text else text)
        return tidy(write_citations(text, self.citations)) if OPEN in text else text

    def inline(self, element: etree._Element, before: str = "") -> str:
        """Return one element as part of a line of text; `before` is the text in front of it."""
        name = role(element)
        handler = self.inlines.get(name)
        if handler is not None:
            return handler(self, element, before)
        block = self.blocks.get(name)
        if block is not None:
            return f" {' '.join(flat(block(self, element)))} "
        text = self.inline_content(element)
        return f" {text}" if name not in INLINE and self._would_fuse(element, before, text) else text

    def _would_fuse(self, element: etree._Element, before: str, text: str) -> bool:
        """Say whether a field would run into the field or number before it, as `22241` into a DOI."""
        if not (before[-1:].isalnum() and text[:1].isalnum()):
            return False
        previous = element.getprevious()
        return local(element) in {"pub-id", "object-id"} or (previous is not None and not previous.tail)

    def inline_content(self, element: etree._Element, skip: frozenset[str] = frozenset()) -> str:
        """Return the content of an element as part of a line of text.

        Elements made of fields (names, addresses, unknown ones) get a blank between the fields, formatting none.
        """
        if not len(element):
            return element.text or ""
        name = local(element)
        gap = "" if name in INLINE or name in self.inlines or has_own_text(element) else " "
        parts = [element.text or ""]
        for child in children_of(element):
            left_out = skip and local(child) in skip
            parts.append(GAP if left_out else self.inline(child, parts[-1]) or GAP)
            if child.tail or gap:
                parts.append(f"{child.tail or ''}{gap}")
        if gap:  # the last field is apart from what follows, but not from a comma or stop
            parts[-1] = parts[-1].rstrip() + GAP
        return "".join(parts)

    def line(self, element: etree._Element | None, skip: frozenset[str] = frozenset()) -> str:
        """Return a title, label or caption as one finished line; empty for None. Footnotes in it follow in brackets."""
        if element is None:
            return ""
        outer, self.notes = self.notes, []
        text = self.finish(self.inline_content(element, skip))
        notes, self.notes = self.notes, outer
        return " ".join([text, *notes]) if notes else text
