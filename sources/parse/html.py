"""An HTML page to one Part: main text as Markdown, and what the page says about itself.

Bytes to text (`charset`), text to a whole tree (`html_tree`) without what the page hides (`html_hidden`), meaningful
inline markup to characters (`html_inline`), tree to blocks (`html_blocks`, `html_table`), blocks to main text
(`html_select`: `html_density`, `html_vote`, `html_gaps`) and to Markdown (`html_markdown`). A source that knows where
its body stands says so with `content_xpath`; then nothing is guessed and all of it is kept. Not here: fetching,
cleaning, and policy on robots or licences.
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml.html import HtmlElement

from sources.parse import charset
from sources.parse.html_blocks import Block, blocks_of
from sources.parse.html_hidden import remove_hidden, style_sheets
from sources.parse.html_inline import settle_inline
from sources.parse.html_markdown import markdown
from sources.parse.html_meta import PageFacts, page_facts
from sources.parse.html_select import choose
from sources.parse.html_tree import (
    cdata_as_text,
    join_phrases,
    parse_tree,
    remove_invisible,
    remove_matching,
    select,
    without_controls,
)
from sources.parse.part import Fault, Part, Unreadable

MAX_ERROR_PAGE_CHARS = 600
_ERROR_PAGE = re.compile(
    r"(?:error\s*)?[45]\d\d\b(?:\s*[-–—:|]|\s+(?:error|not found|forbidden|bad|internal|service|gateway))"
    r"|(?:http )?error [45]\d\d\b|page (?:was )?not found|file not found|access denied|just a moment\b"
    r"|service unavailable|bad gateway|the request timed out|server error|request rejected|attention required!",
    re.IGNORECASE,
)


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield the one Part of a page.

    Options: `kind`; `title_xpath`, `content_xpath` (str), `drop_xpath` (list of str); `charset` or `media_type` as
    the transport declared it. Raises Unreadable: those of `charset.decode` and `parse_tree`, no_content when
    `content_xpath` selects nothing, error_page for a server's message saved as a page, no_text when no text remains.
    """
    text, edits = charset.decode(body, charset.declared(options), html=True)
    legal = without_controls(text)
    edits += ["control_characters"] if legal != text else []
    tree = parse_tree(cdata_as_text(legal))
    facts = page_facts(tree)
    sheets = style_sheets(tree)
    remove_invisible(tree)
    hidden_chars = remove_hidden(tree, sheets)
    edits += settle_inline(tree)
    remove_matching(tree, list(options.get("drop_xpath") or []))
    stated_title = _stated_title(tree, options)
    headings = [" ".join("".join(map(str, node.itertext())).split()) for node in tree.iter("h1")]
    blocks, extractor = _main_blocks(tree, options)
    written, sections = markdown(blocks)
    if not written.strip():
        raise Unreadable("no_text", f"no main text in {len(body)} bytes of HTML")
    if len(written) <= MAX_ERROR_PAGE_CHARS and _ERROR_PAGE.match(facts.title or written.lstrip("# ")):
        raise Unreadable("error_page", f"{len(written)} characters under a title that reports a server error")
    yield Part(
        text=written,
        title=stated_title or _title(facts, blocks, headings),
        kind=options.get("kind"),
        sections=sections,
        language=facts.language,
        published=facts.published,
        url=facts.url,
        spdx=facts.spdx,
        licence_text=facts.licence_text,
        identifiers=facts.identifiers,
        version=facts.version,
        extra={
            **facts.extra,
            "extractor": extractor,
            **({"hidden_chars": hidden_chars} if hidden_chars else {}),
            **({"edits": edits} if edits else {}),
        },
    )


def _main_blocks(tree: HtmlElement, options: dict[str, Any]) -> tuple[list[Block], str]:
    """Return the blocks of the main text and the way they were found: declared, or one of `choose`."""
    if options.get("content_xpath"):
        found = select(tree, [str(options["content_xpath"])])
        outer = [node for node in found if not any(above in found for above in node.iterancestors())]
        if not outer:
            raise Unreadable("no_content", "content_xpath selects nothing in this page")
        return [block for node in outer for block in blocks_of(node)], "declared"
    body = tree.find(".//body")
    root = body if body is not None else tree
    join_phrases(root)
    blocks = blocks_of(root)
    if not blocks:
        return [], "walk"
    chosen, way = choose(root, blocks)
    return [block for block, keep in zip(blocks, chosen, strict=True) if keep], way


def _stated_title(tree: HtmlElement, options: dict[str, Any]) -> str | None:
    nodes = select(tree, [str(options["title_xpath"])]) if options.get("title_xpath") else []
    return " ".join("".join(nodes[0].itertext()).split()) or None if nodes else None


def _title(facts: PageFacts, blocks: list[Block], headings: list[str]) -> str | None:
    """Return the heading of level 1 when the main text has exactly one, or when the head's title goes on after it
    with the name of the site; else what the head states."""
    found = [block.text for block in blocks if block.kind == "heading" and block.level == 1]
    if len(found) == 1:
        return found[0]
    stated = facts.title or ""
    return next((h for h in headings if h and re.match(r"\s*[|–—:·-]\s", stated.removeprefix(h) or "x")), facts.title)
