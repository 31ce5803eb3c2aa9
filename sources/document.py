"""The record: one document, one Parquet row, one versioned Arrow schema.

Every text that medmix handles is a `Document`: text or chat messages, with an id, provenance, rights and the
edits made on the way. Stages pass Arrow tables of `SCHEMA` and touch the columns they own; `Document` is the
typed form of one row for whoever works record by record. The id hashes source, native key and version, so a
corrected text keeps its id. Not here: parsing (`sources.parse`) and storage (`pipelines.engine`).
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import orjson
import pyarrow as pa

from pipelines.engine.hashing import sha256_bytes
from sources.rights import Rights

SCHEMA_VERSION = 1
_SPELLINGS = tuple(
    (re.compile(pattern), short)
    for pattern, short in (
        (r"^https?://(?:www\.)?(?:ncbi\.nlm\.nih\.gov/pmc|pmc\.ncbi\.nlm\.nih\.gov)/articles/(pmc\d+)\b.*", r"\1"),
        (r"^https?://(?:www\.)?europepmc\.org/(?:article/pmc|articles)/(pmc\d+)\b.*", r"\1"),
        (r"^https?://pubmed\.ncbi\.nlm\.nih\.gov/(\d+)\b.*", r"\1"),
        (r"^(?:https?://)?(?:dx\.)?doi\.org/|^(?:doi|pmid|pmcid):\s*", ""),
        (r"^https?://(?:www\.)?", ""),
    )
)
Kind = Literal[
    "guideline", "article", "abstract", "label", "dialogue", "mcq", "replay", "trial", "reference", "synthetic"
]
KINDS: tuple[str, ...] = get_args(Kind)

_text = pa.string()
RIGHTS_TYPE = pa.struct(
    [(name, _text) for name in ("spdx", "basis", "evidence", "attribution")]
    + [(name, pa.bool_()) for name in ("train", "redistribute", "derive", "commercial", "tdm_reserved")]
)
SECTION_TYPE = pa.struct([("path", _text), ("start", pa.int32()), ("end", pa.int32())])
EDIT_TYPE = pa.struct([("stage", _text), ("version", _text), ("config", _text), ("names", pa.list_(_text))])
MESSAGE_TYPE = pa.struct([("role", _text), ("content", _text), ("trained", pa.bool_())])
LINK_TYPE = pa.struct([("relation", _text), ("target", _text)])
MCQ_TYPE = pa.struct(
    [
        ("question", _text),
        ("options", pa.list_(_text)),
        ("gold", pa.list_(pa.int32())),
        ("explanation", _text),
        ("split", _text),
        ("subject", _text),
    ]
)
TEACHER_TYPE = pa.struct([(n, _text) for n in ("model", "revision", "prompt", "sampling")] + [("attempt", pa.int32())])

SCHEMA = pa.schema(
    [
        pa.field("id", _text, nullable=False),
        pa.field("kind", _text, nullable=False),
        pa.field("source", _text, nullable=False),
        pa.field("release", _text),
        pa.field("key", _text, nullable=False),
        pa.field("url", _text),
        pa.field("title", _text),
        pa.field("text", _text, nullable=False),
        pa.field("messages", pa.list_(MESSAGE_TYPE)),
        pa.field("language", _text),
        pa.field("published", _text),
        pa.field("retrieved", _text),
        pa.field("version", _text),
        pa.field("supersedes", _text),
        pa.field("retracted", pa.bool_(), nullable=False),
        pa.field("sections", pa.list_(SECTION_TYPE)),
        pa.field("rights", RIGHTS_TYPE, nullable=False),
        pa.field("parents", pa.list_(_text)),
        pa.field("edits", pa.list_(EDIT_TYPE)),
        pa.field("teacher", TEACHER_TYPE),
        pa.field("mcq", MCQ_TYPE),
        pa.field("links", pa.list_(LINK_TYPE)),
        pa.field("references", pa.list_(_text)),
        pa.field("identifiers", pa.map_(_text, _text)),
        pa.field("item_sha256", _text),
        pa.field("tokens", pa.int64(), nullable=False),
        pa.field("extra", _text),
    ],
    metadata={"medmix.document": str(SCHEMA_VERSION)},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One row of `SCHEMA`. `tokens` is the estimate of `estimate_tokens`; `extra` is a JSON object or empty."""

    id: str
    kind: str
    source: str
    key: str
    text: str
    rights: Rights = field(default_factory=Rights)
    release: str | None = None
    url: str | None = None
    title: str | None = None
    messages: list[dict[str, Any]] | None = None
    language: str | None = None
    published: str | None = None
    retrieved: str | None = None
    version: str | None = None
    supersedes: str | None = None
    retracted: bool = False
    sections: list[dict[str, Any]] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    edits: list[dict[str, Any]] = field(default_factory=list)
    teacher: dict[str, Any] | None = None
    mcq: dict[str, Any] | None = None
    links: list[dict[str, str]] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    identifiers: dict[str, str] = field(default_factory=dict)
    item_sha256: str | None = None
    tokens: int = 0
    extra: str = ""


def document_id(source: str, key: str, version: str | None) -> str:
    """Return the id of the document that `source` knows as `key` at `version`: 32 hex digits."""
    return sha256_bytes(orjson.dumps([source, key, version]))[:32]  # of texts the same bytes as canonical JSON


def bare_name(name: str) -> str:
    """Return what a name of a document says without how it is written: 10.1/x of a DOI's URL, pmc7 of one of PMC.

    Schemes, `www.`, prefixes such as `doi:`, case and slashes at the end go; so two spellings of one name are equal.
    """
    bare = name.strip().casefold()
    for pattern, short in _SPELLINGS:
        bare = pattern.sub(short, bare)
    return bare.rstrip("/")


def names_of(row: Mapping[str, Any]) -> set[str]:
    """Return the bare names by which a document may be asked for: its own, and those of what it belongs to.

    Its own are id, key, URL and every identifier; it belongs to the item it is a part of, to those it was made from
    (`parents`), and to the domains of its URL, as `domain:example.org`. `row` has the fields of `Document`; identifiers
    may be a mapping or pairs, as Arrow gives them.
    """
    key, url = str(row["key"]), row["url"] or ""
    given = [row["id"], key, key.rpartition("#")[0], url, *dict(row["identifiers"] or {}).values()]
    return {bare_name(name) for name in (*given, *(row.get("parents") or ()), *_domains(url)) if name}


def _domains(url: str) -> list[str]:
    """Return the host of a URL and each domain above it, but for the last label."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return []
    labels = host.split(".")
    return [f"domain:{'.'.join(labels[at:])}" for at in range(len(labels) - 1)]


def estimate_tokens(text: str) -> int:
    """Estimate tokens before any tokenizer is chosen: UTF-8 bytes over four, rounded up (English BPE: 4.2-4.6)."""
    size_bytes = len(text) if text.isascii() else len(text.encode())
    return (size_bytes + 3) // 4


def is_encodable(value: Any) -> bool:
    """Say whether every string in a JSON-like value can be written as UTF-8 (none holds half of a surrogate pair)."""
    try:
        orjson.dumps(value)
    except TypeError:  # also for a number beyond 64 bits, which is no fault
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return False
    return True


def to_table(documents: Iterable[Document]) -> pa.Table:
    """Return an Arrow table of `SCHEMA` with one row a document, in the given order.

    Raises ValueError for a missing value where the schema asks for one, and for text that UTF-8 cannot hold
    (see `is_encodable`): whoever makes documents refuses such a record first, with a reason.
    """
    rows = list(documents)
    arrays = []
    for f in SCHEMA:
        values = [getattr(document, f.name) for document in rows]
        if values.count(None) == len(values):
            array = pa.nulls(len(values), f.type)
        elif f.name == "rights":
            array = _rights_column(values)
        elif f.name == "identifiers":
            array = pa.array([list(value.items()) for value in values], type=f.type)
        else:
            array = pa.array(values, type=f.type)
        if array.null_count and not f.nullable:
            raise ValueError(f"{array.null_count} of {len(array)} documents have no {f.name}")
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _rights_column(values: list[Rights]) -> pa.Array:
    """Return a column of rights; a batch has few different ones, and each is converted once."""
    places: dict[Rights, int] = {}
    indices = [places.setdefault(value, len(places)) for value in values]
    return pa.array([asdict(value) for value in places], type=RIGHTS_TYPE).take(pa.array(indices, pa.int32()))


def from_table(table: pa.Table) -> list[Document]:
    """Return the documents of a table of `SCHEMA`, in row order; lists that are null come back empty."""
    names = [f.name for f in fields(Document)]
    rows = table.select(names).to_pylist()
    for row in rows:
        row["rights"] = Rights(**row["rights"])
        row["identifiers"] = dict(row["identifiers"] or [])
        for name in ("sections", "parents", "edits", "links", "references"):
            row[name] = row[name] or []
        row["extra"] = row["extra"] or ""
    return [Document(**row) for row in rows]
