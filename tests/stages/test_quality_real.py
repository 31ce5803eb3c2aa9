"""On real files: scrambled articles are flagged, real guidance is not, and verdicts agree with datatrove's."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from datatrove.data import Document
from datatrove.pipeline import filters
from quality_papers import papers_verdicts

from pipelines.stages.quality import FLAGS, QualityConfig, flags
from pipelines.stages.quality_scan import STATISTICS, scan
from sources.parse import html, jats
from sources.parse.part import Part, Unreadable

FOLDER = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (FOLDER / "jats").is_dir(), reason="MEDMIX_DATA does not name the folder of real files"),
]


def texts(pattern: str, every: int = 1) -> Iterator[str]:
    """The texts of every n-th file that matches; files that cannot be read are another test's matter."""
    for path in sorted(FOLDER.glob(pattern))[::every]:
        parser = jats if path.suffix in (".xml", ".nxml") else html
        try:
            yield from (p.text for p in parser.parse(path.read_bytes(), path.name, {}) if isinstance(p, Part))
        except Unreadable:
            continue


def flagged(found: list[str], **config: object) -> npt.NDArray[np.bool_]:
    statistics = scan(pa.array(found, pa.large_string()))
    by_flag = flags(statistics, QualityConfig(**config))
    return np.logical_or.reduce([by_flag[name] for name in FLAGS if name in by_flag])


def test_scrambled_articles_are_flagged() -> None:
    found = list(texts("bad_inputs/jats/rot13*"))
    assert len(found) >= 3
    assert flagged(found).all()


@pytest.mark.parametrize(
    ("pattern", "every"),
    [
        ("guidelines_html/who_phc_0to18/*.html", 12),
        ("guidelines_html/who_pocketbook_tk/*.html", 1),
        ("guidelines_html/ngc/*.htm", 6),
        ("guidelines_html/cdc_other_languages/*.htm*", 6),
        ("jats/*.xml", 25),
    ],
    ids=lambda value: str(value).partition("/")[2],
)
def test_real_guidance_is_not_flagged(pattern: str, every: int) -> None:
    found = list(texts(pattern, every))
    assert found
    assert not flagged(found).any()


@pytest.mark.nightly
@pytest.mark.skipif(find_spec("spacy") is None, reason="datatrove splits words with spaCy")
@pytest.mark.parametrize(
    ("name", "floor"),
    [
        ("GopherQualityFilter", 0.97),
        ("GopherRepetitionFilter", 0.99),
        ("C4QualityFilter", 0.99),
        ("FineWebQualityFilter", 0.99),
    ],
)
def test_verdicts_agree_with_datatrove(name: str, floor: float) -> None:
    """Words are split by spaCy there, whose exceptions are not ours, so shares next to a threshold may differ."""
    found = [text[:20_000] for text in texts("jats/*.xml", 3)] + list(texts("guidelines_html/ngc/*.htm", 2))
    statistics = scan(pa.array(found, pa.large_string()))
    ours = papers_verdicts(dict(zip(STATISTICS, statistics.T, strict=True)))[name]
    block = getattr(filters, name)()
    theirs = [block.filter(Document(text=text, id="1")) is not True for text in found]
    agreement = float(np.mean(ours == np.array(theirs)))
    print(f"{name}: {agreement:.3f} equal verdicts of {len(found)}")
    assert agreement >= floor
