"""A mixture as rows that Axolotl takes as tokenised already: `input_ids`, `attention_mask` and `labels`, in Parquet.

A row is one piece of a document, marks included, in the order of training and as often as the mixture takes it; so
Axolotl gets the mixed stream and needs no weights. Labels are the ids, `IGNORED` for what is no target and at the
start of each piece, since Axolotl packs pieces together and models shift by one inside. Not here: the tokenizer, which
lies in the mixture's folder.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mixer.batch import Batch
from mixer.stored import StoredRows

SCHEMA = pa.schema(
    [
        pa.field("input_ids", pa.list_(pa.int32())),
        pa.field("attention_mask", pa.list_(pa.int8())),
        pa.field("labels", pa.list_(pa.int32())),
    ]
)
BLOCK_ROWS = 1000


def export_axolotl(rows: StoredRows, out: Path) -> int:
    """Write `train.parquet` below `out` and return how many rows it has."""
    written = 0
    with pq.ParquetWriter(out / "train.parquet", SCHEMA, compression="zstd") as writer:
        for first in range(0, rows.sequences, BLOCK_ROWS):
            block = rows.block(first, min(rows.sequences, first + BLOCK_ROWS))
            batch = Batch(block, first, "same")
            filled = np.arange(rows.sequence_tokens) < (rows.sequence_tokens - block.pad_len)[:, None]
            is_text = np.ones(len(block.doc_lens), np.bool_)
            is_text[block.offsets[1:][block.pad_len > 0] - 1] = False
            lengths = block.doc_lens[is_text]
            ends = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
            ids, labels = batch.input_ids[filled], batch.labels[filled]
            lists = (ids.astype(np.int32), np.ones(len(ids), np.int8), labels.astype(np.int32))
            arrays = [pa.ListArray.from_arrays(ends, pa.array(values)) for values in lists]
            writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
            written += len(lengths)
    return written
