"""A mixture as Megatron's `.bin` and `.idx` files: one prefix for each component, and the blend that gives its shares.

Each piece of a document is a sequence of its own, marks included and padding left out, in the order of training and as
often as the mixture takes it, so the tokens are the mixture's to the last one. Megatron orders and packs anew: it
counts its blend in samples of a fixed length, which is in tokens, so the weights are the components' tokens. It knows
no masks of losses; a mixture with masked turns is refused. Layout: megatron-core's `IndexedDataset`, version 1.
"""

import struct
from dataclasses import dataclass, field
from io import BufferedWriter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mixer.stored import StoredRows
from pipelines.engine.errors import InputError

MAGIC = b"MMIDIDX\x00\x00"
VERSION = 1
INT32, UINT16 = 4, 8
BLOCK_ROWS = 1000


@dataclass(slots=True)
class _Prefix:
    """The open `.bin` of a component and the lengths of the sequences in it."""

    file: BufferedWriter
    lengths: list[npt.NDArray[np.int32]] = field(default_factory=list)


def export_megatron(rows: StoredRows, out: Path) -> list[str]:
    """Write `COMPONENT.bin` and `COMPONENT.idx` for each component below `out` and return the lines of the blend.

    Raises InputError when turns of the mixture are masked.
    """
    dtype = np.dtype(np.uint16 if rows.facts["vocabulary"] <= 65_500 else np.int32)  # as megatron-core itself chooses
    names = [component["name"] for component in rows.components]
    prefixes = [_Prefix((out / f"{name}.bin").open("wb")) for name in names]
    for first in range(0, rows.sequences, BLOCK_ROWS):
        block = rows.block(first, min(rows.sequences, first + BLOCK_ROWS))
        if len(block.masked):
            raise InputError(
                "this mixture masks the prompts of conversations, which Megatron's files cannot say; export it "
                "`--to axolotl`, or make a mixture for the base model"
            )
        filled = np.arange(block.input_ids.shape[1]) < (block.input_ids.shape[1] - block.pad_len)[:, None]
        last = np.zeros(len(block.doc_lens), np.bool_)
        last[block.offsets[1:][block.pad_len > 0] - 1] = True
        owner = np.repeat(block.source_id, np.diff(block.offsets))
        for index, prefix in enumerate(prefixes):
            mine = block.source_id == index
            prefix.file.write(block.input_ids[mine][filled[mine]].astype(dtype).tobytes())
            prefix.lengths.append(block.doc_lens[(owner == index) & ~last])
    blend = []
    for name, prefix in zip(names, prefixes, strict=True):
        prefix.file.close()
        lengths = np.concatenate([np.zeros(0, np.int32), *prefix.lengths])
        (out / f"{name}.idx").write_bytes(_index(lengths, dtype))
        if tokens := int(lengths.sum()):
            blend.append(f"{tokens} {name}")
    return blend


def _index(lengths: npt.NDArray[np.int32], dtype: np.dtype[Any]) -> bytes:
    """Return the `.idx` of sequences that are documents each: lengths in tokens, places in bytes, document borders."""
    places = (np.cumsum(lengths, dtype=np.int64) - lengths) * dtype.itemsize
    code = UINT16 if dtype == np.uint16 else INT32
    head = MAGIC + struct.pack("<QBQQ", VERSION, code, len(lengths), len(lengths) + 1)
    borders = np.arange(len(lengths) + 1, dtype=np.int64)
    return head + lengths.astype(np.int32).tobytes() + places.tobytes() + borders.tobytes()
