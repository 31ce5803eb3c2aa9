"""How files of many articles are built: which roots there are, what an article is called in each, and its key.

Europe PMC's bulk files and article sets of PMC hold `article`; PubMed's baseline and update files (DTD pubmed_250101,
the layout since 2017) hold citations and, at their end, lists of deleted ones; until 2016 they had another root. The
key is found in the bytes, as nothing is parsed here. Not here: finding the borders (`sources.europe_pmc`).
"""

import re
from collections.abc import Callable
from typing import NamedTuple

_PMCID = re.compile(
    rb"<article-id\b[^>]*?pub-id-type\s*=\s*[\"'](?:pmcid|pmc)[\"'][^>]*>\s*(?:PMC)?([0-9]{1,12})\s*</article-id>"
)
_FRONT_END = re.compile(rb"</article-meta>|<body[\s>]|<sub-article[\s>]")
_PMID = re.compile(rb"<PMID(?:\s[^>]*)?>\s*([0-9]{1,12})\s*</PMID>")


class Layout(NamedTuple):
    """One root: marks that matter in such a file, tags of its articles, where an article's key stands."""

    mark: "re.Pattern[bytes]"
    article_tag: "re.Pattern[bytes]"
    key: Callable[[bytes], str]
    """The key of an article given as bytes, empty when it has none."""


def name_of(article: bytes) -> bytes:
    """Return the name of the element that an article's bytes begin with."""
    return re.split(rb"[\s/>]", article[1:64], maxsplit=1)[0]


def _pmc_id(article: bytes) -> str:
    end = _FRONT_END.search(article)
    match = _PMCID.search(article, 0, end.start() if end else len(article))
    return f"PMC{int(match.group(1))}" if match else ""


def _pubmed_id(citation: bytes) -> str:
    """Return the PMID of a citation, which stands before all others in it; a list of deleted ones has its own name."""
    if citation.startswith(b"<Delete"):
        return name_of(citation).decode()
    match = _PMID.search(citation)
    return match.group(1).decode() if match else ""


def _layout(root: bytes, articles: bytes, key: Callable[[bytes], str]) -> Layout:
    mark = rb"<!--|<!\[CDATA\[|<\?|</?(?:" + root + rb"|" + articles + rb")(?=[\s/>])"
    return Layout(re.compile(mark), re.compile(rb"</?(?:" + articles + rb")[\s/>]"), key)


LAYOUTS = {
    b"articles": _layout(b"articles", b"article", _pmc_id),
    b"pmc-articleset": _layout(b"pmc-articleset", b"article", _pmc_id),
    b"PubmedArticleSet": _layout(
        b"PubmedArticleSet", b"PubmedArticle|PubmedBookArticle|DeleteCitation|DeleteDocument", _pubmed_id
    ),
    b"MedlineCitationSet": _layout(b"MedlineCitationSet", b"MedlineCitation|DeleteCitation", _pubmed_id),
}
"""By the name of the root element."""
