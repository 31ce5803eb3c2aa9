"""From a token of a mixture to its document, source, URL, licence, section and every edit made on the way.

The lineage sidecar says which stretch of which document fills each place of a sequence; the kept documents say the
rest. With a token position, the token's own characters are found by tokenising the document once more, so the answer
can be checked by eye. Everything read is verified. Not here: writing lineage (`mixer.lineage`).
"""

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Group, RenderableType
from rich.table import Table

from mixer.chat import ChatFormat, encode_chats, spelled, write
from mixer.encode import by_tokenizers
from mixer.lineage import Piece, char_span, locate
from mixer.target import load_tokenizer_bytes
from pipelines.engine.errors import ConfigError
from pipelines.engine.stage import FileRef
from pipelines.engine.storage import as_buffer
from pipelines.result import Result
from sources.document import Document, from_table

CONTEXT_CHARS = 60


@dataclass(frozen=True, slots=True)
class Traced:
    """One piece of a sequence with its document; the token's characters when one was asked for.

    `chars` are those of `text`: the document's, or of a conversation what the token was written for, a turn with what
    opens it or a control token.
    """

    piece: Piece
    document: Document
    text: str
    chars: tuple[int, int] | None
    token: int | None


def trace_sequence(result: Result, mixture: str | None, sequence: int, token: int | None) -> list[Traced]:
    """Return the pieces of a sequence, or the one that holds `token`. Raises ConfigError when there is none."""
    name = result.named_mixture(mixture)
    shards = result.mixture_manifest(name, "shards")
    first = 0
    for record in shards.shards:
        if sequence < first + record.main.rows:
            break
        first += record.main.rows
    else:
        raise ConfigError(f"--sequence {sequence}: mixture {name} has {first} sequences, counted from 0")
    if sequence < 0:
        raise ConfigError(f"--sequence {sequence}: sequences are counted from 0")
    lineage = _table(result, record.files["lineage"])
    rows = lineage.filter(pc.equal(lineage["sequence"], sequence))
    pieces = [Piece(**row) for row in rows.to_pylist()]
    if token is None:
        documents = [_document(result, piece.document) for piece in pieces]
        return [Traced(p, document, document.text, None, None) for p, document in zip(pieces, documents, strict=True)]
    piece = locate(pieces, token)
    if piece is None:
        filled = sum(piece.length for piece in pieces)
        raise ConfigError(f"--token {token}: sequence {sequence} has {filled} tokens of text, the rest is padding")
    document = _document(result, piece.document)
    return [Traced(piece, document, *_chars(result, name, piece, document, token), token)]


def _table(result: Result, ref: FileRef) -> pa.Table:
    reader = pa.BufferReader(as_buffer(result.storage.read(ref)))
    return pq.read_table(reader, page_checksum_verification=True)


def _document(result: Result, wanted: str) -> Document:
    """Find a kept document by id, reading only the id column until it is found."""
    for stage in result.documents:
        for ref in result.manifests[stage].files():
            buffer = as_buffer(result.storage.read(ref))
            ids = pq.read_table(pa.BufferReader(buffer), columns=["id"])["id"]
            row = pc.index(ids, wanted).as_py()
            if row >= 0:
                return from_table(
                    pq.read_table(pa.BufferReader(buffer), page_checksum_verification=True).slice(row, 1)
                )[0]
    raise ConfigError(f"document {wanted} is not among the kept documents; run `medmix verify`")


def _chars(
    result: Result, name: str, piece: Piece, document: Document, token: int
) -> tuple[str, tuple[int, int] | None]:
    """Return the text that a token comes from, and its code points there, None for BOS and EOS."""
    at = piece.text_token(token)
    if at is None:
        return document.text, None
    files = result.mixture_manifest(name, "publish").shards[0].files
    tokenizer = load_tokenizer_bytes(bytes(result.storage.read(files["tokenizer"])))
    facts = json.loads(bytes(result.storage.read(files["mixture"])))
    if not facts["chat"] or not document.messages:
        return document.text, char_span(tokenizer, document.text, at)
    written = write(document.messages, ChatFormat.model_validate(facts["chat"]), facts["control"])
    (chat,) = encode_chats([written], by_tokenizers(tokenizer), facts["control"])
    stretch, first = spelled(chat, at)
    return stretch.text, (0, len(stretch.text)) if stretch.control else char_span(tokenizer, stretch.text, at - first)


def render_trace(traced: list[Traced]) -> RenderableType:
    """Return the answer as tables, one a document."""
    return Group(*(_render(item) for item in traced))


def _render(item: Traced) -> Table:
    document, piece = item.document, item.piece
    table = Table(
        show_header=False, title=f"sequence {piece.sequence}, tokens {piece.start}-{piece.start + piece.length - 1}"
    )
    section = _section(document, item.chars) if item.text == document.text else None
    rows: list[tuple[str, Any]] = [
        ("document", document.id),
        (
            "source",
            f"{document.source} ({document.kind})" + (f", release {document.release}" if document.release else ""),
        ),
        ("key", document.key),
        ("title", document.title),
        ("url", document.url or "none known"),
        ("licence", f"{document.rights.spdx} ({document.rights.basis})"),
        ("evidence", document.rights.evidence[:200]),
        ("language", document.language),
        ("published", document.published),
        ("section", section),
        (
            "edits",
            "; ".join(f"{e['stage']}@{e['version']}: {', '.join(e['names'] or [])}" for e in document.edits) or "none",
        ),
        ("epoch", str(piece.epoch)),
        ("tokens of the document", f"{piece.offset}-{piece.offset + piece.text_tokens - 1}"),
    ]
    if item.token is not None:
        rows.append((f"token {item.token}", _in_context(item.text, item.chars)))
    for label, value in rows:
        if value:
            table.add_row(label, str(value))
    return table


def _section(document: Document, chars: tuple[int, int] | None) -> str | None:
    if chars is None:
        return None
    inside = [s["path"] for s in document.sections if s["start"] <= chars[0] < s["end"]]
    return inside[-1] if inside else None


def _in_context(text: str, chars: tuple[int, int] | None) -> str:
    if chars is None:
        return "a BOS or EOS token of the target"
    start, end = chars
    before, after = text[max(0, start - CONTEXT_CHARS) : start], text[end : end + CONTEXT_CHARS]
    return f"{start}-{end}: …{before}⟦{text[start:end]}⟧{after}…".replace("\n", "⏎")
