"""Where a document may be cut: the tokens at which its sections and paragraphs begin.

A section begins at a character that the record names, a paragraph after an empty line. Both are found in one pass over
the UTF-8 bytes of a batch of texts and told as the first token that begins there or later; the ends of a text are no
places to cut. Short texts are never cut, so nothing is looked for in them. Not here: which of the places are used
(`pack`).
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mixer.encode import Encoded
from pipelines.engine.compiled import compiled

LEAST_CHARS = 512
Ints = npt.NDArray[np.int64]
_NEWLINE = 10


def find_breaks(texts: pa.Array, sections: pa.Array, encoded: Encoded) -> tuple[pa.Array, pa.Array]:
    """Return the tokens at which sections and at which paragraphs begin, one list of int32 a text.

    `texts` are strings of Arrow; `sections` has a list for each, of structs with a `start` in characters.
    """
    _, bounds, data = texts.buffers()
    ends = np.frombuffer(bounds, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    starts = pc.struct_field(sections.flatten(), "start").to_numpy(zero_copy_only=False).astype(np.int64)
    counts = pc.fill_null(pc.list_value_length(sections), 0).to_numpy(zero_copy_only=False)
    section_ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    found = _find(np.frombuffer(data, np.uint8), ends, starts, section_ends, encoded.offsets, encoded.starts)
    return _lists(*found[0]), _lists(*found[1])


def _lists(values: npt.NDArray[np.int32], counts: npt.NDArray[np.int32]) -> pa.Array:
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values))


@compiled
def _find(data: Any, ends: Ints, sections: Ints, section_ends: Ints, offsets: Ints, starts: Any) -> Any:
    """Return (tokens, how many for each text) of sections and of paragraphs."""
    texts = len(ends) - 1
    found, counts = np.empty(len(sections), np.int32), np.zeros(texts, np.int32)
    lines, line_counts = np.empty((ends[-1] - ends[0]) // 3 + 1, np.int32), np.zeros(texts, np.int32)
    places, bounds = np.empty(len(sections), np.int64), np.empty(len(lines), np.int64)
    section_count = line_count = 0
    for text in range(texts):
        if ends[text + 1] - ends[text] < LEAST_CHARS:
            continue
        mine_data = data[ends[text] : ends[text + 1]]
        chars = _chars(mine_data)
        if chars < LEAST_CHARS:
            continue
        wanted = np.sort(sections[section_ends[text] : section_ends[text + 1]])
        _bytes_of(mine_data, chars, wanted, places)
        lines_found = _after_empty_lines(mine_data, bounds)
        mine = starts[offsets[text] : offsets[text + 1]]
        counts[text] = _tokens_at(mine, places[: len(wanted)], found[section_count:])
        line_counts[text] = _tokens_at(mine, bounds[:lines_found], lines[line_count:])
        section_count += counts[text]
        line_count += line_counts[text]
    return (found[:section_count], counts), (lines[:line_count], line_counts)


@compiled
def _chars(data: Any) -> int:
    count = 0
    for value in data:  # nothing else in this loop, so that it runs on vectors
        count += value & 0xC0 != 0x80
    return count


@compiled
def _bytes_of(data: Any, chars: int, wanted: Ints, places: Ints) -> None:
    """Write the byte of each wanted character (ascending) of a text to `places`; its end for those beyond it."""
    byte = char = -1
    for at in range(len(wanted)):
        if chars == len(data):  # all of one byte
            places[at] = min(wanted[at], chars)
            continue
        while char < wanted[at] and byte < len(data):
            byte += 1
            char += byte == len(data) or data[byte] & 0xC0 != 0x80
        places[at] = byte


@compiled
def _after_empty_lines(data: Any, bounds: Ints) -> int:
    """Write the first byte after each run of two newlines and more; returns how many."""
    count = byte = 0
    while byte < len(data):
        if data[byte] != _NEWLINE:
            byte += 1
            continue
        begin = byte
        while byte < len(data) and data[byte] == _NEWLINE:
            byte += 1
        if byte > begin + 1:
            bounds[count] = byte
            count += 1
    return count


@compiled
def _tokens_at(starts: Any, places: Ints, tokens: Any) -> int:
    """Write the first token that begins at or after each place (ascending), each once and never the first of all."""
    token = count = 0
    for place in places:
        while token < len(starts) and starts[token] < place:
            token += 1
        if 0 < token < len(starts) and (count == 0 or tokens[count - 1] != token):
            tokens[count] = token
            count += 1
    return count
