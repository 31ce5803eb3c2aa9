"""Pages with known right answers: precision, recall and F1 of extractors, and the interval of their difference.

Two ways of scoring, each as its corpus defines it. Strings: trafilatura's gold names strings that must and must not
come out; precision and recall are taken over all strings. Shingles: the article-extraction-benchmark compares the
whole body by its runs of four words (`\\w+`), each page weighing the same; readability's expected pages and the two
texts in `other` are scored alike. F1 is that of the mean precision and mean recall. Not here: who is compared.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from lxml.html import document_fromstring

SHINGLE_WORDS = 4
_WORD = re.compile(r"\w+")


class Score(NamedTuple):
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float
    f1: float


class Tally(NamedTuple):
    """What one page adds: shares of true positives, false positives and false negatives, or counts of strings."""

    right: float
    wrong: float
    missing: float


class GoldSet(NamedTuple):
    """Pages of one corpus, how a text of a page is tallied, and how tallies become a score."""

    name: str
    pages: list[Path]
    tally: Callable[[Path, str], Tally]
    total: Callable[[Sequence[Tally]], Score]


def gold_sets(folder: Path) -> list[GoldSet]:
    """Return the corpora of `guidelines_html/extraction_gold` that are there."""
    strings = json.loads((folder / "trafilatura" / "gold.json").read_text("utf-8"))
    bodies = json.loads((folder / "aeb" / "ground_truth.json").read_text("utf-8"))
    aeb = {folder / "aeb" / name: str(page["articleBody"]) for name, page in bodies.items()}
    readability = {
        path.with_name("source.html"): _plain(path) for path in sorted(folder.glob("readability/*/expected.html"))
    }
    other = {path.with_suffix(".html"): path.read_text("utf-8", "replace") for path in folder.glob("other/*.txt")}

    def tally_strings(path: Path, text: str) -> Tally:
        page = strings[path.name]
        right = sum(wanted in text for wanted in page["with"])
        return Tally(right, sum(unwanted in text for unwanted in page["without"]), len(page["with"]) - right)

    return [
        GoldSet("trafilatura strings", [folder / "trafilatura" / name for name in strings], tally_strings, pooled),
        GoldSet("article-extraction-benchmark", sorted(aeb), _shingle_tally(aeb), averaged),
        GoldSet("readability", sorted(readability), _shingle_tally(readability), averaged),
        GoldSet("other bodies", sorted(other), _shingle_tally(other), averaged),
    ]


def pooled(tallies: Sequence[Tally]) -> Score:
    """Return the score over all strings of all pages."""
    right, wrong, missing = (sum(column) for column in zip(*tallies, strict=True))
    return _score(right / max(right + wrong, 1e-9), right / max(right + missing, 1e-9))


def averaged(tallies: Sequence[Tally]) -> Score:
    """Return the score of mean precision and mean recall of pages; a page without output has precision 0."""
    precision = sum(t.right / max(t.right + t.wrong, 1e-9) for t in tallies) / len(tallies)
    return _score(precision, sum(t.right / max(t.right + t.missing, 1e-9) for t in tallies) / len(tallies))


def difference(gold: GoldSet, ours: Sequence[Tally], theirs: Sequence[Tally], draws: int = 2000) -> tuple[float, float]:
    """Return the 95 % interval of our F1 minus theirs, pages drawn in pairs with replacement (fixed seed)."""
    generator = np.random.default_rng(0)
    found = []
    for _ in range(draws):
        drawn = generator.integers(0, len(ours), len(ours))
        found.append(gold.total([ours[i] for i in drawn]).f1 - gold.total([theirs[i] for i in drawn]).f1)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _score(precision: float, recall: float) -> Score:
    return Score(precision, recall, 2 * precision * recall / max(precision + recall, 1e-9))


def _shingle_tally(bodies: dict[Path, str]) -> Callable[[Path, str], Tally]:
    wanted = {path: _shingles(body) for path, body in bodies.items()}

    def tally(path: Path, text: str) -> Tally:
        found = _shingles(text)
        right = (wanted[path] & found).total()
        return Tally(right, found.total() - right, wanted[path].total() - right)

    return tally


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    """Return the runs of four words; a shorter text is one run of all its words."""
    listed = _WORD.findall(text)
    last = max(len(listed) - SHINGLE_WORDS + 1, 1 if listed else 0)
    return Counter(tuple(listed[at : at + SHINGLE_WORDS]) for at in range(last))


def _plain(path: Path) -> str:
    return " ".join(map(str, document_fromstring(path.read_bytes().decode("utf-8", "replace")).itertext()))
