"""What stands apart from the running text: figures, tables, boxes, supplements, with label and caption.

The label and caption open the block as one line ("Figure 1. Survival by group. Shaded: ..."), content and
footnotes follow, identifiers come last. Each part is found by name, and everything else inside is read by the walk,
so permissions, attributions and alternative texts stay. Not here: grids (`sources.parse.jats_table`).
"""

from collections.abc import Iterable, Mapping

from lxml import etree

from sources.parse.jats_element import all_text, children_by_name, children_of, every, first, local
from sources.parse.jats_inline import best_alternative
from sources.parse.jats_math import delimited, mathml_text, tex_source
from sources.parse.jats_text import Block, flat
from sources.parse.jats_walk import Walk

_LEAD = frozenset({"label", "caption", "title", "object-id"})
_STOPS = ".:;?!。．："


def _stopped(text: str) -> str:
    return text if not text or text[-1] in _STOPS else f"{text}."


def lead_line(walk: Walk, own: Mapping[str, list[etree._Element]]) -> list[Block]:
    """Return label, title and caption among the children `own`: one line, then the caption's further paragraphs."""
    captions = own.get("caption", [])
    caption = captions[0] if captions else None
    within = children_by_name(caption) if caption is not None else {}
    leads = (*own.get("label", ()), *own.get("title", ()), *within.get("title", ()))
    parts = [walk.line(lead) for lead in leads]
    following = flat(walk.flow(caption, frozenset({"title", "object-id"}))) if caption is not None else []
    if following and "\n" not in following[0]:
        parts.append(following.pop(0))
    parts = [part for part in parts if part]
    line = " ".join([*(_stopped(part) for part in parts[:-1]), *parts[-1:]])
    others = [block for further in captions[1:] for block in flat(walk.flow(further))]
    return [*([line] if line else []), *following, *identifiers(walk, within.get("object-id", ())), *others]


def identifiers(walk: Walk, elements: Iterable[etree._Element]) -> list[Block]:
    """Return the identifiers printed with a figure or table, one line each."""
    lines: list[Block] = []
    for found in elements:
        if text := walk.line(found):
            lines.append(f"{'DOI' if found.get('pub-id-type') == 'doi' else 'ID'}: {text}")
    return lines


def captioned(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a figure, box, supplement or group of them: lead line, content, identifiers."""
    own = children_by_name(element)
    content = flat(walk.flow(element, _LEAD))
    if not own:  # a picture: most have neither label nor caption of their own
        return list(content)
    return [*lead_line(walk, own), *content, *identifiers(walk, own.get("object-id", ()))]


def table_wrap(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a table with caption before and footnotes after, wherever the file has them."""
    own = children_by_name(element)
    content = flat(walk.flow(element, _LEAD | {"table-wrap-foot"}))
    notes = [block for foot in own.get("table-wrap-foot", ()) for block in flat(walk.flow(foot))]
    return [*lead_line(walk, own), *content, *notes, *identifiers(walk, own.get("object-id", ()))]


def footnote(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a footnote that stands alone: its label, a blank, its text."""
    label = " ".join(filter(None, (walk.line(found) for found in every(element, "label"))))
    blocks = flat(walk.flow(element, frozenset({"label"})))
    lead = label or element.get("symbol") or ""
    if lead and blocks:
        return [f"{lead} {blocks[0]}", *blocks[1:]]
    return [*([lead] if label else []), *blocks]


def alternatives(walk: Walk, element: etree._Element) -> list[Block]:
    """Return the one branch of `alternatives` that reads best."""
    chosen = best_alternative(element)
    if chosen is None:
        return []
    handler = walk.blocks.get(local(chosen))
    if handler is not None:
        return handler(walk, chosen)
    text = walk.finish(walk.inline(chosen))
    return [text] if text else []


def display_formula(walk: Walk, element: etree._Element) -> list[Block]:
    """Return a formula on a line of its own, its number after it in the file's own form."""
    label = walk.line(first(element, "label"))
    parts: list[str] = []
    for child in children_of(element):
        name = local(child)
        chosen = best_alternative(child) if name == "alternatives" else child
        if chosen is not None and local(chosen) == "tex-math":
            parts.append(delimited(tex_source(all_text(chosen)), display=True))
        elif chosen is not None and local(chosen) == "math":
            parts.append(delimited(mathml_text(chosen), display=True))
    known = frozenset({"label", "tex-math", "math", "alternatives"} if parts else {"label"})
    rest = flat(walk.flow(element, known))
    line = " ".join(part for part in [*parts, *rest[:1], label] if part)
    return [*([line] if line else []), *rest[1:]]
