"""A plain text walk for the tests: the numbers of a text with their signs and units, found without the parsers.

Raised and lowered digits count as digits of their own, so that 10³ is 10 and 3 but never 103. What is compared is a
multiset: each number with the comparison sign before it, the unit behind it, and, for a range, its other end.
"""

import re
from collections import Counter
from collections.abc import Iterable

from lxml import etree

_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻₀₁₂₃₄₅₆₇₈₉", "0123456789-0123456789")
_SCRIPTS = re.compile("⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+(?:[,–⁻-][⁰¹²³⁴⁵⁶⁷⁸⁹]+)*|[₀₁₂₃₄₅₆₇₈₉]+")
_UNIT = (
    r"%|‰|°C|°F|°|(?:mg|mcg|µg|μg|ng|kg|g|mL|ml|dL|dl|L|mmol|µmol|mol|IU|mEq|kcal|cm|mm|mmHg|kPa|Hz)"
    r"(?:/[A-Za-z0-9]+)*(?![A-Za-z])|(?:hours?|minutes?|days?|weeks?|months?|years?)\b"
)
_MARKDOWN = re.compile(r"(?m)^\s*(?:[-*•] |\d+\. (?=\s*$))|(?: --- \||<br>)|[|#]+")
"""Marks at which a number cannot go on: bullets, rules and borders of tables, breaks."""
_NUMBER = re.compile(
    r"(?P<sign>[<>≤≥±=~≈] *)?(?P<number>\d+(?:[.,]\d+)*)"
    rf"(?: *(?:-|–|—|to) *(?P<end>\d+(?:[.,]\d+)*))? *(?P<unit>{_UNIT})?"
)
_INLINE = frozenset(
    {"b", "i", "em", "strong", "span", "a", "u", "font", "content", "linkhtml", "emphasis", "small", "highlight"}
    | {"externalref", "summaryref", "glossarytermref", "genename", "loeref", "protocolref", "drugref", "scientificname"}
)
_SCRIPT = frozenset({"sup", "sub", "superscript", "subscript"})


def numbers(text: str) -> Counter[tuple[str, str, str, str]]:
    """Return (sign, number, end of the range, unit) of every number, with how often each comes."""
    text = _SCRIPTS.sub(lambda match: _apart(match[0].translate(_RAISED)), text)
    text = re.sub(r"[\^_]\{([^}]*)\}", lambda match: _apart(match[1]), text).replace("\\|", "\n")
    text = re.sub(r"[^\S\n]+", " ", _MARKDOWN.sub("\n", text))
    found: Counter[tuple[str, str, str, str]] = Counter()
    for match in _NUMBER.finditer(text):
        sign = (match["sign"] or "").strip()
        found[sign, match["number"], match["end"] or "", match["unit"] or ""] += 1
    return found


def lost(source: str, document: str) -> Counter[tuple[str, str, str, str]]:
    """Return the numbers of `source` that `document` does not have, or not as often."""
    return numbers(source) - numbers(document)


def words_of(root: etree._Element, skip: Iterable[str] = ()) -> str:
    """Return all text under an element, elements apart but those within a line, without elements named in `skip`."""
    omitted = frozenset(skip)
    pieces: list[str] = []
    stack: list[etree._Element | str] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            pieces.append(node)
            continue
        name = etree.QName(node).localname.lower() if isinstance(node.tag, str) else ""
        gap = "" if name in _INLINE | _SCRIPT else "\n"
        after = _line(node.tail) if node is not root else ""
        if not name or name in omitted:
            pieces.append(gap + after)
            continue
        if name in _SCRIPT:
            pieces.append(_apart(_line("".join(map(str, node.itertext())))) + after)
            continue
        stack += [gap + after, *reversed(list(node))]
        pieces.append(gap + _line(node.text))
    return "".join(pieces)


def _line(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")


def _apart(raised: str) -> str:
    """Return raised text with each of its numbers alone: pages raise "1,9" as one element or as three."""
    return f" {re.sub('[,–-]', ' , ', raised)} "
