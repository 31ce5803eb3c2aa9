"""What a PubMed citation says about its publication: identifiers, dates, MeSH, types, journal, people, registrations.

Everything here becomes metadata. MeSH headings are written as MEDLINE prints them: `Hypertension/*drug therapy`, with a
star at the major topics. A date that is a range or a season is cut to what is sure. Affiliations, e-mails and ORCIDs
are left out on purpose. Not here: the abstract, links.
"""

import re
from typing import Any

from lxml import etree

from sources.parse.jats_date import earliest, iso_date, month_number
from sources.parse.jats_element import descendants, every, first, local, plain_text
from sources.parse.jats_front import bare_doi
from sources.parse.language_codes import tag_of

_ID_TYPES = {"pubmed": "pmid", "doi": "doi", "pmc": "pmcid", "bookaccession": "nbk", "pii": "pii", "mid": "manuscript"}
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")
_TRUNCATED = re.compile(r"\(ABSTRACT TRUNCATED")


def citation_of(record: etree._Element) -> etree._Element:
    """Return the element with the citation: `MedlineCitation`, or `BookDocument` of a book."""
    for name in ("MedlineCitation", "BookDocument"):
        if (found := first(record, name)) is not None:
            return found
    return record


def article_of(record: etree._Element) -> etree._Element:
    """Return the element with title and abstract: `Article`, for a book the citation itself."""
    found = first(citation_of(record), "Article")
    return citation_of(record) if found is None else found


def identifiers_of(record: etree._Element) -> dict[str, str]:
    """Return pmid, doi, pmcid, nbk and further identifiers of the publication, not those of what it cites."""
    citation, article = citation_of(record), article_of(record)
    found = {"pmid": plain_text(first(citation, "PMID"))}
    holders = [first(record, "PubmedData"), first(record, "PubmedBookData"), citation]
    for holder in holders:
        for node in every(first(holder, "ArticleIdList"), "ArticleId"):
            _add(found, _ID_TYPES.get(node.get("IdType") or ""), plain_text(node))
    for holder in (article, first(article, "Book")):
        for node in every(holder, "ELocationID"):
            if node.get("ValidYN", "Y") == "Y":
                _add(found, _ID_TYPES.get(node.get("EIdType") or ""), plain_text(node))
    _add(found, "isbn", plain_text(first(article, "Book", "Isbn")))
    for node in every(citation, "OtherID"):
        if re.fullmatch(r"PMC\d+", text := plain_text(node).split(" ")[0]):
            _add(found, "pmcid", text)
    return {name: value for name, value in found.items() if value}


def _add(found: dict[str, str], name: str | None, value: str) -> None:
    if name == "doi":
        value = bare_doi(value)
    elif name == "pmcid":
        digits = re.search(r"\d+", value)
        value = f"PMC{digits[0]}" if digits else ""
    if name and value and not found.get(name):
        found[name] = value


def published_of(article: etree._Element) -> str | None:
    """Return the earliest date of publication, in print or electronic, as exact as the citation gives it."""
    nodes = [first(article, "Journal", "JournalIssue", "PubDate"), *every(article, "ArticleDate")]
    nodes += [first(article, "ContributionDate"), first(article, "Book", "PubDate")]
    dates = [date for node in nodes if node is not None and (date := _date(node))]
    return (dates[0] if local(article) == "BookDocument" and dates else earliest(dates)) or None


def _date(node: etree._Element) -> str:
    """Return a date of Year, Month and Day, or the sure part of a `MedlineDate` such as `1998 Dec-1999 Jan`."""
    if year := _YEAR.search(plain_text(first(node, "Year"))):
        return iso_date(year[0], plain_text(first(node, "Month")), plain_text(first(node, "Day")))
    text = plain_text(first(node, "MedlineDate"))
    years = list(dict.fromkeys(_YEAR.findall(text)))
    months = {number for word in re.findall(r"[A-Za-z]{3,9}", text) if (number := month_number(word))}
    if not years:
        return ""
    return f"{years[0]}-{months.pop():02}" if len(years) == 1 and len(months) == 1 else years[0]


def version_of(citation: etree._Element) -> str | None:
    """Return the version of a citation: that of the PMID, and the day NLM last revised the citation."""
    revised = first(citation, "DateRevised")
    number = pmid.get("Version") or "1" if (pmid := first(citation, "PMID")) is not None else "1"
    return f"{number}.{_date(revised)}" if revised is not None and _date(revised) else None


def facts_of(record: etree._Element) -> dict[str, Any]:
    """Return further facts as JSON values; keys without a value are left out."""
    citation, article = citation_of(record), article_of(record)
    journal, info, book = first(article, "Journal"), first(citation, "MedlineJournalInfo"), first(article, "Book")
    facts = {
        "publication_types": _texts(article, "PublicationType"),
        "mesh": [_heading(node) for node in descendants(citation, "MeshHeading")],
        "mesh_supplementary": _texts(citation, "SupplMeshName"),
        "chemicals": _texts(citation, "NameOfSubstance"),
        "keywords": _texts(citation, "Keyword"),
        "languages": [tag for text in _texts(article, "Language") if (tag := tag_of(text))],
        "authors": [name for node in descendants(article, "Author") if (name := _person(node))],
        "journal": plain_text(first(journal, "Title")),
        "journal_abbreviation": plain_text(first(journal, "ISOAbbreviation")) or plain_text(first(info, "MedlineTA")),
        "issn": plain_text(first(info, "ISSNLinking")) or plain_text(first(journal, "ISSN")),
        "nlm_id": plain_text(first(info, "NlmUniqueID")),
        "volume": plain_text(first(journal, "JournalIssue", "Volume")),
        "issue": plain_text(first(journal, "JournalIssue", "Issue")),
        "pages": plain_text(first(article, "Pagination", "MedlinePgn")),
        "registrations": [_registration(node) for node in descendants(article, "DataBank")],
        "book_title": plain_text(first(book, "BookTitle")),
        "publisher": plain_text(first(book, "Publisher", "PublisherName")),
        "status": citation.get("Status"),
        "truncated": any(_TRUNCATED.search(plain_text(node)) for node in descendants(article, "AbstractText")),
    }
    return {name: value for name, value in facts.items() if value}


def _texts(element: etree._Element, name: str) -> list[str]:
    return list(dict.fromkeys(text for node in descendants(element, name) if (text := plain_text(node))))


def _heading(node: etree._Element) -> str:
    """Return a MeSH heading with its qualifiers, `*` before what is a major topic."""
    parts = [*every(node, "DescriptorName"), *every(node, "QualifierName")]
    return "/".join(f"{'*' if part.get('MajorTopicYN') == 'Y' else ''}{plain_text(part)}" for part in parts)


def _person(node: etree._Element) -> str:
    given = plain_text(first(node, "ForeName")) or plain_text(first(node, "Initials"))
    names = [given, plain_text(first(node, "LastName")), plain_text(first(node, "Suffix"))]
    return " ".join(filter(None, names)) or plain_text(first(node, "CollectiveName"))


def _registration(node: etree._Element) -> str:
    """Return `ClinicalTrials.gov: NCT01234567, NCT07654321`."""
    numbers = [plain_text(found) for found in descendants(node, "AccessionNumber")]
    return f"{plain_text(first(node, 'DataBankName'))}: {', '.join(numbers)}"
