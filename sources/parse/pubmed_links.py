"""How a PubMed citation is tied to others: corrections, retractions, comments, versions; and what it cites.

The relations are those of the articles (`sources.parse.jats_links`), so that a notice found in one source speaks of a
text found in another. A target is `pmid:` with the number, and the DOI as well where the reference prints one. Follows
the values of `CommentsCorrections/@RefType` up to pubmed_250101; what is new there keeps its name. Not here: judging.
"""

import re

from lxml import etree

from sources.parse.jats_element import descendants, every, first, plain_text
from sources.parse.jats_front import bare_doi

_RELATIONS = {
    "RetractionIn": ("retracted_by",),
    "RetractionOf": ("retracts",),
    "PartialRetractionIn": ("partially_retracted_by",),
    "PartialRetractionOf": ("partially_retracts",),
    "RetractedandRepublishedIn": ("retracted_by", "republished_by"),
    "RetractedandRepublishedFrom": ("republishes",),
    "CorrectedandRepublishedIn": ("corrected_by", "republished_by"),
    "CorrectedandRepublishedFrom": ("corrects", "republishes"),
    "ErratumIn": ("corrected_by",),
    "ErratumFor": ("corrects",),
    "ExpressionOfConcernIn": ("concern_by",),
    "ExpressionOfConcernFor": ("concerns",),
    "CommentIn": ("commented_by",),
    "CommentOn": ("comments_on",),
    "UpdateIn": ("updated_by",),
    "UpdateOf": ("updates",),
    "RepublishedIn": ("republished_by",),
    "RepublishedFrom": ("republishes",),
    "ReprintIn": ("republished_by",),
    "ReprintOf": ("republishes",),
}
NOTICES = frozenset({"retracts", "partially_retracts", "concerns"})
"""Relations of a notice to what it warns of."""
_ID_TYPES = {"pubmed": "pmid", "doi": "doi", "pmc": "pmcid"}


def links_of(citation: etree._Element | None) -> list[tuple[str, str]]:
    """Return (relation, target) pairs, each once, in the order of the file; references without any id are left out."""
    links: dict[tuple[str, str], None] = {}
    for node in descendants(citation, "CommentsCorrections"):
        kind = (node.get("RefType") or "").strip()
        relations = _RELATIONS.get(kind) or (re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower(),)
        pmid = plain_text(first(node, "PMID"))
        targets = [f"pmid:{pmid}" if pmid else "", bare_doi(plain_text(first(node, "RefSource")))]
        links |= {(relation, target): None for relation in relations for target in targets if relation and target}
    return list(links)


def references_of(record: etree._Element) -> list[str]:
    """Return the works that a citation lists, one string each, with their identifiers after them."""
    return [text for node in descendants(record, "Reference") if (text := _reference(node))]


def _reference(node: etree._Element) -> str:
    citation = plain_text(first(node, "Citation"))
    ids = [
        f"{_ID_TYPES[kind]}:{plain_text(found)}"
        for found in every(first(node, "ArticleIdList"), "ArticleId")
        if (kind := found.get("IdType") or "") in _ID_TYPES and plain_text(found) not in citation
    ]
    return " ".join(filter(None, [citation, *ids]))
