"""How probable each language is for many texts: py3langid's model, walked by compiled code.

The model is an automaton over UTF-8 bytes, with at most one feature a state, and a naive Bayes table of features by
languages (Lui & Baldwin 2012). Its arrays are the library's own, used in place. Sums are exact to double precision
and have a fixed order; the library's, in single precision, are off in the sixth decimal, and by processor. The tests
hold the library beside it, as shipped and in double precision. Not here: which part of a text is judged, and how.
"""

import math
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from py3langid import langid

from pipelines.engine.compiled import compiled
from pipelines.engine.kept_tables import Table, kept_tables

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Found = npt.NDArray[np.int32]
Codes = npt.NDArray[np.uint32]
Halves = npt.NDArray[np.int16]
Bytes = npt.NDArray[np.uint8]

NO_FEATURE = -1
_ABREAST = 32
"""Texts that are walked side by side: a step waits for memory, and the steps of other texts need not."""
_HALF_TO_SINGLE = 2.0**112
"""The bits of a half-precision number, put in place in a single-precision one, read as too small by this."""
_NOTHING = -60.0
"""Logarithm of a probability beside which that of the best language is 1 in double precision."""
_SIGN_AND_VALUE = np.int32(-0x70002000)


@compiled
def _single(half: np.int16) -> np.float32:
    """Return a finite half-precision number, given by its bits, over `_HALF_TO_SINGLE`."""
    return np.int32((np.int32(half) << np.int32(13)) & _SIGN_AND_VALUE).view(np.float32)


class Automaton(NamedTuple):
    """The state after `state` and `byte` is `moves[rows[state] * 256 + byte]`; `features[state]` is seen there."""

    moves: npt.NDArray[np.unsignedinteger]
    rows: npt.NDArray[np.unsignedinteger]
    features: Found


class Weights(NamedTuple):
    """The naive Bayes table: bits of half-precision logarithms (features, columns), priors, the label of a column."""

    halves: Halves
    priors: Floats
    label_of: Ints


class Tables(NamedTuple):
    """What the compiled code reads."""

    automaton: Automaton
    weights: Weights


class Model(NamedTuple):
    """The library's model, and its labels; a label may have several columns, one for each script."""

    tables: Tables
    labels: tuple[str, ...]


@lru_cache(maxsize=1)
def model() -> Model:
    """Return the model in py3langid's wheel, unpacked once a machine; labels (ISO 639) are sorted.

    Raises TypeError when the library's table is not of half precision.
    """
    moves, rows, features, halves, priors, label_of, labels, _ = _tables()
    return Model(Tables(Automaton(moves, rows, features), Weights(halves, priors, label_of)), tuple(labels.tolist()))


@lru_cache(maxsize=1)
def _tables() -> tuple[Table, ...]:
    """Return the fields of `Model`, one after the other, and of each code point whether it is a letter."""
    return kept_tables(__file__, [(langid.MODEL_DIR / langid.MODEL_FILE).read_bytes()], _made)


def _made() -> tuple[Table, ...]:
    library = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    labels = sorted(library.labels)
    features = np.array(library.tk_output, dtype=np.int32)
    halves = library.nb_ptc.astype(np.float16, casting="safe", copy=False).view(np.int16)
    label_of = np.array([labels.index(label) for label in library.nb_classes])
    priors = library.nb_pc.astype(np.float64)
    moves, rows = np.asarray(library.tk_nextmove), np.asarray(library.tk_row)
    is_letter = np.fromiter(map(str.isalpha, map(chr, range(sys.maxunicode + 1))), dtype=np.bool_)
    return moves, rows, features, halves, priors, label_of, np.array(labels), is_letter


@compiled
def _walk(data: Bytes, ends: Ints, automaton: Automaton, found: Found) -> None:
    """Write the feature that each byte completes; text `i` lies between `ends[i]` and `ends[i + 1]`."""
    texts = len(ends) - 1
    states = np.zeros(texts, dtype=np.int64)
    for step in range(np.diff(ends).max()):
        for text in range(texts):
            at = ends[text] + step
            if at < ends[text + 1]:
                row = np.int64(automaton.rows[states[text]])
                state = np.int64(automaton.moves[(row << 8) + data[at]])
                states[text] = state
                found[at] = automaton.features[state]


@compiled
def _count(found: Found, times: Found, places: Found) -> int:
    """Move the distinct features of one text to the front of `found`, write how often each occurs, return how many.

    `places` holds `NO_FEATURE` for every feature of the model, before and after.
    """
    distinct = 0
    for feature in found:
        if feature == NO_FEATURE:
            continue
        if places[feature] == NO_FEATURE:
            places[feature] = distinct
            found[distinct] = feature
            times[distinct] = 0
            distinct += 1
        times[places[feature]] += 1
    for feature in found[:distinct]:
        places[feature] = NO_FEATURE
    return distinct


@compiled
def _add_scores(features: Found, times: Found, halves: Halves, logs: Floats, scores: Floats) -> None:
    """Add the logarithms of the features, each weighted by `logs` of how often it occurs.

    Those that occur once, most of them, are summed in single precision, which is exact for some thousand halves.
    """
    once = np.zeros(len(scores), dtype=np.float32)
    for place in range(len(features)):
        row = halves[features[place]]
        if times[place] == 1:
            for column in range(len(scores)):
                once[column] += _single(row[column])
        else:
            weight = logs[times[place]]
            for column in range(len(scores)):
                scores[column] += weight * np.float64(_single(row[column]))
    for column in range(len(scores)):
        scores[column] += logs[1] * once[column]


@compiled
def _add_softmax(scores: Floats, temperature: float, label_of: Ints, out: Floats) -> None:
    """Add the probabilities of the columns to those of their labels; overwrite `scores`."""
    best, total = scores.max(), 0.0
    for column in range(len(scores)):
        below = (scores[column] - best) / temperature
        scores[column] = math.exp(below) if below > _NOTHING else 0.0
        total += scores[column]
    for column in range(len(scores)):
        out[label_of[column]] += scores[column] / total


@compiled
def _find(data: Bytes, ends: Ints, automaton: Automaton, features: int) -> tuple[Found, Found, Ints]:
    """Return the distinct features from the start of each text on, how often each occurs, and how many there are."""
    texts = len(ends) - 1
    found, times = np.empty(len(data), dtype=np.int32), np.empty(len(data), dtype=np.int32)
    for first in range(0, texts, _ABREAST):
        _walk(data, ends[first : first + _ABREAST + 1], automaton, found)
    places = np.full(features, NO_FEATURE, dtype=np.int32)
    distinct = np.empty(texts, dtype=np.int64)
    for text in range(texts):
        own = slice(ends[text], ends[text + 1])
        distinct[text] = _count(found[own], times[own], places)
    return found, times, distinct


@compiled
def _rank(data: Bytes, ends: Ints, tables: Tables, logs: Floats, out: Floats) -> None:
    """Add the probabilities of each text to its row of `out`; a text without features has any language."""
    automaton, weights = tables
    found, times, distinct = _find(data, ends, automaton, len(weights.halves))
    scores = np.empty(len(weights.priors))
    for text in range(len(distinct)):
        own = slice(ends[text], ends[text] + distinct[text])
        scores[:] = weights.priors * (distinct[text] > 0)
        _add_scores(found[own], times[own], weights.halves, logs, scores)
        _add_softmax(scores, math.sqrt(max(ends[text + 1] - ends[text], 1)), weights.label_of, out[text])


def _encoded(text: str) -> bytes:
    """Return the bytes that the model was trained on: composed, and in lower case where all is in capitals."""
    lowered = text.lower() if text.isupper() else text
    return unicodedata.normalize("NFC", lowered).encode("utf-8", errors="surrogatepass")


def _ends(sizes: Iterable[int]) -> Ints:
    """Return where each of some adjoining parts ends, after a 0."""
    return np.array([0, *accumulate(sizes)], dtype=np.int64)


def probabilities(texts: Sequence[str]) -> Floats:
    """Return the probability of each language for each text: shape (texts, labels), columns as in `model().labels`."""
    encoded = [_encoded(text) for text in texts]
    ends = _ends(map(len, encoded))
    most = max(map(len, encoded), default=0)
    logs = np.log1p(np.arange(most + 2, dtype=np.float32)).astype(np.float64) * _HALF_TO_SINGLE
    out = np.zeros((len(texts), len(model().labels)))
    if texts:
        _rank(np.frombuffer(b"".join(encoded), dtype=np.uint8), ends, model().tables, logs, out)
    return out


@compiled
def _count_letters(codes: Codes, ends: Ints, is_letter: npt.NDArray[np.bool_]) -> Ints:
    counts = np.zeros(len(ends) - 1, dtype=np.int64)
    for text in range(len(counts)):
        for at in range(ends[text], ends[text + 1]):
            counts[text] += is_letter[codes[at]]
    return counts


def letters(texts: Sequence[str]) -> list[int]:
    """Return how many characters of each text are letters (`str.isalpha`)."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", errors="surrogatepass"), dtype=np.uint32)
    counts: list[int] = _count_letters(codes, _ends(map(len, texts)), _tables()[-1]).tolist()
    return counts
