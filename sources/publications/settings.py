"""What a source of PMC declares: which inventory it freezes, which articles it takes, and how hard it asks.

Every field of the selection is and-ed; a list is or-ed; what is not given selects all. Fields of the first part are
answered by the bucket's JSON of an article version, without its text. Article type, language and MeSH terms stand in
the article alone, so the article is fetched to decide (once: the decision is kept). PMC's JSON names the journal and
the date in its citation only. Not here: the reasons for leaving out (`sources.publications.selection`).
"""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pipelines.engine.settings import BYTES, SPEED, Settings

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_ID = re.compile(r"PMC\d+|\d+")


class PmcOaConfig(Settings):
    """The selection from a bucket in the layout of `pmc-oa-opendata`, which `path` names."""

    inventory: Annotated[str | None, Field(pattern=r"^\d{4}-\d\d-\d\d"), BYTES] = None
    """The date (or longer) of the daily inventory to freeze; the newest there is when a release is first fetched."""
    licences: Annotated[tuple[str, ...] | None, BYTES] = None
    """Licence codes as the bucket has them (CC BY, CC0, TDM); `none` stands for articles without a code."""
    versions: Annotated[Literal["latest", "all"], BYTES] = "latest"
    published_from: Annotated[str | None, BYTES] = None
    published_to: Annotated[str | None, BYTES] = None
    """Dates, also 2019 or 2019-03; compared as far as both are precise. An article without a date is left out."""
    journals: Annotated[tuple[str, ...] | None, BYTES] = None
    """Names as PMC abbreviates them in citations (PLoS Med), in any case."""
    title_terms: Annotated[tuple[str, ...] | None, BYTES] = None
    """Words or phrases, in any case, of which the title holds one as whole words."""
    ids: Annotated[tuple[str, ...] | None, BYTES] = None
    """PMCIDs (PMC123) or PMIDs (123): how a search by MeSH or publication type in PubMed becomes a selection."""
    historical_ocr: Annotated[bool, BYTES] = False
    retracted: Annotated[bool, BYTES] = False
    article_types: Annotated[tuple[str, ...] | None, BYTES] = None
    """Values of JATS' `article-type`: research-article, review-article, case-report."""
    languages: Annotated[tuple[str, ...] | None, BYTES] = None
    """Primary subtags; an article that states none counts as en, which is JATS' default."""
    mesh: Annotated[tuple[str, ...] | None, BYTES] = None
    """Headings, in any case, of which the article's own MeSH key words hold one; many articles carry none."""
    packs: Annotated[int, Field(ge=1, le=65536), BYTES] = 1024
    """Files that the articles are spread over by a hash of their PMCID; 16 will do for a few thousand."""
    endpoint: Annotated[str, SPEED] = ""
    """A server that speaks S3 and mirrors the bucket, if not Amazon's own."""
    connections: Annotated[int, Field(ge=1, le=256), SPEED] = 16
    """Requests under way at one time, for each worker."""
    timeout_s: Annotated[float, Field(gt=0), SPEED] = 60

    @field_validator("published_from", "published_to")
    @classmethod
    def _dates(cls, value: str | None) -> str | None:
        if value is not None and not _DATE.fullmatch(value):
            raise ValueError(f"{value!r} is no date; write 2019, 2019-03 or 2019-03-31")
        return value

    @field_validator("ids", mode="before")
    @classmethod
    def _names(cls, values: object) -> object:
        """Take PMIDs that YAML read as numbers."""
        return [str(value) for value in values] if isinstance(values, list | tuple) else values

    @field_validator("ids")
    @classmethod
    def _known(cls, values: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for value in values or ():
            if not _ID.fullmatch(value):
                raise ValueError(f"{value!r} is neither a PMCID (PMC123) nor a PMID (123)")
        return values
