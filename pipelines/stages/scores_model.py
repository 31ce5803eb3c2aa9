"""A linear model over hashed words and pairs of words, as fastText's classifier without its hidden layer.

Joulin et al. 2017 ("Bag of tricks for efficient text classification"). The score of a text is the logistic of
b + sum of w[bucket] / sqrt(n) over the n buckets of its first words and neighbouring pairs, so it needs no library. A
model is one file: weights, and a card in JSON that says what it was trained on and how well it orders passages that it
never saw. None is shipped: that takes a thousand passages labelled independently of what the model sees. Not here:
training (`pipelines.scores_train`).
"""

import json
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.engine.compiled import compiled
from pipelines.engine.errors import InputError
from pipelines.engine.hashing import sha256_bytes
from pipelines.stages.near_signature import mixed, texts_of
from pipelines.stages.quality_chars import WORD, class_table
from pipelines.stages.quality_tokens import BITS, Bytes, Table, read_tokens
from pipelines.stages.quality_words import token_begins

BUCKET_BITS = 18
MOST_TOKENS, MOST_BYTES = 2000, 32_000
"""What of a text is looked at, from its beginning."""
FORMAT = 2
"""Other words than before, so a model of the format before is refused."""
_PAIR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - BUCKET_BITS)

Buckets = npt.NDArray[np.int32]
Ends = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]


class Model(NamedTuple):
    """Weights by bucket, the intercept, what is known of the training, and the digest of the file."""

    weights: Weights
    intercept: float
    card: dict[str, Any]
    sha256: str


@compiled
def _fill(data: Bytes, offsets: Ends, table: Table, out: Buckets, ends: Ends) -> None:
    """Write the buckets of all texts one behind the other, and where those of each end."""
    at = 0
    for row in range(len(ends)):
        text = data[offsets[row] : min(offsets[row + 1], offsets[row] + 16 * MOST_TOKENS)]
        while (
            len(text) and offsets[row] + len(text) < offsets[row + 1] and data[offsets[row] + len(text)] & 0xC0 == 0x80
        ):
            text = text[:-1]  # no character is cut in two
        size = len(text)
        hashes, lowered = np.empty(size, np.uint64), np.empty(size, np.uint64)
        seen = np.empty((size, 4), np.int64)
        tokens = min(read_tokens(text, token_begins(text, table), table, hashes, lowered, seen), MOST_TOKENS)
        last = np.uint64(0)
        for token in range(tokens):
            if not seen[token, BITS] & WORD:
                continue
            word = lowered[token]
            out[at] = np.int32(mixed(word) >> _SHIFT)
            at += 1
            if last:
                out[at] = np.int32(mixed(last * _PAIR ^ word) >> _SHIFT)
                at += 1
            last = word
        ends[row] = at


def buckets(texts: pa.Array) -> tuple[Buckets, Ends]:
    """Return the buckets of all texts one behind the other, and where those of each end."""
    ends = np.zeros(len(texts), np.int64)
    if not len(texts):
        return np.empty(0, np.int32), ends
    data, offsets = texts_of(texts)
    room = int(np.minimum(np.diff(offsets), MOST_TOKENS).sum())
    out = np.empty(2 * room, np.int32)
    _fill(data, offsets, class_table(), out, ends)
    return out[: ends[-1]], ends


def score(model: Model, found: Buckets, ends: Ends) -> npt.NDArray[np.float64]:
    """Return the probability of each text whose buckets are given; NaN for a text without words."""
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    sizes = ends - starts
    values = np.full(len(ends), np.nan)
    there = np.flatnonzero(sizes)
    if len(there):
        sums = np.add.reduceat(model.weights[found].astype(np.float64), starts[there])
        values[there] = 1 / (1 + np.exp(-(model.intercept + sums / np.sqrt(sizes[there]))))
    return values


def save_model(path: Path, weights: Weights, intercept: float, card: dict[str, Any]) -> None:
    """Write a model as one file; equal models have equal bytes."""
    told = json.dumps({"format": FORMAT, "intercept": intercept, **card}, sort_keys=True, ensure_ascii=False)
    with path.open("wb") as out:
        np.save(out, np.frombuffer(told.encode(), np.uint8), allow_pickle=False)
        np.save(out, weights.astype("<f4"), allow_pickle=False)


def load_model(path: Path) -> Model:
    """Return the model in a file. Raises InputError for a file that cannot be read or is none."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"model {path} cannot be read: {error.strerror}; train one with `medmix train-scores`"
        ) from error
    try:
        file = BytesIO(raw)
        card = json.loads(np.load(file, allow_pickle=False).tobytes())
        weights = np.load(file, allow_pickle=False)
        known = card.pop("format") == FORMAT and weights.shape == (1 << BUCKET_BITS,) and weights.dtype == np.float32
        intercept = float(card.pop("intercept"))
    except (ValueError, KeyError, EOFError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is no model of this program: {error}; train one with `medmix train-scores`"
        ) from error
    if not known:
        raise InputError(f"{path}: a model of another version; train it again with `medmix train-scores`")
    return Model(weights, intercept, card, sha256_bytes(raw))
