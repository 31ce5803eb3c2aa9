"""Formulae of JATS and web pages as text: the publisher's TeX if there is any, else MathML as a TeX-like line.

Where a whole formula needs no TeX, raised and lowered digits and accents of one letter use Unicode (x², CO₂, x̄) like
the running text; else it is TeX as `sources.parse.mathml` writes it. Not here: rendering or checking of TeX.
"""

import re

from lxml import etree

from sources.parse.jats_script import subscript, superscript
from sources.parse.jats_text import tidy
from sources.parse.mathml import tex_of

_DOCUMENT = re.compile(r"\\begin\{document\}(.*?)\\end\{document\}", re.S)
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))
_NO_BASE = re.compile(r"(^| )\{\}(?=[\^_])")
_SCRIPT = re.compile(r"([\^_])\{([^{}]*)\}")
_ACCENT = re.compile(r"\\(hat|tilde|bar|vec|dot|ddot)\{(\w)\}")
_COMBINING = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308"}
_APPLY = re.compile("\u2061(?![(\\[])")
_FUSING = re.compile(r"(?<=\d)[\u2062-\u2064](?=\d)")
_UNSEEN = re.compile("[\u2061-\u2064]")
_EDGE = re.compile(r"(?<=[(\[]) | (?=[)\],;])|(?<=\d) (?=[\^_]\{)")
"""Blanks that mean nothing: inside brackets, and between a number and its exponent."""


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
    formula = tex_of(element)
    if _UNSEEN.search(formula):
        formula = _UNSEEN.sub("", _FUSING.sub(" ", _APPLY.sub(" ", formula)))
    formula = _EDGE.sub("", tidy(formula))
    plain = _ACCENT.sub(lambda accent: accent[2] + _COMBINING[accent[1]], _NO_BASE.sub(r"\1", formula))
    plain = _SCRIPT.sub(lambda script: _plain_script(script[1], script[2]), plain)
    return formula if "{" in plain or "\\" in plain else plain


def _plain_script(kind: str, text: str) -> str:
    return superscript(text, "") if kind == "^" else subscript(text)


def delimited(formula: str, *, display: bool) -> str:
    """Return a formula as it stands in Markdown: TeX between dollars, plain ones (p<0.05) as they are."""
    if "\\" not in formula and "{" not in formula:
        return formula
    return f"$${formula}$$" if display else f"${formula}$"
