"""Any document XML as HTML: local names become the HTML elements that mean the same, in place.

Guidance in XML (PDQ, SPL, DocBook-like) differs in names, not in kind: sections with titles, paragraphs, lists,
CALS or HTML tables. Renamed, it takes the same road as a web page (`html_blocks`), so tables, superscripts and
doses are treated once. A name that says nothing is a block, unless it stands within running text. Not here: which
part of a record is text (`xml_fields`).
"""

from lxml import etree

from sources.parse.cals_columns import attributes, height
from sources.parse.cals_rows import write_out_columns

TAGS = {
    "para": "p", "paragraph": "p", "p": "p", "simplepara": "p", "listtitle": "p", "caption": "p", "note": "p",
    "title": "heading", "heading": "heading", "head": "heading", "summarytitle": "heading",
    "itemizedlist": "ul", "orderedlist": "ol", "list": "ul", "ul": "ul", "ol": "ol", "listitem": "li", "item": "li",
    "li": "li", "table": "table", "thead": "thead", "tbody": "tbody", "tfoot": "tfoot", "row": "tr", "tr": "tr",
    "entry": "td", "td": "td", "th": "th", "tgroup": "tgroup", "col": "col", "colgroup": "colgroup", "colspec": "col",
    "spanspec": "col",
    "superscript": "sup", "sup": "sup", "subscript": "sub", "sub": "sub", "br": "br", "linebreak": "br", "math": "math",
    "del": "del", "strike": "del", "dl": "dl", "dt": "dt", "dd": "dd",
    "h1": "h1", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h5", "h6": "h6", "pre": "pre", "literallayout": "pre",
}  # fmt: skip
INLINE = frozenset(
    {
        "emphasis", "strong", "content", "linkhtml", "externalref", "summaryref", "glossarytermref", "genename",
        "loeref", "protocolref", "b", "i", "em", "u", "a", "span", "italic", "bold", "link", "xref", "sc",
        "scientificname", "drugref", "footnoteref", "reference", "code", "abbr", "q", "small", "font", "foreignphrase",
    }
)  # fmt: skip


def as_html(root: etree._Element) -> None:
    """Rename the elements of `root`, whose names carry no namespace, to HTML; keep spans and list numbers only."""
    formulae = {node for formula in root.iter("math") for node in formula.iterdescendants()}
    for element in list(root.iter()):
        if isinstance(element.tag, str):
            write_out_columns(element)
    for element in list(root.iter()):
        if isinstance(element.tag, str) and element is not root and element not in formulae:
            _settle(element)
    for group in list(root.iter("tgroup")):
        _unwrap(group)
    root.tag = "div"
    root.attrib.clear()


def strip_namespaces(root: etree._Element) -> None:
    """Give every element its local name, so that XPaths need no prefixes."""
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = etree.QName(element).localname
    etree.cleanup_namespaces(root)


def _settle(element: etree._Element) -> None:
    name = str(element.tag).lower()
    parent = element.getparent()
    tag = TAGS.get(name)
    if tag == "heading":
        tag = _heading(element, parent)
    elif tag == "ul" and (element.get("listType") or "").lower() == "ordered":
        tag = "ol"
    elif tag == "p" and name == "caption" and parent is not None and parent.tag == "table":
        tag = "caption"
    elif tag is None:
        tag = "span" if name in INLINE or _in_running_text(element, parent) else "div"
    kept = _spans(element) if tag in ("td", "th") else {}
    if tag == "td" and parent is not None and _is_head_cell(element):
        tag = "th"
    element.tag = tag
    element.attrib.clear()
    if tag == "span" and not len(element) and not element.text and _fuses(element, parent):
        element.text = " "
    for attribute, value in kept.items():
        element.set(attribute, value)


def _heading(element: etree._Element, parent: etree._Element | None) -> str:
    """Return the element for a title: a heading as deep as the titled elements around it."""
    if parent is not None and parent.tag == "table":
        return "caption"
    if parent is not None and parent.tag in ("ul", "ol", "li", "td", "th"):
        return "p"
    return f"h{min(6, max(1, sum(1 for above in element.iterancestors() if _titled(above))))}"


def _titled(element: etree._Element) -> bool:
    """Say whether an element has a heading of its own, renamed or not."""
    return any(
        isinstance(child.tag, str)
        and (child.tag in ("h1", "h2", "h3", "h4", "h5", "h6") or TAGS.get(child.tag.lower()) == "heading")
        for child in element
    )


def _in_running_text(element: etree._Element, parent: etree._Element | None) -> bool:
    if parent is None or any(
        str(child.tag).lower() in TAGS and TAGS[str(child.tag).lower()] == "p" for child in element
    ):
        return False
    return bool((parent.text or "").strip()) or any((child.tail or "").strip() for child in parent)


def _fuses(element: etree._Element, parent: etree._Element | None) -> bool:
    """Say whether an empty element is all that keeps the text before it from the word or number after it."""
    previous = element.getprevious()
    before = previous.tail if previous is not None else None if parent is None else parent.text
    return not (before or "x")[-1].isspace() and (element.tail or " ")[0].isalnum()


def _is_head_cell(element: etree._Element) -> bool:
    return any(str(above.tag).lower() == "thead" for above in element.iterancestors())


def _spans(element: etree._Element) -> dict[str, str]:
    """Return colspan and rowspan, from HTML attributes or from CALS `morerows`."""
    own = attributes(element)
    spans = {name: own[name] for name in ("colspan", "rowspan") if own.get(name)}
    if own.get("morerows", "").isdigit():
        spans["rowspan"] = str(height(own))
    return spans


def _unwrap(group: etree._Element) -> None:
    """Put the rows of a CALS group straight into its table."""
    parent = group.getparent()
    if parent is not None:
        for child in list(group):
            parent.insert(parent.index(group), child)
        parent.remove(group)
