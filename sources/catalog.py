"""What a source declares: where its files lie, how they are read, what may be done with them.

A source is one YAML in `configs/sources/`, checked against `SourceConfig`; the run file names it and may override
fields. Each field says whether it decides bytes (then it is part of the identity) or only where or how fast work
is done. The table of parsers is explicit: a new format is one file in `sources/parse/` and one line here.
"""

import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pipelines.engine.settings import BYTES, SPEED, Settings
from sources.about import About, Expected
from sources.document import KINDS, Kind
from sources.parse.xml_decode import plain_head
from sources.publications.settings import PmcOaConfig
from sources.replay.settings import HubConfig
from sources.rights import UNKNOWN, rights_from
from sources.web.settings import WebConfig


@dataclass(frozen=True, slots=True)
class ParserInfo:
    """A parser's target for the sandbox and the libraries whose version decides its output.

    `charset` says that it takes the option of that name, from whoever served the item.
    """

    target: str
    libraries: tuple[str, ...] = ()
    charset: bool = False

    def versions(self) -> dict[str, str]:
        """Return the installed versions of its libraries."""
        return {name: version(name) for name in self.libraries}


PARSERS: dict[str, ParserInfo] = {
    "jats": ParserInfo("sources.parse.jats:parse", ("lxml",)),
    "html": ParserInfo("sources.parse.html:parse", ("trafilatura", "lxml"), charset=True),
    "pdf": ParserInfo("sources.parse.pdf:parse", ("pypdfium2",)),
    "text": ParserInfo("sources.parse.text:parse", charset=True),
    "xml": ParserInfo("sources.parse.xml_fields:parse", ("lxml",)),
    "bookshelf": ParserInfo("sources.parse.bookshelf:parse", ("lxml",)),
    "pubmed": ParserInfo("sources.parse.pubmed:parse", ("lxml",)),
    "spl": ParserInfo("sources.parse.spl:parse", ("lxml",)),
    "clinical_trials": ParserInfo("sources.parse.clinical_trials:parse"),
    "fhir": ParserInfo("sources.parse.fhir:parse", ("lxml",)),
    "mediawiki": ParserInfo("sources.parse.mediawiki:parse", ("mwparserfromhell", "lxml"), charset=True),
    "records": ParserInfo("sources.parse.records:parse", ("pyarrow",)),
    "structured": ParserInfo("sources.parse.structured:parse", ("lxml", "ruamel.yaml")),
    "mcq": ParserInfo("sources.parse.mcq:parse", ("pyarrow",)),
    "datatrove": ParserInfo("sources.datatrove_reader:parse", ("datatrove",)),
    "differential": ParserInfo("sources.teacher.differential:parse"),
}
SUFFIXES = {
    ".html": "html", ".htm": "html", ".xhtml": "html", ".pdf": "pdf", ".nxml": "jats", ".txt": "text", ".md": "text",
    ".markdown": "text", ".jsonl": "records", ".ndjson": "records", ".json": "records", ".csv": "records",
    ".tsv": "records", ".parquet": "records", ".yaml": "structured", ".yml": "structured",
}  # fmt: skip
MEDIA_TYPES = {
    "text/html": "html", "application/xhtml+xml": "html", "application/pdf": "pdf", "text/plain": "text",
    "text/markdown": "text", "application/json": "records", "application/jsonl": "records", "text/csv": "records",
    "text/tab-separated-values": "records", "application/vnd.apache.parquet": "records",
    "application/yaml": "structured", "application/fhir+json": "fhir", "application/fhir+xml": "fhir",
}  # fmt: skip
_XML_TYPES = {"application/xml", "text/xml", "application/jats+xml"}
_JATS = re.compile(rb"<(?:[A-Za-z_][\w.-]{,63}:)?article[\s>]|JATS|NLM//DTD")
_BOOK = re.compile(rb"<book-(?:part(?:-wrapper)?|meta)[\s>]|NLM//DTD (?:BITS )?Book")
_PUBMED = re.compile(rb"<(?:Pubmed(?:Book)?Article(?:Set)?|MedlineCitation(?:Set)?|DeleteCitation)[\s>]")
_FHIR = re.compile(rb"\s*\{[^{}\[\]]*\"resourceType\"\s*:|<[A-Z]\w+[^>]*xmlns\s*=\s*[\"']http://hl7\.org/fhir[\"']")
_TRIAL = re.compile(rb"\s*\{[^{}\[\]]*(?:\"studies\"\s*:\s*\[\s*\{[^{}\[\]]*)?\"protocolSection\"\s*:\s*\{")
_WIKI = re.compile(rb"<mediawiki[\s>]")
_HTML = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)


class RightsConfig(Settings):
    """The rights of a source's documents where a document does not state its own."""

    spdx: Annotated[str, BYTES] = UNKNOWN
    evidence: Annotated[str, BYTES] = ""
    attribution: Annotated[str, BYTES] = ""
    tdm_reserved: Annotated[bool, BYTES] = False

    @field_validator("spdx")
    @classmethod
    def _valid(cls, value: str) -> str:
        try:
            rights_from(value)
        except ValueError:
            raise ValueError(f"{value!r} is not an SPDX expression known here, e.g. CC-BY-4.0 or {UNKNOWN}") from None
        return value


class SourceConfig(Settings):
    """One source: a folder or file at `path`, or what is fetched: a site (`web`), articles (`pmc_oa`), data (`hub`)."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$"), BYTES]
    kind: Annotated[Kind, BYTES]
    path: Annotated[str, SPEED] = ""
    web: Annotated[WebConfig | None, BYTES] = None
    pmc_oa: Annotated[PmcOaConfig | None, SPEED] = None
    """A selection from the bucket (or a folder that mirrors it) at `path`, which `medmix sources fetch` freezes as
    `release`. What decides bytes of it are the packs that it leads to, as the files are of a folder."""
    hub: Annotated[HubConfig | None, BYTES] = None
    about: Annotated[About | None, BYTES] = None
    expected: Annotated[Expected | None, SPEED] = None
    title: Annotated[str, SPEED] = ""
    release: Annotated[str | None, BYTES] = None
    include: Annotated[tuple[str, ...], BYTES] = ("**/*",)
    exclude: Annotated[tuple[str, ...], BYTES] = ()
    members: Annotated[tuple[str, ...], BYTES] = ("**/*",)
    """Of the files in a tar or zip, those to read; the others (pictures in a package) are passed over."""
    follow_links: Annotated[bool, BYTES] = False
    """Take files that links in the folder bring in from outside it; refused otherwise."""
    container: Annotated[Literal["auto", "file", "tar", "zip", "warc", "articles", "jsonl"], BYTES] = "auto"
    parser: Annotated[
        Literal[
            "auto",
            "jats",
            "html",
            "pdf",
            "text",
            "xml",
            "bookshelf",
            "pubmed",
            "spl",
            "clinical_trials",
            "fhir",
            "mediawiki",
            "records",
            "structured",
            "mcq",
            "datatrove",
            "generated",
            "differential",
        ],
        BYTES,
    ] = "auto"
    """`generated` is for a folder that `medmix generate` wrote, which needs no parser (`sources.generated`)."""
    options: Annotated[dict[str, Any], BYTES] = Field(default_factory=dict)
    urls: Annotated[str | None, BYTES] = None
    """A tab-separated table in `path` with the columns file (or key), url and optionally retrieved."""
    held_out: Annotated[str | None, BYTES] = None
    """A JSON file in `path`: its keys or items name the records that are for reference only (a test split)."""
    url_template: Annotated[str | None, BYTES] = None
    """URL of a document that has none, with {key} and {name} in it."""
    language: Annotated[str | None, BYTES] = None
    rights: Annotated[RightsConfig, BYTES] = RightsConfig()
    priority: Annotated[int, BYTES] = 0
    """Of equal documents the one from the source with the higher priority survives."""
    reference_only: Annotated[bool, BYTES] = False
    """Kept for decontamination, never trained on."""
    optional: Annotated[bool, SPEED] = False
    cpu_s: Annotated[float, Field(gt=0), BYTES] = 20
    """CPU seconds that one item may take in the parser before it is quarantined."""
    wall_s: Annotated[float, Field(gt=0), BYTES] = 120
    memory_bytes: Annotated[int, Field(gt=0), BYTES] = 2 << 30
    max_item_bytes: Annotated[int, Field(gt=0), BYTES] = 512 << 20

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> "SourceConfig":
        if not self.path and self.web is None and self.hub is None:
            raise ValueError("a source needs `path`, a folder or file, `web`, a site, or `hub`, a data set, to fetch")
        if self.pmc_oa is not None and (self.web is not None or not self.path):
            raise ValueError("`pmc_oa` needs `path`, a bucket (s3://...) or a folder that mirrors it, and no `web`")
        if self.hub is not None and (self.web is not None or self.path):
            raise ValueError("a source on the `hub` has neither `path` nor `web`; its files come into the store")
        return self

    @property
    def is_fetched(self) -> bool:
        """Say whether `medmix sources fetch` brings its files, rather than whoever puts them into a folder."""
        return self.web is not None or self.pmc_oa is not None or self.hub is not None


def parser_for(suffix: str, media_type: str | None, head: bytes) -> str | None:
    """Return the parser of an item, None when unknown: PDF by its mark, else by media type, suffix, first bytes.

    JSON and XML are many formats under one name, so a resource of FHIR and a wiki's dump are told by their first bytes.
    """
    if head.startswith(b"%PDF-"):
        return "pdf"
    declared = (media_type or "").partition(";")[0].strip().lower()
    if declared in MEDIA_TYPES:
        named = MEDIA_TYPES[declared]
        return (_within_json(head) if declared == "application/json" else None) or named
    if declared in _XML_TYPES or declared.endswith("+xml") or suffix == ".xml":
        plain = plain_head(head)  # what these read may be UTF-16; what the others read may not
        if _PUBMED.search(plain):
            return "pubmed"
        if _BOOK.search(plain):
            return "bookshelf"
        if _JATS.search(plain):
            return "jats"
        if _FHIR.search(head):
            return "fhir"
        if _WIKI.search(head):
            return "mediawiki"
        return "html" if _HTML.match(head) else "xml"
    if suffix == ".json" and (found := _within_json(head)):
        return found
    return SUFFIXES.get(suffix) or ("html" if _HTML.match(head) else None)


def _within_json(head: bytes) -> str | None:
    """Return the parser of a format that is told by the first bytes of JSON, None for any other JSON."""
    if _FHIR.match(head):
        return "fhir"
    return "clinical_trials" if _TRIAL.match(head) else None


def known_kind(value: str | None, default: str) -> str:
    """Return a part's own kind when it is one of ours, else the source's."""
    return value if value in KINDS else default
