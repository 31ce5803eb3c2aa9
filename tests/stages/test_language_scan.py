"""The compiled scan gives what py3langid gives: its own code in double precision, and as shipped but for rounding."""

import json
import os
import unicodedata
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from pipelines.stages.language import windows
from pipelines.stages.language_scan import letters, model, probabilities
from sources.parse import html, jats
from sources.parse.part import Part, Unreadable

Floats = npt.NDArray[np.float64]

FOLDER = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
CASES = json.loads((Path(__file__).parent / "cases" / "language.json").read_text())["detect"]
SHIPPED_ROUNDING = 2e-5
"""The library sums some hundred logarithms of about -14 in single precision: what that does to a probability."""

sentences = st.sampled_from([text for _, text in CASES])
styled = st.builds(
    lambda text, style: style(text),
    sentences,
    st.sampled_from([str.upper, str.lower, str.title, lambda text: unicodedata.normalize("NFD", text)]),
)
any_text = st.text(st.characters(exclude_categories=()), max_size=120)
texts = st.one_of(
    any_text, styled, st.builds("{} {} {}".format, any_text, styled, sentences), sentences.map(lambda t: t * 9)
)


@lru_cache(maxsize=1)
def shipped() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@lru_cache(maxsize=1)
def exact() -> LanguageIdentifier:
    """The library, with its tables in double precision: its own code then rounds nothing that matters."""
    own = shipped()
    weights, priors = own.nb_ptc.astype(np.float64), own.nb_pc.astype(np.float64)
    moves, rows = own.tk_nextmove, own.tk_row
    return LanguageIdentifier(weights, priors, own.nb_classes, moves, own.tk_output, norm_probs=True, tk_row=rows)


def by_library(library: LanguageIdentifier, found: list[str]) -> Floats:
    """Probabilities in the columns of the scan."""
    ranked = (dict(library.rank(text)) for text in found)
    return np.array([[rank[label] for label in model().labels] for rank in ranked])


def assert_same(found: list[str]) -> None:
    ours = probabilities(found)
    assert np.abs(ours - by_library(exact(), found)).max() < 1e-9
    theirs = by_library(shipped(), found)
    assert np.abs(ours - theirs).max() < SHIPPED_ROUNDING
    clear = np.diff(np.sort(theirs)[:, -2:]).ravel() > 2 * SHIPPED_ROUNDING
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1))[clear].all()


@given(texts)
@settings(deadline=None)
def test_agrees_with_the_library(text: str) -> None:
    assert_same([text])


@pytest.mark.parametrize(
    "text",
    ["", " ", "\x00", "a", "THE", "İ", "ß" * 40, "the " * 225, "12.5 mg/kg < 3", "\ud800", "é" * 900, "\u0344" * 900],
)
def test_agrees_with_the_library_on_odd_texts(text: str) -> None:
    assert_same([text])


def test_a_text_without_features_may_be_any_language() -> None:
    (row,) = probabilities([""])
    assert row.sum() == pytest.approx(1)
    assert row.min() == pytest.approx(1 / len(shipped().nb_classes))


@given(st.lists(texts, max_size=70))
@settings(deadline=None, max_examples=15)
def test_the_neighbours_of_a_text_do_not_matter(found: list[str]) -> None:
    alone = [probabilities([text])[0].tolist() for text in found]
    assert probabilities(found).tolist() == alone


@given(st.lists(any_text, max_size=6))
@settings(deadline=None)
def test_letters_are_pythons(found: list[str]) -> None:
    assert letters(found) == [sum(map(str.isalpha, text)) for text in found]


def test_labels_are_the_librarys_in_order() -> None:
    assert list(model().labels) == sorted(set(shipped().labels))


@pytest.mark.real
@pytest.mark.skipif(not (FOLDER / "jats").is_dir(), reason="MEDMIX_DATA does not name the folder of real files")
def test_agrees_with_the_library_on_real_documents() -> None:
    pages = [path for kind in ("*/*.html", "*/*.htm") for path in sorted((FOLDER / "guidelines_html").glob(kind))[::8]]
    found: list[str] = []
    for path in sorted((FOLDER / "jats").glob("*.xml"))[::3] + pages:
        parse = jats.parse if path.suffix == ".xml" else html.parse
        try:
            parts = [part.text for part in parse(path.read_bytes(), path.name, {}) if isinstance(part, Part)]
        except Unreadable:
            continue
        found += [window for text in parts for window in windows(text)]
    assert len(found) > 300
    assert_same(found)
