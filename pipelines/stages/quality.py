"""Describe the quality of a text in numbers, and flag what gentle thresholds would call broken.

Web filters drop clinical text: a dose table has no sentences, few stop words and repeats `mg/kg` in every row. So the
defaults flag only what no reader could use (other people's alphabets, garbage, endless repetition) and the rules of
Gopher, FineWeb and C4 are there to be tightened in the run file, which costs one pass and no extraction. Flags are
findings; `consolidate` decides which of them drop a document.
"""

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.settings import BYTES, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.content import contents
from pipelines.stages.quality_scan import COUNTS, DUPLICATE_N_GRAMS, STATISTICS, TOP_N_GRAMS, scan

REASONS: frozenset[str] = frozenset()
SCHEMA = pa.schema(
    [pa.field("id", pa.string(), nullable=False)]
    + [pa.field(name, pa.int32() if name in COUNTS else pa.float32()) for name in STATISTICS]
    + [pa.field("quality_flags", pa.list_(pa.string()))]
)

Share = Annotated[float, BYTES]
Flags = dict[str, npt.NDArray[np.bool_]]


class QualityConfig(Settings):
    """Thresholds; a text is flagged beyond them. Shares are 0-1, so 0 as a minimum or 1 as a maximum turns a rule off.

    Where the papers' values (in brackets: Gopher, FineWeb) are stricter than the default, clinical tables fail them.
    """

    judged_words: Annotated[int, BYTES] = 50
    """Below this many words only `few_words`, `garbled` and `no_words` are judged: a short answer repeats by chance."""
    min_words: Annotated[int, BYTES] = 0
    """[50]"""
    min_stop_words: Annotated[int, BYTES] = 0
    """Distinct words of Gopher's eight, English only [2]."""
    min_stop_word_share: Share = 0.02
    """`not_language`: Latin words among which hardly any is a stop word of any language known here, ..."""
    min_vowel_share: Share = 0.30
    """... and letters of long words of which too few are vowels: ROT13 has 0.25, languages 0.35-0.5."""
    min_mean_word_length: Annotated[float, BYTES] = 1.5
    """[3]"""
    max_mean_word_length: Annotated[float, BYTES] = 20.0
    """[10]"""
    min_alpha_word_fraction: Share = 0.001
    """[0.8]"""
    max_symbol_fraction: Share = 0.7
    max_replacement_fraction: Share = 0.02
    max_hash_ratio: Share = 0.3
    """[0.1]"""
    max_ellipsis_ratio: Share = 0.35
    """[0.1]"""
    max_bullet_line_fraction: Share = 1.0
    """[0.9]"""
    max_ellipsis_line_fraction: Share = 0.7
    """[0.3]"""
    min_terminal_line_fraction: Share = 0.0
    """[0.12]"""
    max_short_line_fraction: Share = 1.0
    """[0.67]"""
    max_newline_ratio: Annotated[float, BYTES] = 10.0
    """[0.3]"""
    max_curly_ratio: Share = 0.7
    """Curly brackets a word."""
    min_c4_sentences: Annotated[int, BYTES] = 0
    """Sentences in the lines that C4 keeps [5]; lists and tables have none, nor has a page with { in such a line."""
    max_duplicate_lines: Share = 0.7
    """[0.3]"""
    max_duplicate_line_chars: Share = 0.6
    """[0.2; FineWeb 0.01]"""
    max_duplicate_paragraphs: Share = 0.7
    """[0.3]"""
    max_duplicate_paragraph_chars: Share = 0.6
    """[0.2]"""
    max_top_gram: Annotated[tuple[float, float, float], BYTES] = (0.5, 0.55, 0.6)
    """For n = 2, 3, 4 [0.20, 0.18, 0.16]."""
    max_duplicate_gram: Annotated[tuple[float, float, float, float, float, float], BYTES] = (0.7,) * 6
    """For n = 5 ... 10 [0.15, 0.14, 0.13, 0.12, 0.11, 0.10]."""


def _word_flags(s: dict[str, npt.NDArray[np.float64]], config: QualityConfig) -> Flags:
    words = np.maximum(s["words"], 1)
    strange = (s["stop_word_share"] < config.min_stop_word_share) & (s["vowel_share"] < config.min_vowel_share)
    length = s["mean_word_length"]
    return {
        "not_language": strange,
        "no_stop_words": s["stop_words"] < config.min_stop_words,
        "short_words": (length > 0) & (length < config.min_mean_word_length),
        "long_words": length > config.max_mean_word_length,
        "no_letters": s["alpha_word_fraction"] < config.min_alpha_word_fraction,
        "hashes": s["hash_ratio"] > config.max_hash_ratio,
        "ellipses": s["ellipsis_ratio"] > config.max_ellipsis_ratio,
        "code": s["curly_brackets"] / words > config.max_curly_ratio,
    }


def _line_flags(s: dict[str, npt.NDArray[np.float64]], config: QualityConfig) -> Flags:
    return {
        "bullets": s["bullet_line_fraction"] > config.max_bullet_line_fraction,
        "ellipsis_lines": s["ellipsis_line_fraction"] > config.max_ellipsis_line_fraction,
        "no_sentences": s["terminal_line_fraction"] < config.min_terminal_line_fraction,
        "short_lines": s["short_line_fraction"] > config.max_short_line_fraction,
        "newlines": s["newline_ratio"] > config.max_newline_ratio,
        "few_sentences": s["c4_sentences"] < config.min_c4_sentences,
    }


def _repetition_flags(s: dict[str, npt.NDArray[np.float64]], config: QualityConfig) -> Flags:
    lines = (s["dup_line_fraction"] > config.max_duplicate_lines) | (
        s["dup_line_char_fraction"] > config.max_duplicate_line_chars
    )
    paragraphs = (s["dup_para_fraction"] > config.max_duplicate_paragraphs) | (
        s["dup_para_char_fraction"] > config.max_duplicate_paragraph_chars
    )
    top = [s[f"top_{n}_gram"] > limit for n, limit in zip(TOP_N_GRAMS, config.max_top_gram, strict=True)]
    again = [s[f"dup_{n}_gram"] > limit for n, limit in zip(DUPLICATE_N_GRAMS, config.max_duplicate_gram, strict=True)]
    return {
        "duplicate_lines": lines,
        "duplicate_paragraphs": paragraphs,
        "top_n_gram": np.logical_or.reduce(top),
        "duplicate_n_grams": np.logical_or.reduce(again),
    }


def flags(statistics: npt.NDArray[np.float64], config: QualityConfig) -> Flags:
    """Return for each flag the rows (of `scan`'s result) that it applies to, flags in a fixed order."""
    s = dict(zip(STATISTICS, statistics.T, strict=True))
    chars = np.maximum(s["chars"], 1)
    judged = s["words"] >= config.judged_words
    found = {
        "few_words": s["words"] < config.min_words,
        "no_words": (s["words"] == 0) & (s["chars"] > 0),
        "garbled": s["replacement_chars"] / chars > config.max_replacement_fraction,
        "symbols": (s["symbol_fraction"] > config.max_symbol_fraction) & (s["tokens"] >= config.judged_words),
    }
    for group in (_word_flags, _line_flags, _repetition_flags):
        found |= {name: rows & judged for name, rows in group(s, config).items()}
    return found


FLAGS = (*flags(np.zeros((0, len(STATISTICS))), QualityConfig()), "lorem_ipsum")
"""Every flag there is."""


class Quality:
    """The stage: one row of statistics and flags for each document."""

    name = "quality"
    version = "3"
    reasons = REASONS
    writes = "attributes"

    def __init__(self, config: QualityConfig) -> None:
        self.config = config

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide bytes."""
        return self.config.identity()

    def apply(self, table: pa.Table) -> Batch:
        """Return `SCHEMA`: the statistics of each text and the flags that the thresholds give it."""
        texts = pa.array(contents(table), pa.large_string())
        statistics = scan(texts)
        found = flags(statistics, self.config)
        found["lorem_ipsum"] = pc.match_substring(texts, "lorem ipsum", ignore_case=True).to_numpy(zero_copy_only=False)
        named: list[list[str]] = [[] for _ in range(table.num_rows)]
        for name, rows in found.items():
            for row in np.flatnonzero(rows):
                named[row].append(name)
        columns = [pa.array(values, field.type) for values, field in zip(_cast(statistics), _fields(), strict=True)]
        flagged = pa.array(named, SCHEMA.field("quality_flags").type)
        return Batch(pa.Table.from_arrays([table.column("id"), *columns, flagged], schema=SCHEMA))


def _fields() -> list[pa.Field]:
    return list(SCHEMA)[1:-1]


def _cast(statistics: npt.NDArray[np.float64]) -> list[npt.NDArray[Any]]:
    types = [np.int32 if name in COUNTS else np.float32 for name in STATISTICS]
    return [values.astype(kind) for values, kind in zip(statistics.T, types, strict=True)]
