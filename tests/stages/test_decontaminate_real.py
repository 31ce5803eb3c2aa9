"""On real sets of questions: 400 canaries planted at test time are found, and clean paragraphs are left alone.

Words, windows and thresholds were set while looking at MedMCQA, HEAD-QA (Spanish), PubMedQA and MMLU; the other sets
(MedQA, AfriMed-QA, MedXpertQA, FrenchMedMCQA, HEAD-QA in English) judge. Nothing of them is written anywhere.
"""

import os
import random
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from contamination_canaries import KINDS, VERBATIM, hits, judge_of, plant

from pipelines.stages.contamination_evidence import Judge
from pipelines.stages.contamination_files import Reference, read_reference
from pipelines.stages.contamination_items import EXPLANATION, OPTION, Item
from pipelines.stages.contamination_words import word_list
from sources.parse import jats
from sources.parse.part import Part, Unreadable

FOLDER = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
pytestmark = [
    pytest.mark.real,
    pytest.mark.nightly,
    pytest.mark.skipif(not (FOLDER / "mcq").is_dir(), reason="MEDMIX_DATA does not name the folder of real files"),
]
TUNED = ("medmcqa/dev.json", "headqa/test_HEAD.json.gz", "pubmedqa/ori_pqal.json", "mmlu/*.csv")
JUDGING = (
    "medqa/*.jsonl", "afrimedqa/mcq_v2.csv", "medxpertqa/*.jsonl", "frenchmedmcqa/test.json.gz",
    "headqa/test_HEAD_EN.json.gz",
)  # fmt: skip
CANARIES, CLEAN = 400, 5000


@cache
def items(patterns: tuple[str, ...]) -> list[Item]:
    found = []
    for pattern in patterns:
        for path in sorted((FOLDER / "mcq").glob(pattern)):
            columns = ("question", "A", "B", "C", "D", "answer") if path.parent.name == "mmlu" else ()
            lines = "jsonl" if path.parent.name == "medmcqa" else None
            reference = Reference(path=str(path), columns=columns, format=lines)
            found += read_reference(reference, memoryview(path.read_bytes()), path.name.ljust(12)).items
    return found


@cache
def judge() -> Judge:
    return judge_of(items(TUNED + JUDGING))


@cache
def paragraphs() -> list[str]:
    """Paragraphs of articles and general text in which an exact search finds no part of an item."""
    texts = [path.read_text(errors="replace") for path in sorted((FOLDER / "replay").rglob("*.txt"))]
    for path in sorted((FOLDER / "jats").glob("*.*ml"))[::2]:
        try:
            texts += [part.text for part in jats.parse(path.read_bytes(), path.name, {}) if isinstance(part, Part)]
        except Unreadable:
            continue
    found = sorted({one for text in texts for one in text.split("\n\n") if 15 <= len(one.split()) <= 400})
    random.Random(7).shuffle(found)
    parts = [word_list(one.text)[0] for item in items(TUNED + JUDGING) for one in item.parts if one.kind != OPTION]
    begun: dict[tuple[str, ...], list[list[str]]] = {}
    for words in parts:
        if len(words) >= 5:
            begun.setdefault(tuple(words[:5]), []).append(words)
    return [one for one in found[: CLEAN + 500] if not _holds(word_list(one)[0], begun)][:CLEAN]


def _holds(words: list[str], begun: dict[tuple[str, ...], list[list[str]]]) -> bool:
    starts = ((at, begun.get(tuple(words[at : at + 5]), [])) for at in range(len(words) - 4))
    return any(words[at : at + len(wanted)] == wanted for at, candidates in starts for wanted in candidates)


def planted(patterns: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """(kind, key, text), each kind as often; explanations that are a placeholder are passed over."""
    draw, pool = random.Random(11), items(patterns)
    shared = Counter(part.text for item in pool for part in item.parts if part.kind == EXPLANATION)
    pool = [item for item in pool if not any(shared[part.text] > 8 for part in item.parts if part.kind == EXPLANATION)]
    found: list[tuple[str, str, str]] = []
    for kind in KINDS:
        many, tries = 0, 0
        while many < CANARIES // len(KINDS) and tries < 100_000:
            item, tries = draw.choice(pool), tries + 1
            if text := plant(kind, item, draw, paragraphs()):
                found.append((kind, item.key, text))
                many += 1
    return found


@pytest.mark.parametrize("patterns", [JUDGING, TUNED, TUNED + JUDGING], ids=["judging", "tuned", "all"])
def test_canaries_are_found(patterns: tuple[str, ...]) -> None:
    canaries = planted(patterns)
    found = hits(judge(), [text for _, _, text in canaries])
    missed = Counter(kind for (kind, key, _), keys in zip(canaries, found, strict=True) if key not in keys)
    print(f"{len(canaries)} canaries, missed: {dict(missed)}")
    others = [kind for kind, _, _ in canaries if kind != VERBATIM]
    assert missed[VERBATIM] == 0
    assert sum(missed.values()) <= 0.02 * len(others)


def test_clean_paragraphs_are_left_alone() -> None:
    texts = paragraphs()
    flagged = sum(bool(keys) for keys in hits(judge(), texts))
    print(f"{len(texts)} clean paragraphs, flagged: {flagged}")
    assert flagged <= 0.001 * len(texts)
