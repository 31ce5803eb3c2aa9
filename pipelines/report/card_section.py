"""The section `card:` of a run file: what only a person can say about a data set.

Who keeps it, whom to ask for removal, what it is for, what it must not be used for, how to cite it. Nothing here
decides a byte of any shard, so filling it in after a long run costs no stage anything. Every field may be missing while
a corpus is being built; the card, and with it publishing, asks for them (`pipelines.report.card_holes`). Figures are
never written here: they are counted. Not here: rendering.
"""

from typing import Annotated

from pydantic import Field

from pipelines.engine.settings import SPEED, Settings


class SourceNote(Settings):
    """What a source is, where its own declaration (`title`, `about`) does not say so."""

    title: Annotated[str, Field(description="its full name"), SPEED] = ""
    audience: Annotated[
        str, Field(description="for whom it was written: clinicians, patients, general public"), SPEED
    ] = ""
    region: Annotated[str, Field(description="country or region that it was written for, or `world`"), SPEED] = ""


class CardConfig(Settings):
    """What a person says about the data set; each description is what a missing field asks for."""

    title: Annotated[str, Field(description="the name of the data set as people read it"), SPEED] = ""
    summary: Annotated[str, Field(description="what the data set is, in two or three sentences"), SPEED] = ""
    version: Annotated[str, Field(description="the version of this release, e.g. 1.0.0"), SPEED] = ""
    released: Annotated[
        str, Field(pattern=r"^(\d{4}-\d\d-\d\d)?$", description="the day of this release, as 2026-11-30"), SPEED
    ] = ""
    maintainer: Annotated[str, Field(description="the person or group that keeps the data set"), SPEED] = ""
    contact: Annotated[str, Field(description="how to reach the maintainer: an address or a page"), SPEED] = ""
    removal_contact: Annotated[
        str, Field(description="where authors and patients ask for a text to be removed: an address or a page"), SPEED
    ] = ""
    funding: Annotated[str, Field(description="who paid for it; `none` when nobody did"), SPEED] = ""
    homepage: Annotated[str, Field(description="the page of the project, an https URL"), SPEED] = ""
    rationale: Annotated[str, Field(description="why the data set was made and what gap it fills"), SPEED] = ""
    intended_use: Annotated[str, Field(description="what it is meant to be used for"), SPEED] = ""
    out_of_scope: Annotated[str, Field(description="what it must not be used for"), SPEED] = ""
    collection: Annotated[
        str, Field(description="how the texts were chosen and obtained, and over what time"), SPEED
    ] = ""
    producers: Annotated[str, Field(description="who wrote the texts, and whether they know of this use"), SPEED] = ""
    personal_data: Annotated[
        str, Field(description="what is known of personal data in the sources, consent and how it is handled"), SPEED
    ] = ""
    known_gaps: Annotated[
        str, Field(description="what is missing or weak, as far as figures do not show it"), SPEED
    ] = ""
    biases: Annotated[str, Field(description="known biases of the sources and of their selection"), SPEED] = ""
    social_impact: Annotated[
        str, Field(description="what good and what harm may come of a model trained on it"), SPEED
    ] = ""
    maintenance: Annotated[
        str, Field(description="how long it is kept, how often it is renewed, what becomes of older releases"), SPEED
    ] = ""
    citation: Annotated[str, Field(description="how to cite it: BibTeX or one line"), SPEED] = ""
    sources: Annotated[dict[str, SourceNote], SPEED] = Field(default_factory=dict)
    """By the name of the source: what its own declaration leaves open."""
