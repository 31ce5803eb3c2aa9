"""What a plain walk sees in the main part of a page, found without the extractor: the measure of what was kept.

The main part is the container that a family of sites always uses (`main`, a role, or an id of `CONTAINERS`); elsewhere
the smallest element with most of the page's running text (paragraphs, items and cells of some length, links left out).
Menus, footers, scripts and hidden elements in it do not count. Quantities are compared as multisets of numbers with
their sign, range and unit; rows and items as runs of words. NFKC serves the comparison only.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

CONTAINERS = (
    "//div[contains(concat(' ', @class, ' '), ' syndicate ')]",
    "//div[@id='article']",
    "//div[@id='article-body']",
    "//div[contains(concat(' ', @class, ' '), ' story ')]",
    "//div[@id='segment-content']",
    "//main",
    "//*[@role='main']",
    "//article",
)
MIN_CONTAINER_SHARE = 0.5
MIN_RUN_CHARS = 60
REGION_SHARE = 0.85
_GONE = ("script", "style", "template", "noscript", "iframe", "object", "svg", "select", "textarea", "nav", "footer",
         "form", "button", "aside", "head", "header", "dialog")  # fmt: skip
_EMPTY = ("img", "input", "hr", "video", "audio", "canvas")
_LINE = frozenset({
    "address", "article", "blockquote", "body", "br", "caption", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "legend", "li", "main", "ol", "p", "pre",
    "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip
_RUNS = frozenset({"p", "li", "td", "dd", "pre", "blockquote", "h2", "h3", "h4"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_UNIT = (
    r"%|‰|° ?[CF]?|mcg|mg|μg|ng|kg|g|ml|dl|l|mmol|μmol|nmol|mol|iu|u|meq|mosm|kcal|kj|cm|mm|km|m|nm|mmhg|bpm|hz|"
    r"hours?|hrs?|h|min(?:utes?)?|sec(?:onds?)?|s|days?|weeks?|months?|years?|yrs?|doses?|tablets?|drops?|puffs?|"
    r"cells?|copies|units?|puntos|años|días|semanas|meses|horas|jours|semaines|mois|ans|heures"
)
_NUMBER = r"\d+(?:[.,·]\d+)*"
_QUANTITY = re.compile(
    rf"(?P<sign>[<>≤≥=±~≈]=? ?)?(?P<number>{_NUMBER})"
    rf"(?P<range> ?(?:-|to|/|x|×) ?{_NUMBER})?"
    rf"(?P<unit> ?(?:{_UNIT})(?: ?/ ?(?:{_UNIT}))*(?![\w]))?",
    re.IGNORECASE,
)


def main_part(body: bytes) -> HtmlElement:
    """Return the element that holds the page's main text, without menus, scripts and hidden elements."""
    tree = document_fromstring(_decoded(body).encode(), parser=HTMLParser(encoding="utf-8", huge_tree=True))
    for element in list(tree.iter()):
        if element.getparent() is not None and _is_gone(element):
            element.drop_tree()
    runs = _run_chars(tree)
    for xpath in CONTAINERS:
        found = max(tree.xpath(xpath), key=lambda e: runs.get(e, 0), default=None)
        if found is not None and runs.get(found, 0) >= MIN_CONTAINER_SHARE * max(runs.get(tree, 0), 1):
            return found
    region = tree
    while True:
        inner = [child for child in region if runs.get(child, 0) >= REGION_SHARE * max(runs.get(tree, 0), 1)]
        if not inner or inner[0].tag in _RUNS - {"td"}:
            return region
        region = inner[0]


def plain_text(element: HtmlElement) -> str:
    """Return the text of an element, one line a block or cell; pictures and fields are spaces."""
    pieces: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if not isinstance(node.tag, str):
            pieces.append(node.tail or "" if event == "end" and node is not element else "")
            continue
        if node.tag in _LINE:
            pieces.append("\n")
        if node.tag in _EMPTY and event == "start":
            pieces.append(" ")
        text = node.text if event == "start" else node.tail if node is not element else ""
        pieces.append((text or "").replace("\n", " "))
    return "".join(pieces)


def quantities(text: str) -> Counter[str]:
    """Return the numbers of a text that have a sign, a range or a unit, as a multiset without spaces."""
    text = unicodedata.normalize("NFKC", re.sub(r"[\^_]\{([^{}]*)\}", r"\1", text.replace("~~", " ")))
    text = re.sub(r"[‐‑‒–—−]", "-", text.replace("µ", "μ").replace("\\|", "|"))
    text = re.sub(r"[ \t\xa0\u200b\xad]+", " ", re.sub(r"<br>|\|", "\n", text))
    return Counter(
        "".join(match[0].split()).lower()
        for match in _QUANTITY.finditer(text)
        if match["sign"] or match["range"] or match["unit"]
    )


def rows(element: HtmlElement) -> Iterator[list[str]]:
    """Yield the cells of each row of the data tables: those of two columns or more without a table inside."""
    for table in element.iter("table"):
        if sum(1 for _ in table.iter("table")) > 1 or table.get("role") in ("presentation", "none"):
            continue
        for row in table.iter("tr"):
            cells = [words(plain_text(cell)) for cell in row if cell.tag in ("td", "th")]
            if len(cells) > 1 and any(cells):
                yield [cell for cell in cells if cell]


def items(element: HtmlElement) -> Iterator[str]:
    """Yield the words of each list item up to its first inner list or table; those that are one link are left out."""
    for item in element.iter("li"):
        own = plain_text(item)
        for inner in item.iter("ul", "ol", "table"):
            own = own.partition(plain_text(inner))[0]
            break
        linked = "".join(words(plain_text(link)) for link in item.iter("a"))
        found = words(own)
        if found and len(linked.replace(" ", "")) < len(found.replace(" ", "")):
            yield found


def words(text: str) -> str:
    """Return the words of a text between single spaces, as two texts are compared."""
    text = re.sub(r"[\^_]\{([^{}]*)\}", r"\1", text.replace("<br>", " "))
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).lower()))


def pages(folder: Path) -> list[Path]:
    """Return the saved pages of `guidelines_html`, those with a known answer apart."""
    return sorted(p for p in folder.rglob("*.htm*") if "extraction_gold" not in p.parts)


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _is_gone(element: HtmlElement) -> bool:
    if not isinstance(element.tag, str):
        return True
    if (
        element.tag in _GONE
        or element.get("id") == "comments"
        or element.get("hidden") is not None
        or element.get("aria-hidden") == "true"
    ):
        return True
    return bool(_HIDDEN.search(element.get("style") or ""))


def _run_chars(tree: HtmlElement) -> dict[HtmlElement, int]:
    """Return for each element the characters of running text in it, links left out."""
    sums: dict[HtmlElement, int] = {}
    for element in tree.iter(*_RUNS):
        own = (element.text or "") + "".join(
            ("" if child.tag == "a" or child.tag in _LINE else "".join(map(str, child.itertext()))) + (child.tail or "")
            for child in element
        )
        if len(own) >= MIN_RUN_CHARS:
            for above in (element, *element.iterancestors()):
                sums[above] = sums.get(above, 0) + len(own)
    return sums
