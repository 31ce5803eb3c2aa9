"""What a pass over texts proposes, and the row of words that it looks at: shared by the two ways of proposing.

Not here: windows of word sequences (`contamination_windows`), and parts that stand whole (`contamination_wholes`).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.engine.compiled import compiled
from pipelines.stages.contamination_words import Places, Words

SHARE, INSIDE, EXACT, TOGETHER, PAIRED = range(5)
"""Part in a window of the text, text in the part, whole part, options as a set, stem with an option after it."""
ROW, RULE, PART, START, END = range(5)
"""Columns of what `propose` returns; start and end are bytes of the row's text."""

Found = npt.NDArray[np.int64]


class Text(NamedTuple):
    """The words of one row, and the numbers of those words that are no numbers."""

    row: int
    words: Words
    plain: Places


@compiled
def larger(rows: Found) -> Found:
    """Return the same rows with room for as many more."""
    out = np.empty((2 * len(rows), rows.shape[1]), np.int64)
    for at in range(len(rows)):
        for column in range(rows.shape[1]):
            out[at, column] = rows[at, column]
    return out


@compiled
def put(found: Found, row: int, rule: int, part: int, start: int, end: int) -> Found:
    """Write one proposal, into a larger array when it is full; returns the array, whose first cell counts them."""
    found[0, 0] += 1
    count = found[0, 0]
    if count == len(found):
        found = larger(found)
    found[count, 0], found[count, 1], found[count, 2], found[count, 3], found[count, 4] = row, rule, part, start, end
    return found
