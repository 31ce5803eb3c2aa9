"""The measure of the PDF benchmark: its fast common subsequence is the one of the textbook."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.bench.extraction_pdf import Gold, common_subsequence, score, words

WORDS = st.lists(st.sampled_from("abcd"), max_size=30)


def _textbook(one: list[str], other: list[str]) -> int:
    row = [0] * (len(other) + 1)
    for left in one:
        before = row[:]
        for at, right in enumerate(other, 1):
            row[at] = before[at - 1] + 1 if left == right else max(before[at], row[at - 1])
    return row[-1]


@given(WORDS, WORDS)
def test_the_common_subsequence_is_the_longest(one: list[str], other: list[str]) -> None:
    assert common_subsequence(one, other) == _textbook(one, other)


def test_the_three_shares_of_a_text() -> None:
    gold = Gold(words_counted("give 5 mg now"), words("give 5 mg"), words_counted("Title give 5 mg now"))
    found = score("Give mg 5 page", gold)
    assert found == (3 / 4, 2 / 3, 1 / 4)


def words_counted(text: str) -> Counter[str]:
    return Counter(words(text))
