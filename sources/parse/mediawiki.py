"""Pages of a MediaWiki (wikitext, API answers, XML dumps) to one Part each.

A redirect and a page of another namespace (talk, users, templates) are faults with reasons of their own, so that a dump
is accounted for in full. Text that the wiki itself has rendered is preferred by whoever fetches: only there are
templates expanded. Not here: the envelopes (`mediawiki_pages`) and the meaning of wikitext (`wikitext`).
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml.html import HtmlElement

from sources.parse.html_blocks import Block, blocks_of
from sources.parse.html_inline import settle_inline
from sources.parse.html_markdown import markdown
from sources.parse.html_tree import parse_tree, remove_invisible, remove_matching, without_controls
from sources.parse.mediawiki_pages import Page, pages_of
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.wikitext import Rendered, render

MAX_LISTED = 50
"""Names of unknown templates that are told for one page."""
_FURNITURE = (
    "navbox", "mw-editsection", "reflist", "metadata", "noprint", "mw-empty-elt", "toc", "ambox", "hatnote",
    "sistersitebox", "catlinks", "mw-references-wrap", "navbar", "mw-jump-link", "printfooter",
    "vertical-navbox", "authority-control",
)  # fmt: skip
_RENDERED_AWAY = [
    "//*[" + " or ".join(f"contains(concat(' ', @class, ' '), ' {name} ')" for name in _FURNITURE) + "]",
    "//sup[contains(concat(' ', @class, ' '), ' reference ')]",
    "//ol[contains(concat(' ', @class, ' '), ' references ')]",
]
_REFERENCE = "//ol[contains(concat(' ', @class, ' '), ' references ')]/li//*[contains(@class, 'reference-text')]"
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?=$|T)")


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield one Part or Fault for each page.

    Options: `namespaces` (numbers of those that are text, [0] when not given), `charset` (of bare wikitext). Raises
    Unreadable: those of `pages_of`, and those of `parse_tree` when a lone page cannot be read.
    """
    wanted = options.get("namespaces", [0])
    pages = list(pages_of(body, key, options))
    for index, page in enumerate(pages):
        name = (page.number or page.title or str(index)) if len(pages) > 1 else ""
        yield _read(page, name, wanted)


def _read(page: Page, name: str, wanted: list[int]) -> Part | Fault:
    if page.is_redirect:
        return Fault(reason="redirect", detail="a page that only points to another", name=name)
    if page.namespace not in wanted:
        return Fault(reason="other_namespace", detail=f"namespace {page.namespace}", name=name)
    rendered = Rendered(html=page.html) if page.html is not None else render(page.text)
    try:
        part = _part(page, name, rendered)
    except Unreadable as error:
        return Fault(reason=error.reason, detail=error.detail, name=name)
    return part or Fault(reason="no_text", detail="a page without words", name=name)


def _part(page: Page, name: str, rendered: Rendered) -> Part | None:
    tree = _main(parse_tree(without_controls(f"<html><body>{rendered.html}</body></html>")))
    if page.html is not None:
        rendered.references = [" ".join("".join(node.itertext()).split()) for node in tree.xpath(f".{_REFERENCE}")]
        remove_matching(tree, _RENDERED_AWAY)
    remove_invisible(tree)
    edits = settle_inline(tree)
    text, sections = markdown(_without_bare_headings(blocks_of(tree)))
    if not text.strip():
        return None
    dated = _DATE.match(page.time or "")
    return Part(
        text=text,
        title=page.title,
        name=name,
        sections=sections,
        language=page.language,
        published=dated[0] if dated else None,
        url=page.url,
        version=page.revision,
        identifiers={"mediawiki": f"{page.host}/{page.number}"} if page.host and page.number else {},
        references=list(dict.fromkeys(reference for reference in rendered.references if reference)),
        extra=_extra(page, rendered) | ({"edits": edits} if edits else {}),
    )


def _main(tree: HtmlElement) -> HtmlElement:
    """Return the part of a rendered page that the wiki's parser wrote, the whole tree where there is no such mark."""
    written = tree.xpath("//div[contains(concat(' ', @class, ' '), ' mw-parser-output ')]")
    return written[0] if written else tree


def _without_bare_headings(blocks: list[Block]) -> list[Block]:
    """Return the blocks without headings that nothing stands under, as furniture leaves them; a digit keeps one."""
    kept: list[Block] = []
    for block in reversed(blocks):
        below = kept[-1] if kept else None
        is_bare = below is None or (below.kind == "heading" and below.level <= block.level)
        if block.kind != "heading" or not is_bare or any(c.isdigit() for c in block.text):
            kept.append(block)
    return kept[::-1]


def _extra(page: Page, rendered: Rendered) -> dict[str, Any]:
    unknown = sorted(rendered.unknown.items(), key=lambda item: (-item[1], item[0]))
    found = {
        "categories": list(dict.fromkeys(one for one in [*page.categories, *rendered.categories] if one)),
        "templates_left_out": rendered.furniture.total(),
        "templates_unknown": dict(unknown[:MAX_LISTED]),
    }
    return {name: value for name, value in found.items() if value}
