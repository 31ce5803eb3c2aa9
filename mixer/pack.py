"""Put documents into sequences of a fixed length: best-fit decreasing in windows, as in arXiv 2404.10830.

A document that fits stays whole. A longer one is cut before the last section that begins within reach, else the last
paragraph, else at a token border; nothing is dropped or truncated. A quarter of a sequence is within reach. What such a
cut leaves free is filled by short documents; where there are too few of them (on 685 full papers alone it would cost
6 % padding), only so many documents of a window are cut at borders as keep its padding at .2 %, or cost no sequence.
Windows bound memory and cost .05 % at 20,000 documents. The same input gives the same packing. Not here: token ids
(`assemble`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.engine.compiled import compiled
from pipelines.engine.errors import PlanError

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
MIN_SEQUENCE_TOKENS = 4
PARTS = 16
"""Of so many long documents 16, 8, 4, 2, 1 or none are cut at borders."""


@dataclass(frozen=True, slots=True)
class PackRule:
    """Sequence length in tokens, which marks a document costs, the window in documents, and how far cuts may reach.

    `reach_percent` is the part of a sequence that a cut may give up to lie at a section or paragraph, as long as the
    padding of a window stays at `padding_per_mille` or no sequence more is needed.
    """

    sequence_tokens: int
    bos: bool
    eos: bool
    continuation_bos: bool = False
    window_documents: int = 20_000
    reach_percent: int = 25
    padding_per_mille: int = 2

    def __post_init__(self) -> None:
        if self.sequence_tokens < MIN_SEQUENCE_TOKENS or self.window_documents < 1:
            raise PlanError(
                f"packing needs sequences of at least {MIN_SEQUENCE_TOKENS} tokens and windows of at least 1 document, "
                f"got {self.sequence_tokens} and {self.window_documents}"
            )
        if not 0 <= self.reach_percent <= 100:
            raise PlanError(
                f"reach_percent is a part of a sequence, at least 0 and at most 100, got {self.reach_percent}"
            )


@dataclass(frozen=True, slots=True)
class Breaks:
    """Token positions where documents may be cut, ascending: document d has `positions[offsets[d]:offsets[d+1]]`."""

    positions: Ints
    offsets: Ints

    @classmethod
    def of(cls, lists: pa.ChunkedArray | pa.Array) -> "Breaks":
        """Return the breaks held in an Arrow column of lists, one list a document."""
        array = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
        offsets = array.offsets.to_numpy().astype(np.int64)
        return cls(array.values.to_numpy(zero_copy_only=False).astype(np.int64), offsets)

    @classmethod
    def none(cls, documents: int) -> "Breaks":
        """Return no breaks for so many documents."""
        return cls(np.zeros(0, np.int64), np.zeros(documents + 1, np.int64))


@dataclass(frozen=True, slots=True)
class Packed:
    """Sequences as lists of pieces; sequence s has pieces `offsets[s]:offsets[s+1]`, by document and then by start.

    A piece is `tokens` tokens of row `document` from token `start` on, after a BOS if `bos` and before an EOS if `eos`.
    """

    sequence_tokens: int
    offsets: Ints
    document: Ints
    start: Ints
    tokens: Ints
    bos: Flags
    eos: Flags

    @property
    def sequences(self) -> int:
        """Return the number of sequences."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Ints:
        """Return the tokens that each piece takes up, marks included."""
        return self.tokens + self.bos + self.eos

    @property
    def pad_tokens(self) -> Ints:
        """Return the tokens of padding at the end of each sequence."""
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths)])
        return self.sequence_tokens - np.diff(ends[self.offsets])


def pack(
    lengths: Ints,
    rule: PackRule,
    sections: Breaks | None = None,
    paragraphs: Breaks | None = None,
    marked: Flags | None = None,
) -> Packed:
    """Return the packing of documents with so many tokens each; a document without tokens takes no piece.

    O(n log n), about 1 us a document and try. Breaks are looked at for documents longer than a sequence only. Documents
    that are `marked` hold their own marks and get none; their breaks are turns, and they are always cut there.
    """
    lengths = np.ascontiguousarray(lengths, dtype=np.int64)
    marked = np.zeros(len(lengths), np.bool_) if marked is None else marked
    borders = _Borders(lengths, sections or Breaks.none(len(lengths)), paragraphs or Breaks.none(len(lengths)), marked)
    window = np.arange(len(lengths)) // rule.window_documents
    part = np.full(int(window[-1]) + 1 if len(window) else 0, PARTS)
    packed = _pack(borders, rule, part)
    dense = _padding(packed, rule, len(part)) <= rule.padding_per_mille
    if dense.all():
        return packed
    least = _sequences(_pack(borders, rule, np.where(dense, part, 0)), rule, len(part))
    while True:
        enough = dense | (_sequences(packed, rule, len(part)) <= least) | (part == 0)
        if enough.all():
            return packed
        part = np.where(enough, part, part // 2)
        packed = _pack(borders, rule, part)
        dense = _padding(packed, rule, len(part)) <= rule.padding_per_mille


@dataclass(frozen=True, slots=True)
class _Borders:
    """The documents to pack, and where they may be cut."""

    lengths: Ints
    sections: Breaks
    paragraphs: Breaks
    marked: Flags


def _pack(documents: _Borders, rule: PackRule, part: Ints) -> Packed:
    """Pack with cuts at borders for `part[w]` of every PARTS long documents of window w, the others cut anywhere."""
    lengths, bare = documents.lengths, ~documents.marked
    cuts = [(breaks.positions, breaks.offsets) for breaks in (documents.sections, documents.paragraphs)]
    window = np.arange(len(lengths)) // rule.window_documents
    is_long = lengths > rule.sequence_tokens - rule.bos - rule.eos
    turn = (np.cumsum(is_long) - 1) % PARTS
    reach = np.where((turn < part[window]) | documents.marked, rule.sequence_tokens * rule.reach_percent // 100, 0)
    marks = rule.bos, rule.continuation_bos, rule.eos
    document, start, tokens = _pieces(lengths, cuts[0], cuts[1], (rule.sequence_tokens, reach), marks, bare)
    bos = ((start == 0) & rule.bos | (start > 0) & rule.continuation_bos) & bare[document]
    eos = (start + tokens == lengths[document]) & rule.eos & bare[document]
    largest_first = np.lexsort((-(tokens + bos + eos), window[document]))
    sequence = np.empty(len(document), np.int64)
    costs = (tokens + bos + eos)[largest_first]
    sequence[largest_first] = _best_fit(costs, window[document][largest_first], rule.sequence_tokens)
    order = np.lexsort((start, document, sequence))
    counts = np.bincount(sequence) if len(sequence) else np.zeros(0, np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return Packed(rule.sequence_tokens, offsets, document[order], start[order], tokens[order], bos[order], eos[order])


def _sequences(packed: Packed, rule: PackRule, windows: int) -> Ints:
    """Return how many sequences each window has."""
    return np.bincount(packed.document[packed.offsets[:-1]] // rule.window_documents, minlength=windows)


def _padding(packed: Packed, rule: PackRule, windows: int) -> npt.NDArray[np.float64]:
    """Return the padding of each window, in thousandths of its places."""
    window = packed.document[packed.offsets[:-1]] // rule.window_documents
    padding = np.bincount(window, weights=packed.pad_tokens, minlength=windows)
    places = _sequences(packed, rule, windows) * rule.sequence_tokens
    return 1000 * padding / np.maximum(places, 1)


@compiled
def _last_break(breaks: tuple[Ints, Ints], row: int, low: int, high: int) -> int:
    """Return the last break of a document that lies in [low, high], or -1."""
    positions, offsets = breaks
    first = offsets[row]
    at = first + np.searchsorted(positions[first : offsets[row + 1]], high, side="right") - 1
    return positions[at] if at >= first and positions[at] >= low else -1


@compiled
def _pieces(
    lengths: Ints,
    sections: tuple[Ints, Ints],
    paragraphs: tuple[Ints, Ints],
    room: tuple[int, Ints],
    marks: tuple[bool, bool, bool],
    bare: Flags,
) -> tuple[Ints, Ints, Ints]:
    """Return (document, start, tokens) of each piece, in reading order; `room` is a sequence's and each one's reach."""
    size, reach = room
    document, starts, tokens = [0 for _ in range(0)], [0 for _ in range(0)], [0 for _ in range(0)]
    for row in range(len(lengths)):
        bos, continuation_bos, eos = bare[row] * marks[0], bare[row] * marks[1], bare[row] * marks[2]
        start, left, head = 0, lengths[row], bos
        while left > 0:
            take = left
            if head + left + eos > size:
                high = min(size - head, left - 1)
                low = max(1, high - reach[row])
                cut = _last_break(sections, row, start + low, start + high)
                if cut < 0:
                    cut = _last_break(paragraphs, row, start + low, start + high)
                take = high if cut < 0 else cut - start
            document.append(row)
            starts.append(start)
            tokens.append(take)
            start, left, head = start + take, left - take, continuation_bos
    return np.array(document, np.int64), np.array(starts, np.int64), np.array(tokens, np.int64)


@compiled
def _best_fit(costs: Ints, window: Ints, size: int) -> Ints:
    """Return the sequence of each piece: the fullest open one of its window that has room, else a new one.

    Open sequences hang in one list for each number of free tokens; a counting tree over those numbers finds the
    least one that suffices in O(log size).
    """
    leaves = 1
    while leaves <= size:
        leaves *= 2
    tree = np.zeros(2 * leaves, np.int64)
    newest = np.full(size + 1, -1, np.int64)
    older = np.full(len(costs), -1, np.int64)
    sequence = np.empty(len(costs), np.int64)
    opened, current = 0, -1
    for piece in range(len(costs)):
        if window[piece] != current:
            current = window[piece]
            tree[:] = 0
            newest[:] = -1
        free = _least_at_or_above(tree, leaves, costs[piece])
        if free < 0:
            free, chosen = size, opened
            opened += 1
        else:
            chosen = newest[free]
            newest[free] = older[chosen]
            _count(tree, leaves + free, -1)
        free -= costs[piece]
        older[chosen] = newest[free]
        newest[free] = chosen
        _count(tree, leaves + free, 1)
        sequence[piece] = chosen
    return sequence


@compiled
def _count(tree: Ints, node: int, change: int) -> None:
    """Add `change` to a leaf and to all nodes above it."""
    while node > 0:
        tree[node] += change
        node //= 2


@compiled
def _least_at_or_above(tree: Ints, leaves: int, value: int) -> int:
    """Return the least leaf number >= value with a count above zero, or -1."""
    node = leaves + value
    if tree[node] > 0:
        return value
    while node > 1 and (node % 2 == 1 or tree[node + 1] == 0):
        node //= 2
    if node == 1:
        return -1
    node += 1
    while node < leaves:
        node = 2 * node if tree[2 * node] > 0 else 2 * node + 1
    return node - leaves
