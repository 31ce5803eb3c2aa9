"""What the papers' own thresholds say to the statistics of `quality_scan`, by datatrove's name of the filter."""

import numpy as np
import numpy.typing as npt


def papers_verdicts(s: dict[str, npt.NDArray[np.float64]]) -> dict[str, npt.NDArray[np.bool_]]:
    """What the papers' own thresholds say to our statistics, by datatrove's name of the filter."""
    length = s["mean_word_length"]
    limits = dict(zip(range(2, 11), (0.2, 0.18, 0.16, 0.15, 0.14, 0.13, 0.12, 0.11, 0.10), strict=True))
    grams = [s[f"top_{n}_gram" if n < 5 else f"dup_{n}_gram"] > limit for n, limit in limits.items()]
    lines = [s["dup_line_fraction"] > 0.3, s["dup_line_char_fraction"] > 0.2]
    paragraphs = [s["dup_para_fraction"] > 0.3, s["dup_para_char_fraction"] > 0.2]
    return {
        "GopherQualityFilter": np.logical_or.reduce(
            [
                s["words"] < 50,
                length < 3,
                length > 10,
                s["hash_ratio"] > 0.1,
                s["ellipsis_ratio"] > 0.1,
                s["bullet_line_fraction"] > 0.9,
                s["ellipsis_line_fraction"] > 0.3,
                s["alpha_word_fraction"] < 0.8,
                s["stop_words"] < 2,
            ]
        ),
        "GopherRepetitionFilter": np.logical_or.reduce([*grams, *lines, *paragraphs]),
        "C4QualityFilter": s["c4_sentences"] < 5,
        "FineWebQualityFilter": np.logical_or.reduce(
            [
                s["terminal_line_fraction"] < 0.12,
                s["short_line_fraction"] > 0.67,
                s["dup_line_char_fraction"] > 0.01,
                s["newline_ratio"] > 0.3,
            ]
        ),
    }
