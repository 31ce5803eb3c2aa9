"""Documents to token ids, once for each target: ids of the text alone, and where the text may be cut.

The ids are exactly those that Hugging Face `tokenizers` gives for `encode(text, add_special_tokens=False)`; BOS and
EOS are added by packing. Places to cut are token positions where a section or a paragraph begins, noted for texts
that may exceed a sequence. Batches are bounded in characters, so memory is too. Not here: loading the tokenizer
(`target`), the libraries (`encode`), and choosing where to cut (`pack`).
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tokenizers import Tokenizer

from mixer.chat import ChatError, ChatFormat, EncodedChat, Stretch, encode_chats, write
from mixer.encode import Encode, Encoded, by_tokenizers
from mixer.target import Target, control_ids
from pipelines.engine.errors import StageError

BATCH_CHARS = 1 << 20
BREAKS_FROM_CHARS = 512
_LIST = pa.list_(pa.int32())
_PARAGRAPH = re.compile(r"\n\n+")


def tokens_schema(target: Target) -> pa.Schema:
    """Return the schema of tokenised documents for a target.

    `marked` ids hold their own marks, so packing adds none; `masked` are tokens that are no targets, as start, stop,
    start, stop, ...
    """
    breaks = _LIST
    return pa.schema(
        [
            pa.field("document", pa.string(), nullable=False),
            pa.field("source", pa.string(), nullable=False),
            pa.field("kind", pa.string(), nullable=False),
            pa.field("language", pa.string()),
            pa.field("evidence", pa.string()),
            pa.field("ids", pa.large_list(target.id_type), nullable=False),
            pa.field("marked", pa.bool_(), nullable=False),
            pa.field("masked", breaks, nullable=False),
            pa.field("section_breaks", breaks, nullable=False),
            pa.field("paragraph_breaks", breaks, nullable=False),
        ]
    )


def tokenize_documents(
    table: pa.Table,
    tokenizer: Tokenizer,
    target: Target,
    encode: Encode | None = None,
    chats: Sequence[Sequence[Stretch] | None] | None = None,
) -> pa.Table:
    """Return one row of `tokens_schema` for each document, in order; `encode` is another way to the same ids.

    Where `chats` has a written conversation for a row, that is encoded and not the row's text. Raises StageError when
    an id is outside the vocabulary or a control token comes out of a text: then the tokenizer was not loaded by
    `mixer.target`.
    """
    encode = encode or by_tokenizers(tokenizer)
    sections = _section_starts(table["sections"])
    found: list[_Tokens] = []
    for rows, texts in _batches(table["text"]):
        written = [chats[row] if chats else None for row in rows]
        plain = iter(encode([text for text, chat in zip(texts, written, strict=True) if chat is None]))
        turned = iter(encode_chats([chat for chat in written if chat is not None], encode, target.control))
        for row, text, chat in zip(rows, texts, written, strict=True):
            found.append(_of_chat(next(turned)) if chat is not None else _of_text(next(plain), text, sections[row]))
    columns = [table["id"], table["source"], table["kind"], table["language"], evidence_column(table["extra"])]
    columns += [_id_lists(found, tokenizer, target), pa.array([one.marks > 0 for one in found], pa.bool_())]
    lists = [one.masked for one in found], [one.sections for one in found], [one.paragraphs for one in found]
    columns += [pa.array(values, _LIST) for values in lists]
    return pa.Table.from_arrays(columns, schema=tokens_schema(target))


def write_chats(table: pa.Table, form: ChatFormat, control: dict[str, int]) -> list[list[Stretch] | ChatError | None]:
    """Return each row's conversation as the format writes it, or why it cannot; None for a row without messages."""
    written: list[list[Stretch] | ChatError | None] = []
    for messages in table["messages"].to_pylist():
        try:
            written.append(write(messages, form, control) if messages else None)
        except ChatError as error:
            written.append(error)
    return written


@dataclass(frozen=True, slots=True)
class _Tokens:
    """What is kept of one document; `marks` counts the control tokens that its format wrote."""

    ids: np.ndarray[Any, Any]
    marks: int
    masked: list[int]
    sections: list[int]
    paragraphs: list[int]


def _of_text(encoded: Encoded, text: str, sections: list[int]) -> _Tokens:
    if len(text) < BREAKS_FROM_CHARS:
        return _Tokens(encoded.ids, 0, [], [], [])
    paragraphs = [match.end() for match in _PARAGRAPH.finditer(text)]
    return _Tokens(encoded.ids, 0, [], _token_positions(encoded, sections), _token_positions(encoded, paragraphs))


def _of_chat(chat: EncodedChat) -> _Tokens:
    """Keep a conversation; where it is longer than a sequence it is cut before a turn."""
    marks = sum(stretch.control for stretch in chat.stretches)
    return _Tokens(chat.ids, marks, [edge for span in chat.masked for edge in span], chat.turns[1:], [])


def evidence_column(extra: pa.ChunkedArray) -> pa.Array:
    """Return the kind of publication that `consolidate` wrote into each document's facts, null where it wrote none."""
    found = [json.loads(facts).get("evidence") if '"evidence"' in facts else None for facts in _strings(extra)]
    return pa.array(found, pa.string())


def _strings(column: pa.ChunkedArray) -> list[str]:
    return [value or "" for value in column.to_pylist()]


def _batches(column: pa.ChunkedArray) -> Iterator[tuple[range, list[str]]]:
    """Yield rows and texts in batches of at most BATCH_CHARS bytes, or a single text that is longer."""
    sizes = pc.binary_length(column).to_numpy().astype(np.int64)
    ends = np.cumsum(sizes)
    first = 0
    while first < len(sizes):
        budget = (ends[first - 1] if first else 0) + BATCH_CHARS
        stop = max(first + 1, int(np.searchsorted(ends, budget, side="right")))
        yield range(first, stop), column.slice(first, stop - first).to_pylist()
        first = stop


def _section_starts(column: pa.ChunkedArray) -> list[list[int]]:
    """Return the character positions at which the sections of each document begin."""
    starts: list[list[int]] = []
    for chunk in column.chunks:
        flat = pc.struct_field(chunk.flatten(), "start").to_pylist()
        ends = np.cumsum(pc.fill_null(pc.list_value_length(chunk), 0).to_numpy(zero_copy_only=False)).tolist()
        starts += [flat[a:b] for a, b in pairwise([0, *ends])]
    return starts


def _token_positions(encoded: Encoded, chars: list[int]) -> list[int]:
    """Return the first token that begins at or after each character, without the ends of the document."""
    if not chars:
        return []
    return sorted(set(encoded.tokens_at(chars)) - {0, len(encoded.ids)})


def _id_lists(found: list[_Tokens], tokenizer: Tokenizer, target: Target) -> pa.Array:
    offsets = np.cumsum([0, *(len(one.ids) for one in found)], dtype=np.int64)
    values = np.concatenate([one.ids for one in found]) if found else np.zeros(0, np.uint32)
    if len(values) and int(values.max()) >= target.vocabulary:
        raise StageError(f"token id {values.max()} is outside the vocabulary of {target.name}, {target.vocabulary}")
    before = np.concatenate([[0], np.cumsum(np.isin(values, control_ids(tokenizer)))])
    forged = np.flatnonzero(np.diff(before[offsets]) != [one.marks for one in found])
    if len(forged):
        raise StageError(f"control tokens came out of the text of row {forged[0]}; load tokenizers with mixer.target")
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values.astype(target.id_dtype)))
