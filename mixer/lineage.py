"""Lineage: which stretch of which document fills each place of a sequence, kept beside the shards.

One row for each piece: sequence, start and length in it, document, source, the token of the document's text that it
begins with, its marks, and the epoch. With the document's text and the tokenizer, any token leads back to the
characters that it stands for. Not here: reading shards and printing (`pipelines.trace`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tokenizers import Tokenizer

from mixer.assemble import Part, lay_out

LINEAGE_SCHEMA = pa.schema(
    [
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("start", pa.int32(), nullable=False),
        pa.field("length", pa.int32(), nullable=False),
        pa.field("document", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("bos", pa.bool_(), nullable=False),
        pa.field("eos", pa.bool_(), nullable=False),
        pa.field("epoch", pa.int32(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One row of `LINEAGE_SCHEMA`; start and length are in tokens of the sequence, marks included."""

    sequence: int
    start: int
    length: int
    document: str
    source: str
    offset: int
    bos: bool
    eos: bool
    epoch: int

    @property
    def text_tokens(self) -> int:
        """Return the tokens of the document's text in this piece, without marks."""
        return self.length - self.bos - self.eos

    def text_token(self, token: int) -> int | None:
        """Return which token of the document's text stands at place `token` of the sequence; None for BOS and EOS."""
        at = token - self.start - self.bos
        return self.offset + at if 0 <= at < self.text_tokens else None


def lineage_rows(
    parts: Sequence[Part], epochs: npt.NDArray[np.int32], documents: pa.Table, first_sequence: int
) -> pa.Table:
    """Return the lineage of a block, by sequence and start.

    `epochs` holds one number for each row of the block, `documents` the columns `document` and `source` of all
    documents of the token shards, and `first_sequence` is the number of the block's first row.
    """
    columns: dict[str, list[npt.NDArray[np.generic]]] = {
        name: [] for name in ("row", "start", "length", "at", "offset")
    }
    marks: dict[str, list[npt.NDArray[np.bool_]]] = {"bos": [], "eos": []}
    for part in parts:
        laid, packed = lay_out(part), part.packed
        values = (laid.row, laid.start, laid.length, packed.document[laid.piece], packed.start[laid.piece])
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
        marks["bos"].append(packed.bos[laid.piece])
        marks["eos"].append(packed.eos[laid.piece])
    whole = {name: np.concatenate(values) for name, values in (columns | marks).items()}
    order = np.lexsort((whole["start"], whole["row"]))
    whole = {name: values[order] for name, values in whole.items()}
    about = documents.select(["document", "source"]).take(whole["at"])
    arrays = [pa.array(whole["row"] + first_sequence), pa.array(whole["start"].astype(np.int32))]
    arrays += [pa.array(whole["length"].astype(np.int32)), *about.combine_chunks().columns]
    arrays += [pa.array(whole[name]) for name in ("offset", "bos", "eos")]
    arrays += [pa.array(epochs[whole["row"]].astype(np.int32))]
    return pa.Table.from_arrays(arrays, schema=LINEAGE_SCHEMA)


def locate(pieces: Iterable[Piece], token: int) -> Piece | None:
    """Return the piece of a sequence that holds place `token`; None where there is padding."""
    return next((piece for piece in pieces if piece.start <= token < piece.start + piece.length), None)


def char_span(tokenizer: Tokenizer, text: str, token: int) -> tuple[int, int]:
    """Return the characters [start, end) of `text` that its token number `token` stands for.

    A token that holds part of a character's bytes stands for the whole character. Raises IndexError when the text
    has no such token.
    """
    start, end = tokenizer.encode(text, add_special_tokens=False).offsets[token]
    return start, end
