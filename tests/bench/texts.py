"""The plain text that benchmarks of text stages read: of a finished run of the real sample, nothing repeated.

The run's folder is named by MEDMIX_REAL_RUN; without one the JATS articles alone are parsed. Near duplicates are made
here by a seed, for the benchmarks that need some. Not here: what is measured.
"""

import os
import random
import re
from pathlib import Path

import pyarrow.parquet as pq

_FRAME = [
    "skip",
    "to",
    "the",
    "main",
    "page",
    "share",
    "this",
    "site",
    "print",
    "menu",
    "search",
    "news",
    "about",
    "us",
]
_ARTICLE = re.compile(r" (?:the|a|an) ")


def read_texts(data: str, most_bytes: float) -> list[str]:
    """Return plain texts of a run of the real sample, or of the JATS articles."""
    run = os.environ.get("MEDMIX_REAL_RUN")
    if run:
        files = sorted(Path(run).glob("documents-*/**/*.parquet"))
        columns = (pq.read_table(file, columns=["text"])["text"].to_pylist() for file in files)
        return first([text for column in columns for text in column if text], most_bytes)
    from sources.parse import jats
    from sources.parse.part import Part, Unreadable

    texts = []
    for path in sorted(Path(data, "jats").glob("*.*ml")):
        try:
            texts += [part.text for part in jats.parse(path.read_bytes(), path.name, {}) if isinstance(part, Part)]
        except Unreadable:
            continue
    return first(texts, most_bytes)


def spread_texts(data: str, most_bytes: float) -> list[str]:
    """Return texts of so many bytes in all, drawn evenly from all there are, so that every kind is among them."""
    texts = read_texts(data, 1e12)
    random.Random(3).shuffle(texts)
    return first(texts, most_bytes)


def first(texts: list[str], most_bytes: float) -> list[str]:
    """Return the first texts of so many bytes in all."""
    taken, total = [], 0
    for text in texts:
        total += len(text.encode())
        if total > most_bytes and taken:
            break
        taken.append(text)
    return taken


def near_copies(texts: list[str], share: float) -> list[str]:
    """Return near duplicates of a share of the texts: other lines around them, and articles lost here and there."""
    draw = random.Random(7)
    chosen = [text for text in texts if text.count(" ") >= 100 and draw.random() < share]
    return [
        f"{_line(draw)}\n\n{_ARTICLE.sub(lambda m: draw.choice([m[0], ' ']), text)}\n\n{_line(draw)}" for text in chosen
    ]


def _line(draw: random.Random) -> str:
    return " ".join(draw.choices(_FRAME, k=8))
