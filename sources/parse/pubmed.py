"""PubMed citations to abstracts: one part for each, one more for each abstract in another language.

Follows the DTD of NLM's baseline and update files (dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd) and those before
it, also `PubmedBookArticle` and the `MedlineCitationSet` of old files. Files of many citations are cut into citations
by `sources.europe_pmc` before they come here. A citation without any abstract holds a title only: it is left out
(no_abstract), but for notices of retraction and concern, whose links others need. A deleted citation is a fault with
its PMID. Not here: joining of updates with what they replace, and abstracts with full texts.
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from sources.parse.jats_element import descendants, every, first, local, plain_text
from sources.parse.jats_licence import Licence, licence_in
from sources.parse.jats_links import is_retracted
from sources.parse.jats_text import Heading, assemble
from sources.parse.jats_walk import room_for_depth
from sources.parse.language_codes import tag_of
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.pubmed_abstract import abstract_blocks, has_text, inline_walk
from sources.parse.pubmed_facts import article_of, citation_of, facts_of, identifiers_of, published_of, version_of
from sources.parse.pubmed_links import NOTICES, links_of, references_of
from sources.parse.xml_safe import parse_xml

ABSTRACT_LANGUAGE = "en"
"""`Abstract` is in English whatever the article is in; what is not stands in `OtherAbstract` (NLM's description)."""
_RECORDS = ("PubmedArticle", "PubmedBookArticle", "DeleteCitation", "DeleteDocument")
_NOTICE_TYPES = frozenset({"Retraction of Publication", "Retraction Notice", "Expression of Concern"})
_NO_TITLE = re.compile(r"\[?\s*(?:Not Available|No title available|In Process Citation)\s*\]?\.?", re.I)


def parse(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Part | Fault]:
    """Yield the parts of each citation; deleted citations and those without abstract are faults.

    Raises Unreadable: not_pubmed, or what `parse_xml` raises; ValueError for any option.
    """
    if options:
        raise ValueError(f"pubmed: there are no options, but {sorted(options)} is given")
    root = parse_xml(body)
    records = list(_records(root))
    if not records:
        raise Unreadable("not_pubmed", "no citation")
    with room_for_depth():
        for record in records:
            if local(record).startswith("Delete"):
                yield from _deleted(record)
            else:
                pmid = plain_text(first(citation_of(record), "PMID"))
                yield from _parts(record, key, pmid if len(records) > 1 else "")


def _records(root: etree._Element) -> Iterator[etree._Element]:
    """Yield the citations and lists of deleted ones, whatever wraps them; root itself may be one."""
    found = list(descendants(root, *_RECORDS))
    yield from found if found else descendants(root, "MedlineCitation", "DeleteCitation")


def _deleted(record: etree._Element) -> Iterator[Fault]:
    for pmid in descendants(record, "PMID"):
        yield Fault(reason="deleted_citation", detail=f"listed in {local(record)}", name=plain_text(pmid))


def _parts(record: etree._Element, key: str, name: str) -> Iterator[Part | Fault]:
    """Yield the abstract of a citation with all in its language, then those in others, or the fault of having none."""
    article, citation = article_of(record), citation_of(record)
    abstracts = [node for node in every(article, "Abstract") if has_text(node)]
    others = [node for node in every(citation, "OtherAbstract") if has_text(node)]
    own = [node for node in others if _language(node) == ABSTRACT_LANGUAGE]
    foreign = [node for node in others if _language(node) != ABSTRACT_LANGUAGE]
    links = links_of(citation)
    types = [plain_text(node) for node in descendants(article, "PublicationType")]
    is_notice = bool(_NOTICE_TYPES.intersection(types)) or any(relation in NOTICES for relation, _ in links)
    if not abstracts and not others and not is_notice:
        yield Fault(reason="no_abstract", detail="a title only", name=name)
        return
    part = _part(record, abstracts + own, name)
    part.links = links
    part.retracted = _is_retracted(part.title or "", types, links)
    if abstracts or own or is_notice:
        part.references = references_of(record)
        yield part
    names: set[str] = set()
    for node in foreign:
        yield _translation(record, node, part, key, names)


def _part(record: etree._Element, abstracts: list[etree._Element], name: str) -> Part:
    """Return the part of a citation; of a notice without abstract the text is the title."""
    walk = inline_walk()
    article, citation = article_of(record), citation_of(record)
    vernacular = walk.line(first(article, "VernacularTitle"))
    title = walk.line(first(article, "ArticleTitle")) or walk.line(first(article, "Book", "BookTitle"))
    if not title or _NO_TITLE.fullmatch(title):
        title = vernacular
    blocks = [block for node in abstracts for block in abstract_blocks(walk, node)]
    if interests := walk.line(first(citation, "CoiStatement")):
        blocks += [Heading(0, "Conflict of interest"), interests]
    text, sections = assemble(title, blocks, "Abstract")
    licence = _licence(abstracts)
    facts = facts_of(record) | ({"vernacular_title": vernacular} if vernacular and vernacular != title else {})
    identifiers = identifiers_of(record)
    return Part(
        text=text,
        title=title or None,
        kind="abstract",
        name=name,
        sections=sections,
        language=ABSTRACT_LANGUAGE,
        published=published_of(article),
        url=f"https://pubmed.ncbi.nlm.nih.gov/{identifiers['pmid']}/" if "pmid" in identifiers else None,
        spdx=licence.spdx,
        licence_text=licence.text,
        identifiers=identifiers,
        version=version_of(citation),
        extra=facts | ({"tdm_reserved": True} if licence.mining_reserved else {}),
    )


def _translation(record: etree._Element, node: etree._Element, parent: Part, key: str, names: set[str]) -> Part:
    """Return an abstract in another language, under its own title where the citation has that too."""
    language = _language(node)
    part = _part(record, [node], "")
    vernacular = inline_walk().line(first(article_of(record), "VernacularTitle"))
    if vernacular and [language] == part.extra.get("languages"):
        text, sections = assemble(vernacular, abstract_blocks(inline_walk(), node), "Abstract")
        part.title, part.text, part.sections = vernacular, text, sections
    base = (language or node.get("Language") or "other").lower()
    tag = base if base not in names else f"{base}-{(node.get('Type') or 'other').lower()}-{len(names)}"
    names.add(tag)
    part.name = f"{parent.name}-{tag}" if parent.name else tag
    part.language = language
    part.links = [("translation_of", f"{key}#{parent.name}" if parent.name else key), *parent.links]
    part.retracted = parent.retracted
    return part


def _language(node: etree._Element) -> str | None:
    return tag_of(node.get("Language") or "eng")


def _licence(abstracts: list[etree._Element]) -> Licence:
    """Return what the copyright statements of abstracts say; nothing when they are silent."""
    statements = [plain_text(found) for node in abstracts for found in every(node, "CopyrightInformation")]
    return licence_in("\n".join(dict.fromkeys(filter(None, statements))))


def _is_retracted(title: str, types: list[str], links: list[tuple[str, str]]) -> bool:
    """Say whether the publication itself is retracted, by its type, its title or a link to the notice."""
    kind = "retraction" if _NOTICE_TYPES.intersection(types) else ""
    return is_retracted(title, {"article_type": "retracted" if "Retracted Publication" in types else kind}, links)
