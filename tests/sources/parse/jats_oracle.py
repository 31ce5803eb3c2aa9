"""What a JATS article holds, read by a walk of the tests' own: words by element, items, formulae, headings, abstracts.

It shares no code with the parser and knows nothing of layout. Words are seen with their seams: where an inline
element begins or ends within a word (a raised citation, a token of a formula) a text may write it in one piece or
in several, and both count as kept; what stands on no side of a seam must be there letter for letter. Comparison is
on NFKD-folded text, which only tests may do.
"""

import bisect
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from jats_reference_walk import INLINE, MATH, MATH_BLOCK, name
from lxml import etree

SEAM = "\x1f"
BRANCHES = ("tex-math", "math", "table")
MATH_TOKENS = {"mi", "mn", "mo", "ms", "mtext"}
UNSHOWN = {"mphantom", "annotation", "annotation-xml"}
_SCRIPTS = re.compile(r"[\^_]\{([^{}]*)\}")
_ACCENTS = re.compile("[\u0302-\u0304\u0307\u0308\u20d7]")
"""Accents that a formula has as a sign of its own or over a letter."""
_FENCED = re.compile(r"\\begin\{document\}(.*?)\\end\{document\}", re.S)
_RAISED = re.compile(r"[²³¹⁰-₟ʰ-ˡˣᴬ-ᵪⱼⱽᶜᵍᶠᶻ]+|[\^_]\{[^{}]*\}")
_WORD = re.compile(rf"[^\W_{SEAM}](?:[^\W_]|{SEAM})*")


def fold(text: str) -> str:
    """Return text folded for comparison, scripts of TeX written on the line."""
    before = None
    while before != text:
        before, text = text, _SCRIPTS.sub(r"\1", text)
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text))


def run_of(text: str) -> str:
    """Return the letters and digits of a text, folded."""
    return re.sub(r"[\W_]+", "", fold(text)).casefold()


def branch_of(node: etree._Element) -> etree._Element | None:
    """Return the branch of `alternatives` that a text should have: TeX, MathML, a table, else the first with text."""
    full = [child for child in node if "".join(child.itertext()).strip()]
    named = (child for wanted in BRANCHES for child in full if name(child) == wanted)
    return next(named, full[0] if full else None)


def shown(node: etree._Element) -> list[etree._Element]:
    """Return the children of an element that a reader sees."""
    kind = name(node)
    if kind.endswith("alternatives"):
        branch = branch_of(node)
        return [] if branch is None else [branch]
    if kind == "semantics":
        return list(node)[:1]
    if kind == "maction":
        chosen = int(node.get("selection", "1"))
        return list(node)[chosen - 1 : chosen]
    return [child for child in node if name(child) not in UNSHOWN | {"sub-article", "response"}]


def _own(node: etree._Element, text: str | None) -> str:
    """Return a text that stands directly in `node`; between elements of a formula white space means nothing."""
    outside = str(node.tag).startswith(MATH) and name(node) not in MATH_TOKENS
    return "" if not text or (outside and not text.strip()) else text


def is_degree(node: etree._Element) -> bool:
    """Say whether a raised o or 0 is the sign of degrees: one before C or F."""
    raised = name(node) == "sup" and not len(node) and (node.text or "").strip() in {"o", "0", "º"}
    return raised and re.match(r"\s?[CF]\b", node.tail or "") is not None


def pieces(node: etree._Element) -> Iterator[tuple[str, str]]:
    """Yield (text, element it stands in) in document order; seams and breaks between them."""
    kind = name(node)
    edge = SEAM if kind in INLINE or (str(node.tag).startswith(MATH) and kind not in MATH_BLOCK) else " "
    yield edge, kind
    text = "°" if is_degree(node) else _own(node, node.text)
    document = _FENCED.search(text) if kind == "tex-math" else None
    text = document[1] if document else text
    yield (fold(text) if kind == "tex-math" else text), kind
    kept = shown(node)
    for child in node:
        if child in kept:
            yield from pieces(child)
        elif name(child) in UNSHOWN:
            yield " ", kind
        yield _own(node, child.tail), kind
    yield edge, kind


def words_by_element(nodes: list[etree._Element]) -> list[tuple[str, str]]:
    """Return the words of `nodes` with their seams, and the element each begins in."""
    found = [piece for node in nodes for piece in pieces(node)]
    folded = [(_ACCENTS.sub("", unicodedata.normalize("NFKD", text)), kind) for text, kind in found]
    starts, at = [], 0
    for text, _ in folded:
        starts.append(at)
        at += len(text)
    whole = "".join(text for text, _ in folded)
    return [
        (match[0].strip(SEAM), folded[bisect.bisect_right(starts, match.start()) - 1][1])
        for match in _WORD.finditer(whole)
    ]


def missing_words(nodes: list[etree._Element], text: str) -> tuple[int, Counter[tuple[str, str]]]:
    """Return how many words `nodes` hold, and the (element, word) pairs that `text` lacks.

    Words are looked for whole first, then in pieces between their seams, then in pieces of what is raised in the text.
    """
    wanted = sorted(words_by_element(nodes), key=lambda found: found[0].count(SEAM))  # what has many seams can wait
    written = [match[0].strip(SEAM) for match in _WORD.finditer(fold(_RAISED.sub(rf"{SEAM}\g<0>{SEAM}", text)))]
    left = Counter(word.replace(SEAM, "") for word in written)
    apart = [(word, kind) for word, kind in wanted if not _taken(word.replace(SEAM, ""), left)]
    lacking = [(part, kind) for word, kind in apart for part in _take(word.split(SEAM), left)]
    for word in written:
        if SEAM in word and _taken(word.replace(SEAM, ""), left):
            left.update(word.split(SEAM))
    return len(wanted), Counter((kind, part) for part, kind in lacking if not _taken(part, left))


def _taken(word: str, left: Counter[str]) -> bool:
    """Take one `word` out of `left`, or say that there is none."""
    left[word] -= 1 if (found := left[word] > 0) else 0
    return found


def _take(parts: list[str], left: Counter[str]) -> list[str]:
    """Take the parts of a word out of `left`, as many neighbours in one piece as it has; return what it lacks."""
    parts, lacking = [part for part in parts if part], []
    while parts:
        size = next((size for size in range(len(parts), 0, -1) if _taken("".join(parts[:size]), left)), 0)
        if not size:
            lacking.append(parts[0])
        parts = parts[max(size, 1) :]
    return lacking
