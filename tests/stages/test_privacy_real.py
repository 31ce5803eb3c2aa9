"""On real articles and guidance hardly anything goes, and what carries a name stays. Tells counts, never a match."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.stages.privacy_find import KIND_NAMES, find
from sources.document import estimate_tokens
from sources.parse import html, jats
from sources.parse.part import Part, Unreadable

FOLDER = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
DEMO = Path(__file__).parents[2] / "configs" / "demo"
EPONYMS = (
    "Parkinson's disease",
    "Parkinson disease",
    "Chagas disease",
    "Hodgkin lymphoma",
    "Crohn's disease",
    "Down syndrome",
)
PER_THOUSAND = 2


def texts(folder: Path, pattern: str, every: int) -> Iterator[str]:
    """The texts of every n-th file that matches; files that cannot be read are another test's matter."""
    for path in sorted(folder.glob(pattern))[::every]:
        parser = html if path.suffix in (".html", ".htm") else jats
        try:
            parts = [part for part in parser.parse(path.read_bytes(), path.name, {}) if isinstance(part, Part)]
        except Unreadable:
            continue
        yield from (part.text for part in parts)


def check(found_in: Iterator[str]) -> None:
    removed, tokens = Counter[str](), 0
    for text in found_in:
        found = find(text, KIND_NAMES)
        removed.update(one.kind for one in found)
        tokens += estimate_tokens(text)
        for eponym in EPONYMS:
            at = text.find(eponym)
            assert at < 0 or not any(one.start < at + len(eponym) and at < one.end for one in found), eponym
    assert tokens > 2000
    assert removed.total() * 1000 <= PER_THOUSAND * tokens, dict(removed)
    assert removed["name"] * 1000 <= 0.2 * tokens, dict(removed)


def test_demo_articles_and_guidelines_keep_their_words() -> None:
    check(texts(DEMO, "*/*.[xh]*ml", 1))


@pytest.mark.real
@pytest.mark.skipif(not (FOLDER / "jats").is_dir(), reason="MEDMIX_DATA does not name the folder of real files")
@pytest.mark.parametrize(
    ("pattern", "every"), [("jats/*.xml", 6), ("jats/*.nxml", 4), ("guidelines_html/ngc/*.htm*", 12)]
)
def test_real_literature_keeps_its_words(pattern: str, every: int) -> None:
    check(texts(FOLDER, pattern, every))
