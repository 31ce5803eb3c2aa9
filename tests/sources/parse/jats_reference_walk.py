"""The oracle of the JATS parser: every word of a body, found without any of the parser's code.

Blocks are joined with a blank, inline elements without; of each `alternatives` one branch counts; sub-articles are
apart. Both sides are folded with NFKC, for this comparison only. It knows nothing of layout, order or meaning.
"""

import re
import unicodedata
from collections import Counter

from lxml import etree

INLINE_NAMES = (
    "italic bold sub sup sc monospace underline overline strike roman sans-serif styled-content named-content xref "
    "ext-link uri email abbrev inline-formula inline-graphic mixed-citation x target milestone-start milestone-end "
    "surname given-names i b u tt a span taxon-name taxon-name-part inline-supplementary-material"
)
INLINE = frozenset(INLINE_NAMES.split())
MATH_BLOCK = {"mtable", "mtr", "mlabeledtr", "mtd"}
MATH = "{http://www.w3.org/1998/Math/MathML}"


def name(node: etree._Element) -> str:
    return etree.QName(node).localname


def walk(node: etree._Element, out: list[str], *, top: bool = False) -> None:
    if name(node) in {"sub-article", "response"} and not top:
        return
    if name(node) == "alternatives":
        branches: list[list[str]] = []
        for child in node:
            branch: list[str] = []
            walk(child, branch)
            branches.append(branch)
        # The branch the parser should prefer, named by kind only.
        for wanted in ("tex-math", "math", "table"):
            for child, branch in zip(node, branches, strict=True):
                if name(child) == wanted and "".join(branch).strip():
                    out.extend(branch)
                    return
        out.extend(next((branch for branch in branches if "".join(branch).strip()), []))
        return
    inline = name(node) in INLINE or (node.tag.startswith(MATH) and name(node) not in MATH_BLOCK)
    gap = "" if inline else " "
    out.append(gap)
    text = node.text or ""
    if name(node) == "tex-math" and "\\begin{document}" in text:
        text = text.split("\\begin{document}")[1].split("\\end{document}")[0]
    out.append(text)
    for child in node:
        walk(child, out)
        out.append(child.tail or "")
    out.append(gap)


def words(text: str) -> Counter[str]:
    folded = unicodedata.normalize("NFKC", re.sub(r"[\^_]\{([^{}]*)\}", r"\1", text))
    return Counter(re.findall(r"\w+", folded))


def body_words(article: etree._Element) -> Counter[str]:
    """Return the words of the body of one article or sub-article."""
    out: list[str] = []
    for child in article:
        if name(child) == "body":
            walk(child, out)
    return words("".join(out))


def recall(wanted: Counter[str], text: str) -> tuple[float, Counter[str]]:
    """Return the share of wanted words (each as often as it occurs) that `text` has, and those it lacks."""
    missing = wanted - words(text)
    total = sum(wanted.values())
    return (1.0 if not total else 1 - sum(missing.values()) / total), missing
