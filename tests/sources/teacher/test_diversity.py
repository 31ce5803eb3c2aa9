"""Figures of variety on texts small enough to count by hand, and on what the grammar makes."""

import pytest

from sources.teacher.case import case_of
from sources.teacher.diversity import diversity_of
from sources.teacher.knowledge_files import FOLDER, load_knowledge
from sources.teacher.posterior import given_rates
from sources.teacher.rendering import render
from sources.teacher.sample_patients import sample_patients


def test_distinct_n_counts_grams() -> None:
    found = diversity_of(["a b a b", "a b c"])
    assert found.distinct[0] == pytest.approx(3 / 7)
    assert found.distinct[1] == pytest.approx(3 / 5)


def test_self_bleu_is_one_for_copies_and_low_for_strangers() -> None:
    assert diversity_of(["one two three four five"] * 3).self_bleu == pytest.approx(1)
    assert diversity_of(["a b c d e", "f g h i j"]).self_bleu == 0


def test_the_template_share_is_that_of_the_commonest() -> None:
    assert diversity_of(["a", "b", "c", "d"], ["x", "y", "x", "z"]).template_share == 0.5


def test_one_text_has_no_variety() -> None:
    with pytest.raises(ValueError, match="at least two"):
        diversity_of(["a"])


def test_the_grammar_varies_what_it_says() -> None:
    base = load_knowledge(FOLDER / "limited-resource")
    rates = given_rates(base)
    for language in ("en", "fr"):
        cases = [case_of(base, rates, patient, 1) for patient in sample_patients(base, "refugee-camp", 60, 1)]
        told = [render(case, base, language, 1) for case in cases]
        found = diversity_of([one.text() for one in told], [one.template for one in told])
        shares = " ".join(f"{share:.3f}" for share in found.distinct)
        rest = f"self-BLEU {found.self_bleu:.3f}, template share {found.template_share:.3f}"
        print(f"\n{language}: distinct-1..4 {shares}, {rest}")
        assert found.template_share < 0.1
        assert found.self_bleu < 0.98
