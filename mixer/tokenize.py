"""Documents to token ids, once for each target: ids of the text alone, and where the text may be cut.

The ids are exactly those that Hugging Face `tokenizers` gives for `encode(text, add_special_tokens=False)`; BOS and
EOS are added by packing. Places to cut are token positions where a section or a paragraph begins, noted for texts
that may exceed a sequence. Batches are bounded in characters, so memory is too. Not here: loading the tokenizer
(`target`), the libraries (`encode`), and choosing where to cut (`pack`).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from tokenizers import Tokenizer

from mixer.breaks import find_breaks
from mixer.chat import ChatError, ChatFormat, Stretch, encode_chats, write
from mixer.encode import Encode, Ids, by_tokenizers
from mixer.target import Target, control_ids
from pipelines.engine.errors import StageError

BATCH_CHARS = 1 << 20
_LIST = pa.list_(pa.int32())
Ints = npt.NDArray[np.int64]


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
    encode, chats = encode or by_tokenizers(tokenizer), chats or [None] * table.num_rows
    is_chat = np.array([chat is not None for chat in chats], np.bool_)
    parts = [*_of_texts(table, np.flatnonzero(~is_chat), encode)]
    parts += _of_chats(table, np.flatnonzero(is_chat), chats, encode, target)
    control = control_ids(tokenizer)
    tokens = pa.concat_tables([_no_tokens(target), *(_table(part, control, target) for part in parts)]).combine_chunks()
    if is_chat.any() and not is_chat.all():
        tokens = tokens.take(np.argsort(np.concatenate([part.rows for part in parts])))
    columns = [table["id"], table["source"], table["kind"], table["language"], evidence_column(table["extra"])]
    return pa.Table.from_arrays([*columns, *tokens.columns], schema=tokens_schema(target))


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
class _Part:
    """Some documents, row numbers `rows` of the table; `marks` counts the control tokens that the format wrote."""

    rows: Ints
    ids: Ids
    offsets: Ints
    marks: Ints
    masked: pa.Array
    sections: pa.Array
    paragraphs: pa.Array


def _of_texts(table: pa.Table, rows: Ints, encode: Encode) -> Iterator[_Part]:
    """Yield the ids of texts and where they may be cut."""
    mine = table if len(rows) == table.num_rows else table.take(rows)
    for batch in _batches(mine["text"]):
        about = mine.slice(batch.start, len(batch)).select(["text", "sections"]).combine_chunks()
        texts, sections = (about[name].chunk(0) for name in ("text", "sections"))
        encoded = encode(texts.to_pylist())
        none = np.zeros(len(batch), np.int64)
        masked = pa.array([[]] * len(batch), _LIST)
        yield _Part(rows[batch], encoded.ids, encoded.offsets, none, masked, *find_breaks(texts, sections, encoded))


def _of_chats(
    table: pa.Table, rows: Ints, chats: Sequence[Sequence[Stretch] | None], encode: Encode, target: Target
) -> Iterator[_Part]:
    """Yield the ids of conversations; where one is longer than a sequence it is cut before a turn."""
    for batch in _batches(table["text"].take(rows)):
        written = [chats[row] or () for row in rows[batch]]
        found = encode_chats(written, encode, target.control)
        ids = np.concatenate([chat.ids for chat in found])
        offsets = np.cumsum([0, *(len(chat.ids) for chat in found)], dtype=np.int64)
        marks = np.array([sum(stretch.control for stretch in chat.stretches) for chat in found])
        masked = pa.array([[edge for span in chat.masked for edge in span] for chat in found], _LIST)
        turns = pa.array([chat.turns[1:] for chat in found], _LIST)
        yield _Part(rows[batch], ids, offsets, marks, masked, turns, pa.array([[]] * len(found), _LIST))


def _table(part: _Part, control: Ints, target: Target) -> pa.Table:
    """Return the columns of some documents; raises StageError for ids that no text can have."""
    if len(part.ids) and int(part.ids.max()) >= target.vocabulary:
        raise StageError(f"token id {part.ids.max()} is outside the vocabulary of {target.name}, {target.vocabulary}")
    marks = np.flatnonzero(part.ids >= control.min(initial=target.vocabulary))  # most stand at the vocabulary's end
    marks = marks[np.isin(part.ids[marks], control)]
    found = np.diff(np.searchsorted(marks, part.offsets))
    if len(forged := np.flatnonzero(found != part.marks)):
        row = part.rows[forged[0]]
        raise StageError(f"control tokens came out of the text of row {row}; load tokenizers with mixer.target")
    ids = pa.LargeListArray.from_arrays(pa.array(part.offsets), pa.array(part.ids.astype(target.id_dtype, copy=False)))
    columns = [ids, pa.array(part.marks > 0), part.masked, part.sections, part.paragraphs]
    return pa.Table.from_arrays(columns, schema=_no_tokens(target).schema)


def _no_tokens(target: Target) -> pa.Table:
    """Return what tokenising adds to the columns of documents, without a row."""
    return tokens_schema(target).empty_table().select(["ids", "marked", "masked", "section_breaks", "paragraph_breaks"])


def evidence_column(extra: pa.ChunkedArray) -> pa.Array:
    """Return the kind of publication that `consolidate` wrote into each document's facts, null where it wrote none."""
    found = [json.loads(facts).get("evidence") if '"evidence"' in facts else None for facts in _strings(extra)]
    return pa.array(found, pa.string())


def _strings(column: pa.ChunkedArray) -> list[str]:
    return [value or "" for value in column.to_pylist()]


def _batches(column: pa.ChunkedArray) -> Iterator[range]:
    """Yield rows in batches of at most BATCH_CHARS bytes of text, or a single text that is longer."""
    sizes = pc.binary_length(column).to_numpy().astype(np.int64)
    ends = np.cumsum(sizes)
    first = 0
    while first < len(sizes):
        budget = (ends[first - 1] if first else 0) + BATCH_CHARS
        stop = max(first + 1, int(np.searchsorted(ends, budget, side="right")))
        yield range(first, stop)
        first = stop
