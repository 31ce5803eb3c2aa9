"""Links between works: corrections, retractions, comments; and whether an article itself is retracted.

A retraction notice says which article it retracts; it is not itself retracted. An article is retracted when it
points forward to its notice, or carries a marker in title, subject, type or custom metadata. The relation names
are JATS `related-article-type` values in the words of `sources.parse.part`; others are kept as they are. What is
marked only on the notice cannot be seen from the article: the links let a later stage join both.
"""

import re
from typing import Any

from lxml import etree

from sources.parse.jats_element import XLINK_HREF, every, plain_text
from sources.parse.jats_front import bare_doi

_RELATIONS = {
    "retracted-article": "retracts",
    "partial-retraction": "partially_retracts",
    "retraction-forward": "retracted_by",
    "retracted-by": "retracted_by",
    "partial-retraction-forward": "partially_retracted_by",
    "corrected-article": "corrects",
    "correction-forward": "corrected_by",
    "correction": "corrected_by",
    "erratum": "corrected_by",
    "object-of-concern": "concerns",
    "concern-forward": "concern_by",
    "expression-of-concern": "concern_by",
    "addended-article": "adds_to",
    "addendum": "added_to_by",
    "commentary-article": "comments_on",
    "commentary": "commented_by",
    "peer-reviewed-article": "reviews",
    "republished-article": "republishes",
    "republication": "republished_by",
    "preprint": "has_preprint",
    "preprint-of": "preprint_of",
    "is-preprint-of": "preprint_of",
}
_RETRACTED_TITLE = re.compile(r"\W*(?:RETRACTED|WITHDRAWN)\b", re.I)
_NOTICE = re.compile(r"retraction|correction|withdrawal|expression-of-concern|erratum")


def links_of(meta: etree._Element | None, article_type: str) -> list[tuple[str, str]]:
    """Return (relation, target) pairs; the target is a DOI where there is one, else what is given."""
    links: list[tuple[str, str]] = []
    for node in every(meta, "related-article"):
        kind = (node.get("related-article-type") or "").strip().lower()
        target = _target(node)
        if not kind or not target:
            continue
        if kind == "retraction":
            relation = "retracts" if _NOTICE.search(article_type) else "retracted_by"
        else:
            relation = _RELATIONS.get(kind, kind.replace("-", "_"))
        if (relation, target) not in links:
            links.append((relation, target))
    return links


def _target(node: etree._Element) -> str:
    """Return a DOI, `pmid:` with a number, or a PMC id as other sources write them; else the address as it stands."""
    address = (node.get(XLINK_HREF) or "").strip()
    kind = (node.get("ext-link-type") or "").lower()
    if kind in ("pubmed", "pmid") and address.isdigit():
        return f"pmid:{address}"
    if kind in ("pmc", "pmcid") and (number := re.fullmatch(r"(?:PMC)?(\d+)", address)):
        return f"PMC{number[1]}"
    return bare_doi(address) or bare_doi(plain_text(node)) or address


def is_retracted(title: str, facts: dict[str, Any], links: list[tuple[str, str]]) -> bool:
    """Say whether the article itself (not one it speaks of) is marked as retracted."""
    article_type = str(facts.get("article_type", "")).lower()
    if article_type in {"retracted-article", "retracted"}:
        return True
    if _NOTICE.search(article_type) or any(relation == "retracts" for relation, _ in links):
        return False
    if _RETRACTED_TITLE.match(title) or any(relation == "retracted_by" for relation, _ in links):
        return True
    if any(
        re.fullmatch(r"\W*retracted(?: article| paper)?\W*", subject, re.I) for subject in facts.get("subjects", ())
    ):
        return True
    return any(
        "retract" in f"{name} {value}".lower() and value.strip().lower() not in {"", "no", "false", "0"}
        for name, value in facts.get("custom_meta", {}).items()
        if re.search(r"retract", name, re.I) or re.fullmatch(r"retracted(?:-article)?", value.strip(), re.I)
    )
