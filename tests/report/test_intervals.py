"""Wilson's interval and Cohen's kappa beside values of textbooks and other implementations."""

import pytest

from pipelines.report.intervals import kappa, told, wilson


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe, Statistics in Medicine 1998, table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_as_newcombe_has_it(part: int, whole: int, low: float, high: float) -> None:
    assert wilson(part, whole) == pytest.approx((low, high), abs=5e-5)
    assert wilson(whole - part, whole) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_of_nothing_nothing_is_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert (told(0, 0), told(3, 4)) == ("-", "75% (30% - 95%)")


def test_kappa_is_that_of_the_textbook_and_of_scikit_learn() -> None:
    from sklearn.metrics import cohen_kappa_score

    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    three = [*pairs, ("maybe", "no"), ("maybe", "maybe"), ("no", "maybe")]
    assert kappa(three) == pytest.approx(cohen_kappa_score(*zip(*three, strict=True)))


@pytest.mark.parametrize("pairs", [[], [("yes", "yes")] * 4])
def test_there_is_no_kappa_where_chance_explains_all(pairs: list[tuple[str, str]]) -> None:
    assert kappa(pairs) is None
