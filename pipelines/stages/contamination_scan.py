"""One compiled pass over texts: where an item of the reference index may stand.

A part is proposed where enough of its word sequences lie within a window of about its own length, so that a long
document does not collect them by chance; a short text also where enough of its own sequences lie in one part; whole
short parts where they stand; options where all of an item's stand close together in any order. Whatever is proposed
is compared as text afterwards (`contamination_evidence`), so a collision of hashes costs time and never a document.
"""

import numpy as np
import pyarrow as pa

from pipelines.engine.compiled import compiled
from pipelines.stages.contamination_found import Found, Text
from pipelines.stages.contamination_index import LEAST_PLAIN_WORDS, Index
from pipelines.stages.contamination_wholes import wholes
from pipelines.stages.contamination_windows import gram_hits, inside_parts, part_windows, sorted_hits
from pipelines.stages.contamination_words import Folding, Offsets, Places, Words, folding, split_words
from pipelines.stages.quality_tokens import Bytes


@compiled
def _plain(words: Words) -> Places:
    plain, many = np.empty(len(words.numbers), np.int32), 0
    for at in range(len(words.numbers)):
        plain[many] = at
        many += words.numbers[at] == 0
    return plain[:many]


@compiled
def _scan(data: Bytes, offsets: Offsets, tables: Folding, index: Index) -> Found:
    found = np.zeros((64, 5), np.int64)
    for row in range(len(offsets) - 1):
        words = split_words(data[offsets[row] : offsets[row + 1]], tables)
        text = Text(row, words, _plain(words))
        found = wholes(text, index, found)
        hits, counted = gram_hits(text, index)
        if len(hits):
            hits = sorted_hits(hits)
            found = part_windows(hits, text, index, found)
            if len(text.plain) >= LEAST_PLAIN_WORDS:
                found = inside_parts(hits, text, index, counted, found)
    return found[1 : found[0, 0] + 1]


def propose(texts: pa.Array, index: Index) -> Found:
    """Return what may stand in an Arrow string array: `ROW, RULE, PART, START, END`, in row order."""
    texts = texts.cast(pa.large_string())
    _, raw_offsets, raw = texts.buffers()
    offsets = np.frombuffer(raw_offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(raw, dtype=np.uint8) if raw is not None and raw.size else np.empty(0, dtype=np.uint8)
    data.flags.writeable = False  # as in the other calls of `split_words`: compiled once
    if not len(texts):
        return np.empty((0, 5), np.int64)
    return _scan(data, offsets, folding(), index)
