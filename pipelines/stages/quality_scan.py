"""Text statistics in compiled passes over UTF-8 bytes: words, lines and repetition, as in Gopher and FineWeb.

Words are those of `quality_words`. The rules behind the statistics are Rae et al. 2021 (Gopher, table A1 and its
quality rules), Penedo et al. 2024 (FineWeb, lines) and Raffel et al. 2020 (C4, in `quality_c4`). The tests hold a plain
Python twin, and both must agree on any text. Not here: thresholds and verdicts (`quality`).
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.engine.compiled import compiled
from pipelines.stages.quality_c4 import kept_sentences
from pipelines.stages.quality_chars import DIGIT, LETTER, SPLIT, STOP_WORDS, WORD, class_table, stop_table
from pipelines.stages.quality_lines import LINE_STATISTICS, Floats, characters, ellipses, line_stats, ratio
from pipelines.stages.quality_repeats import Hashes, Lengths, duplicate_grams, slot_of, table_size, top_gram
from pipelines.stages.quality_tokens import BITS, CHARS, LETTERS, VOWELS, Bytes, Table, read_tokens
from pipelines.stages.quality_words import token_begins

TOP_N_GRAMS = (2, 3, 4)
DUPLICATE_N_GRAMS = (5, 6, 7, 8, 9, 10)
COUNTS = ("chars", "tokens", "words", "lines", "stop_words", "replacement_chars", "curly_brackets", "c4_sentences")
FRACTIONS = (
    "mean_word_length",
    "alpha_word_fraction",
    "symbol_fraction",
    "hash_ratio",
    "ellipsis_ratio",
    "stop_word_share",
    "vowel_share",
    "newline_ratio",
    *LINE_STATISTICS,
    *(f"top_{n}_gram" for n in TOP_N_GRAMS),
    *(f"dup_{n}_gram" for n in DUPLICATE_N_GRAMS),
)
STATISTICS = COUNTS + FRACTIONS
LONG_WORD_LETTERS = 4
_LANGUAGES = len(STOP_WORDS)
_GRAM_MIX = np.uint64(0x9E3779B97F4A7C15)

Masks = npt.NDArray[np.uint32]


@compiled
def _word_shape(seen: Lengths) -> tuple[float, float, float, float]:
    """Return words, mean length of those with a letter, their share of all tokens, vowels a letter in long words."""
    words, alpha, spaced, chars, letters, vowels = 0, 0, 0, 0, 0, 0
    for token in range(len(seen)):
        bits = seen[token, BITS]
        if not bits & WORD:
            continue
        words += 1
        alpha += bits & LETTER != 0
        if bits & LETTER and not bits & SPLIT:
            spaced += 1
            chars += seen[token, CHARS]
        if seen[token, LETTERS] >= LONG_WORD_LETTERS and not bits & DIGIT:
            letters += seen[token, LETTERS]
            vowels += seen[token, VOWELS]
    return words, ratio(chars, spaced), ratio(alpha, len(seen)), vowels / letters if letters else 1.0


@compiled
def _symbol_share(seen: Lengths) -> float:
    """Return the share of visible characters that stand in tokens without a letter or a number."""
    visible, symbols = 0, 0
    for token in range(len(seen)):
        visible += seen[token, CHARS]
        symbols += seen[token, CHARS] * (seen[token, BITS] & WORD == 0)
    return ratio(symbols, visible)


@compiled
def _signs(data: Bytes) -> tuple[int, int, int, int]:
    """Return how many replacement characters, curly brackets, number signs and new lines there are."""
    replaced, braces, signs, newlines = 0, 0, 0, 0
    for at in range(len(data)):
        byte = data[at]
        if byte == 0xBD:
            replaced += at >= 2 and data[at - 1] == 0xBF and data[at - 2] == 0xEF
        braces += byte == 123 or byte == 125
        signs += byte == 35
        newlines += byte == 10
    return replaced, braces, signs, newlines


@compiled
def _stop_words(lowered: Hashes, seen: Lengths, stops: Hashes, masks: Masks) -> tuple[float, float]:
    """Return how many of Gopher's eight stop words occur, and the stop words of the best language a Latin word."""
    shares = np.zeros(_LANGUAGES, dtype=np.int64)
    latin, gopher = 0, 0
    for token in range(len(lowered)):
        if seen[token, LETTERS] == 0:
            continue
        latin += 1
        place = slot_of(stops, lowered[token])
        if stops[place] == lowered[token]:
            mask = int(masks[place])
            gopher |= mask >> 16
            for language in range(_LANGUAGES):
                shares[language] += (mask >> language) & 1
    found = 0
    while gopher:
        found += gopher & 1
        gopher >>= 1
    return found, ratio(shares.max(), latin)


@compiled
def _gram_stats(hashes: Hashes, seen: Lengths, chars: int, out: Floats) -> None:
    """Write the shares of characters in the commonest n-gram (n = 2-4) and in repeated n-grams (n = 5-10)."""
    size = table_size(len(hashes))
    keys = np.empty(size, dtype=np.uint64)
    counts, firsts = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    ends = np.zeros(len(hashes) + 1, dtype=np.int64)
    ends[1:] = np.cumsum(seen[:, CHARS])
    grams = hashes.copy()
    for n in range(2, 11):
        left = max(len(hashes) - n + 1, 0)
        for first in range(left):
            grams[first] = (grams[first] * _GRAM_MIX) ^ hashes[first + n - 1]
        if n <= 4:
            repeated = top_gram(grams[:left], ends, n, keys, counts, firsts)
        else:
            repeated = duplicate_grams(grams[:left], ends, n, keys)
        out[n - 2] = ratio(repeated, chars)


@compiled
def _scan(data: Bytes, table: Table, stops: Hashes, masks: Masks, out: Floats) -> None:
    """Write `STATISTICS` of one text into `out`."""
    chars = characters(data)
    hashes, lowered = np.empty(chars, dtype=np.uint64), np.empty(chars, dtype=np.uint64)
    seen = np.empty((chars, 4), dtype=np.int64)
    tokens = read_tokens(data, token_begins(data, table), table, hashes, lowered, seen)
    hashes, lowered, seen = hashes[:tokens], lowered[:tokens], seen[:tokens]
    out[0], out[1], out[7] = chars, tokens, kept_sentences(data)
    out[2], out[8], out[9], out[14] = _word_shape(seen)
    out[4], out[13] = _stop_words(lowered, seen, stops, masks)
    out[10], out[12] = _symbol_share(seen), ratio(ellipses(data), tokens)
    out[5], out[6], signs, newlines = _signs(data)
    out[11], out[15] = ratio(signs, tokens), ratio(newlines, tokens)
    out[3] = line_stats(data, table, chars, out[16:24])
    _gram_stats(hashes, seen, chars, out[24:33])


@compiled
def _scan_rows(data: Bytes, offsets: Lengths, table: Table, stops: Hashes, masks: Masks, out: Floats) -> None:
    for row in range(len(offsets) - 1):
        _scan(data[offsets[row] : offsets[row + 1]], table, stops, masks, out[row])


def scan(texts: pa.Array) -> Floats:
    """Return the statistics of an Arrow string array: shape (rows, len(STATISTICS)), columns as in `STATISTICS`."""
    texts = texts.cast(pa.large_string())
    _, raw_offsets, raw = texts.buffers()
    offsets = np.frombuffer(raw_offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(raw, dtype=np.uint8) if raw is not None and raw.size else np.empty(0, dtype=np.uint8)
    out = np.zeros((len(texts), len(STATISTICS)))
    if len(texts):
        _scan_rows(data, offsets, class_table(), *stop_table(), out)
    return out
