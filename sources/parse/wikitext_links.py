"""What links of wikitext point to: pages, pictures with captions, categories, other languages; and works cited.

Names of namespaces are known in the languages whose wikis are read most; in others a picture's link shows its last
option, which is its caption too. Not here: rendering (`wikitext`).
"""

import re

from mwparserfromhell import nodes
from mwparserfromhell.wikicode import Wikicode

_FILES = frozenset({"file", "image", "media", "datei", "bild", "fichier", "archivo", "imagen", "ficheiro", "immagine"})
_CATEGORIES = frozenset({"category", "kategorie", "catégorie", "categoría", "categoria", "categorie"})
_NO_LANGUAGE = frozenset({"doi", "pmc", "rfc", "wp", "mw", "bug", "wmf"})
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*$")
_THUMB = re.compile(r"thumb(?:nail)?(?:=.*)?|frame[d]?|mini(?:atur)?|vignette|miniaturadeimagen", re.IGNORECASE)
_OPTION = re.compile(
    r"(?:thumb(?:nail)?|frame[d]?|frameless|border|left|right|center|none|baseline|middle|sub|super|top|bottom|text-\w+"
    r"|upright|mini|vignette|\d*x?\d+px|(?:alt|link|page|lang|class|upright|thumb|start|end|thumbtime)\s*=.*)",
    re.IGNORECASE | re.DOTALL,
)
_CITED = ("vauthors", "author", "last", "last1", "title", "journal", "publisher", "date", "year", "doi", "pmid", "url")
"""Fields of a citation that name the work."""


def kind_of(link: nodes.Wikilink) -> str:
    """Return file, category, language or page.

    A link to another language has a language's code before the colon and no text of its own; no reader sees it here.
    """
    prefix, colon, rest = str(link.title).strip().partition(":")
    name = prefix.strip().lower()
    if colon and name in _FILES:
        return "file"
    if colon and name in _CATEGORIES:
        return "category"
    is_code = colon and name not in _NO_LANGUAGE and _LANGUAGE.match(name) and rest[:1].strip()
    return "language" if is_code and link.text is None else "page"


def shown_title(link: nodes.Wikilink) -> str:
    """Return what a link without text shows: its target; by the pipe trick ([[Iron (drug)|]]) without brackets."""
    shown = str(link.title).strip().removeprefix(":")
    if link.text is None:
        return shown
    return re.sub(r"\s*\([^)]*\)$", "", shown.partition(":")[2] or shown)


def caption_of(text: Wikicode | None) -> Wikicode | None:
    """Return the caption of a picture that is shown in a frame; a small sign in a line has none."""
    options = _split_options(text)
    is_framed = any(_THUMB.fullmatch(str(option).strip()) for option in options)
    said = [option for option in options if not _OPTION.fullmatch(str(option).strip())]
    return said[-1] if said and is_framed else None


def cited_work(contents: Wikicode | None) -> str:
    """Return what a citation template in a reference names: authors, title, journal, year, identifiers; "" for none."""
    for template in contents.filter_templates() if contents else []:
        if str(template.name).strip().lower().startswith(("cite", "citation")):
            values = {str(p.name).strip(): p.value.strip_code().strip() for p in template.params}
            return ". ".join(values[name] for name in _CITED if values.get(name))
    return ""


def _split_options(text: Wikicode | None) -> list[Wikicode]:
    """Return the options of a picture's link, split where a pipe stands in its own text."""
    options: list[list[nodes.Node]] = [[]]
    for node in text.nodes if text else []:
        if isinstance(node, nodes.Text):
            first, *more = str(node.value).split("|")
            options[-1].append(nodes.Text(first))
            options += [[nodes.Text(piece)] for piece in more]
        else:
            options[-1].append(node)
    return [Wikicode(option) for option in options]
