"""MathML as one line of TeX: presentation elements of MathML 2-3 and of MathML Core, chapter 3 of the specification.

No token that is printed is lost: every `mi`, `mn`, `mo`, `ms` and `mtext` comes out but those of `mphantom` and of the
branches of `maction` that are not shown; unknown elements give their content. Signs over and under a base become
accents (`\\hat{P}`), struck content `\\cancel{}`: read as live text a withdrawn dose would count. White space of the
file between tokens stays as one blank, operators that are not printed (times, apply) leave one only where digits
would fuse. Not here: TeX written by the publisher, what needs no TeX at all (`sources.parse.jats_math`).
"""

import re
from collections.abc import Callable

from lxml import etree

from sources.parse.jats_element import children_of, local

_ANNOTATIONS = frozenset({"annotation", "annotation-xml"})
_UNPRINTED = frozenset({"mspace", "maligngroup", "malignmark", "mphantom"})
_ROWS = frozenset({"math", "mrow", "mstyle", "mtext", "mtd", "mpadded", "merror", "mi", "mn", "mo"})
_SCRIPTED = {"msub": "_", "msup": "^", "msubsup": "_^"}
_LIMITED = {"munder": ("under",), "mover": ("over",), "munderover": ("under", "over")}
_LIMITS = re.compile(r"[∏∐∑∫-∳⋀-⋃⨀-⨖]|lim|lim ?(?:sup|inf)|max|min|sup|inf|arg ?(?:max|min)|Pr|det|gcd", re.I)
_WORD = re.compile(r"[^\W\d_]{2,}$")
_OVER = {
    **dict.fromkeys("^ˆ\u0302", "hat"),
    **dict.fromkeys("~˜∼\u0303", "tilde"),
    **dict.fromkeys("¯ˉ‾_-−–—―\u0304\u0305", "bar"),
    **dict.fromkeys("→⟶⃗⇀", "vec"),
    **dict.fromkeys(".˙\u0307", "dot"),
    **dict.fromkeys(("..", "¨", "\u0308"), "ddot"),
    **dict.fromkeys("ˇ\u030c", "check"),
    **dict.fromkeys("˘\u0306", "breve"),
    **dict.fromkeys("´\u0301", "acute"),
    **dict.fromkeys("`\u0300", "grave"),
    **dict.fromkeys("⏞︷", "overbrace"),
}
_WIDE = {"bar": "overline", "hat": "widehat", "tilde": "widetilde", "vec": "overrightarrow"}
_UNDER = {**dict.fromkeys("_¯‾̲-−–—\u0332", "underline"), **dict.fromkeys("⏟︸", "underbrace")}
_ENCLOSED = {
    "box": "boxed", "roundedbox": "boxed", "circle": "boxed", "radical": "sqrt", "top": "overline",
    "actuarial": "overline", "bottom": "underline",
}  # fmt: skip


def tex_of(element: etree._Element) -> str:
    """Return one MathML element in TeX; between tokens there is a blank where the file has white space."""
    name = local(element)
    if name in _UNPRINTED:
        return " "
    if name in _SHAPED:
        return _SHAPED[name](element)
    if not len(element):
        return _escaped(element.text or "")
    children = [child for child in children_of(element) if local(child) not in _ANNOTATIONS]
    if name in _ROWS:
        return _row(element, children, [tex_of(child) for child in children])
    parts = [tex_of(child).strip() for child in children]
    if name == "mfrac" and len(parts) == 2:
        return _fraction(element, *parts)
    if name == "mroot" and len(parts) == 2:
        return f"\\sqrt[{parts[1]}]{{{parts[0]}}}"
    kinds = _SCRIPTED.get(name, "")
    if kinds and len(parts) == len(kinds) + 1:
        gaps = [" " if _spaced(child) else "" for child in children]
        scripts = zip(gaps, kinds, parts[1:], strict=False)
        return parts[0] + "".join(_script(gap + kind, part) for gap, kind, part in scripts)
    places = _LIMITED.get(name, ())
    if places and len(parts) == len(places) + 1:
        return _limits(parts, places)
    row = _row(element, children, parts)
    return f"\\sqrt{{{row.strip()}}}" if name == "msqrt" else row


def _escaped(token: str) -> str:
    return token.replace("{", "\\{").replace("}", "\\}") if "{" in token or "}" in token else token


def _spaced(element: etree._Element) -> bool:
    return bool(element.tail) and not (element.tail or "x").strip()


def _script(kind: str, part: str) -> str:
    return f"{kind}{{{part}}}" if part else ""


def _row(element: etree._Element, children: list[etree._Element], parts: list[str]) -> str:
    """Return a row of tokens; a name of letters such as `sin` is kept apart from a letter or digit after it."""
    row = element.text or ""
    for child, part in zip(children, parts, strict=True):
        apart = part[:1].isalnum() and (_WORD.search(row) or (row[-1:].isalpha() and _WORD.match(part)))
        row += (f" {part}" if apart else part) + (child.tail or "")
    return row


def _fraction(element: etree._Element, over: str, under: str) -> str:
    """Return a fraction; one without a line is no fraction but a binomial coefficient or two lines."""
    if re.fullmatch(r"0[a-z%.0]*", element.get("linethickness", "1").strip()):
        return f"{{{over} \\atop {under}}}"
    return f"\\frac{{{over}}}{{{under}}}"


def _limits(parts: list[str], places: tuple[str, ...]) -> str:
    """Return a base with what is printed under and over it: limits, accents, braces, or set there as it is."""
    text = parts[0]
    for place, part in zip(places, parts[1:], strict=True):
        name = (_OVER if place == "over" else _UNDER).get(part)
        if not part:
            continue
        if name and text:
            wide = len(text) > 1 and text[0] != "\\"
            text = f"\\{_WIDE.get(name, name) if wide else name}{{{text}}}"
        elif not text or _LIMITS.fullmatch(parts[0]) or parts[0].startswith(("\\underbrace", "\\overbrace")):
            text += _script("^" if place == "over" else "_", part)
        else:
            text = f"\\{place}set{{{part}}}{{{text}}}"
    return text


def _fenced(element: etree._Element) -> str:
    """Return `mfenced` with its fences and separators, which are attributes."""
    separators = "".join(element.get("separators", ",").split())
    row = ""
    for place, child in enumerate(element):
        if place and separators:
            row += separators[min(place - 1, len(separators) - 1)]
        row += tex_of(child) + (child.tail or "")
    return f"{_escaped(element.get('open', '('))}{row.strip()}{_escaped(element.get('close', ')'))}"


def _matrix(table: etree._Element) -> str:
    lines = [_matrix_row(row) for row in children_of(table) if local(row) not in _ANNOTATIONS]
    return "\\begin{matrix} " + " \\\\ ".join(lines) + " \\end{matrix}"


def _matrix_row(row: etree._Element) -> str:
    """Return a row of a matrix; the label of an `mlabeledtr`, its first child, follows the cells."""
    if local(row) not in {"mtr", "mlabeledtr"}:
        return tex_of(row).strip()
    cells = [tex_of(cell).strip() for cell in children_of(row)]
    label = cells.pop(0) if local(row) == "mlabeledtr" and cells else ""
    return " & ".join(cells) + (f" {label}" if label else "")


def _chosen(element: etree._Element) -> str:
    """Return the branch of `maction` that is shown first: the one its `selection` (from 1) names."""
    if not len(element):
        return _escaped(element.text or "")
    selected = element.get("selection", "1").strip()
    at = int(selected[:6]) if selected.isascii() and selected.isdigit() else 1
    return tex_of(element[at - 1 if 1 <= at <= len(element) else 0])


def _multiscripts(element: etree._Element) -> str:
    """Return `mmultiscripts`: scripts after `mprescripts` stand before the base, on an empty base of their own."""
    if not len(element):
        return _escaped(element.text or "")
    after: list[str] = []
    before: list[str] = []
    side = after
    for child in children_of(element)[1:]:
        if local(child) == "mprescripts":
            side = before
        else:
            side.append(tex_of(child).strip())
    raised, lowered = (" ".join(filter(None, before[start::2])) for start in (1, 0))
    lead = _script("^", raised) + _script("_", lowered)
    lowered, raised = (" ".join(filter(None, after[start::2])) for start in (0, 1))
    tail = _script("_", lowered) + _script("^", raised)
    return f"{f' {{}}{lead}' if lead else ''}{tex_of(element[0]).strip()}{tail}"


def _enclosed(element: etree._Element) -> str:
    """Return `menclose`: struck out, boxed, or under a line; other kinds of enclosure give their content."""
    text = _row(element, children_of(element), [tex_of(child) for child in children_of(element)]).strip()
    kinds = element.get("notation", "longdiv").split()
    if text and any(kind.endswith(("strike", "diagonalarrow")) for kind in kinds):
        return f"\\cancel{{{text}}}"
    command = next((_ENCLOSED[kind] for kind in kinds if kind in _ENCLOSED), "")
    return f"\\{command}{{{text}}}" if command and text else text


def _string(element: etree._Element) -> str:
    return f"{element.get('lquote', '“')}{_escaped(element.text or '')}{element.get('rquote', '”')}"


def _meant(element: etree._Element) -> str:
    return tex_of(element[0]) if len(element) else _escaped(element.text or "")


_SHAPED: dict[str, Callable[[etree._Element], str]] = {
    "semantics": _meant,
    "mfenced": _fenced,
    "mtable": _matrix,
    "maction": _chosen,
    "mmultiscripts": _multiscripts,
    "menclose": _enclosed,
    "ms": _string,
    "mglyph": lambda element: element.get("alt", ""),
}
