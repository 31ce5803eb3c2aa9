"""Formulae of JATS as text: the publisher's TeX if there is any, else MathML rewritten in a TeX-like line.

No token that is printed is lost: every `mi`, `mn`, `mo` and `mtext` comes out but those of `mphantom` and of the
branches of `maction` that are not shown; unknown elements give their content.
Digits raised or lowered use Unicode (x², CO₂) like the running text; the rest is `^{...}`, `_{...}`, `\\frac{}{}`,
`\\sqrt{}` and `matrix` (MathML 3, chapter 3). Not here: rendering or checking of TeX.
"""

import re
from collections.abc import Callable

from lxml import etree

from sources.parse.jats_element import local
from sources.parse.jats_script import subscript, superscript
from sources.parse.jats_text import tidy

_DOCUMENT = re.compile(r"\\begin\{document\}(.*?)\\end\{document\}", re.S)
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))
_ANNOTATIONS = frozenset({"annotation", "annotation-xml"})
_UNPRINTED = frozenset({"mspace", "maligngroup", "malignmark", "mphantom"})
_WORD = re.compile(r"[^\W\d_]{2,}$")


def tex_source(source: str) -> str:
    """Return the formula of a `tex-math` element without its LaTeX preamble and delimiters."""
    document = _DOCUMENT.search(source)
    text = tidy(document[1] if document else source)
    for opening, closing in _DELIMITERS:
        if text.startswith(opening) and text.endswith(closing) and len(text) >= len(opening) + len(closing):
            return text[len(opening) : -len(closing)].strip()
    return text


def mathml_text(element: etree._Element) -> str:
    """Return a MathML formula as one line: TeX where it needs TeX, else plain text with raised digits (x²)."""
    formula = tidy(_tex(element))
    plain = _SCRIPT.sub(lambda script: _plain_script(script[1], script[2]), _NO_BASE.sub(r"\1", formula))
    return formula if "{" in plain or "\\" in plain else plain


def _plain_script(kind: str, text: str) -> str:
    return superscript(text, "") if kind == "^" else subscript(text)


def _tex(element: etree._Element) -> str:
    """Return one MathML element in TeX; between tokens there is a blank where the file has white space."""
    name = local(element)
    if name in _UNPRINTED:
        return " "
    if not len(element):
        return _escaped(element.text or "")
    if name in _SHAPED:
        return _SHAPED[name](element)
    children = [child for child in element if local(child) not in _ANNOTATIONS]
    parts = [_tex(child).strip() if name not in _ROWS else _tex(child) for child in children]
    if name == "mfrac" and len(parts) == 2:
        return f"\\frac{{{parts[0]}}}{{{parts[1]}}}"
    if name == "mroot" and len(parts) == 2:
        return f"\\sqrt[{parts[1]}]{{{parts[0]}}}"
    kinds = _SCRIPTED.get(name, "")
    if kinds and len(parts) == len(kinds) + 1:
        gaps = [" " if _spaced(child) else "" for child in children]
        scripts = zip(gaps, kinds, parts[1:], strict=False)
        return parts[0] + "".join(f"{gap}{kind}{{{part}}}" for gap, kind, part in scripts)
    row = _row(element, children, parts)
    return f"\\sqrt{{{row}}}" if name == "msqrt" else row


_ROWS = frozenset({"math", "mrow", "mstyle", "mtext", "mtd", "mpadded", "menclose", "merror"})
_SCRIPTED = {"msub": "_", "msup": "^", "msubsup": "_^", "munder": "_", "mover": "^", "munderover": "_^"}
_NO_BASE = re.compile(r"(^| )\{\}(?=[\^_])")
_SCRIPT = re.compile(r"([\^_])\{([^{}]*)\}")


def _escaped(token: str) -> str:
    return token.replace("{", "\\{").replace("}", "\\}")


def _spaced(element: etree._Element) -> bool:
    return bool(element.tail) and not (element.tail or "x").strip()


def _row(element: etree._Element, children: list[etree._Element], parts: list[str]) -> str:
    """Return a row of tokens; a name of letters such as `sin` is kept apart from a letter or digit after it."""
    row = element.text or ""
    for child, part in zip(children, parts, strict=True):
        apart = part[:1].isalnum() and (_WORD.search(row) or (row[-1:].isalpha() and _WORD.match(part)))
        row += (f" {part}" if apart else part) + (child.tail or "")
    return row


def _fenced(element: etree._Element) -> str:
    """Return `mfenced` with its fences and separators, which are attributes."""
    separators = "".join(element.get("separators", ",").split())
    row = ""
    for place, child in enumerate(element):
        if place and separators:
            row += separators[min(place - 1, len(separators) - 1)]
        row += _tex(child) + (child.tail or "")
    return f"{_escaped(element.get('open', '('))}{row}{_escaped(element.get('close', ')'))}"


def _matrix(table: etree._Element) -> str:
    lines = [" & ".join(_tex(cell).strip() for cell in row) for row in table]
    return "\\begin{matrix} " + " \\\\ ".join(lines) + " \\end{matrix}"


def _chosen(element: etree._Element) -> str:
    """Return the branch of `maction` that is shown first: the one its `selection` (from 1) names."""
    selected = element.get("selection", "1").strip()
    at = int(selected[:6]) if selected.isascii() and selected.isdigit() else 1
    return _tex(element[at - 1 if 1 <= at <= len(element) else 0])


def _multiscripts(element: etree._Element) -> str:
    """Return `mmultiscripts`: scripts after `mprescripts` stand before the base, on an empty base of their own."""
    after: list[str] = []
    before: list[str] = []
    side = after
    for child in list(element)[1:]:
        if local(child) == "mprescripts":
            side = before
        else:
            side.append(_tex(child).strip())
    raised, lowered = (" ".join(filter(None, before[start::2])) for start in (1, 0))
    lead = "".join(f"{kind}{{{text}}}" for kind, text in (("^", raised), ("_", lowered)) if text)
    lowered, raised = (" ".join(filter(None, after[start::2])) for start in (0, 1))
    tail = "".join(f"{kind}{{{text}}}" for kind, text in (("_", lowered), ("^", raised)) if text)
    return f"{f' {{}}{lead}' if lead else ''}{_tex(element[0]).strip()}{tail}"


_SHAPED: dict[str, Callable[[etree._Element], str]] = {
    "semantics": lambda element: _tex(element[0]),
    "mfenced": _fenced,
    "mtable": _matrix,
    "maction": _chosen,
    "mmultiscripts": _multiscripts,
}


def delimited(formula: str, *, display: bool) -> str:
    """Return a formula as it stands in Markdown: TeX between dollars, plain ones (p<0.05) as they are."""
    if "\\" not in formula and "{" not in formula:
        return formula
    return f"$${formula}$$" if display else f"${formula}$"
