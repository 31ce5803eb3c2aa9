"""The account: adding up loses nothing, JSON keeps it, and an imbalance cannot pass."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.errors import StageError
from pipelines.engine.ledger import Counts, Ledger

numbers = st.integers(min_value=0, max_value=1 << 50)
reasons = st.dictionaries(st.sampled_from(["too_short", "unlucky", "a.error"]), numbers).map(Counter)
counts = st.builds(Counts, *[numbers] * 6, *[reasons] * 4)
ledgers = st.builds(Ledger, st.dictionaries(st.sampled_from(["pmc", "nice", "who"]), counts), reasons)


def total(parts: list[Ledger]) -> Ledger:
    whole = Ledger()
    for part in parts:
        whole.add(part)
    return whole


@given(ledgers)
def test_json_keeps_a_ledger(ledger: Ledger) -> None:
    assert Ledger.from_json(json.loads(json.dumps(ledger.to_json()))) == ledger


@given(ledgers)
def test_adding_to_nothing_changes_nothing_not_even_zeros(ledger: Ledger) -> None:
    assert total([ledger]) == ledger


@given(st.lists(ledgers, max_size=5), st.randoms())
def test_the_sum_does_not_depend_on_order_or_grouping(parts: list[Ledger], draw) -> None:  # noqa: ANN001
    shuffled = list(parts)
    draw.shuffle(shuffled)
    at = draw.randrange(len(parts) + 1)
    assert total(shuffled) == total(parts) == total([total(shuffled[:at]), total(shuffled[at:])])


@given(st.lists(ledgers, max_size=4))
def test_imbalances_add_up(parts: list[Ledger]) -> None:
    whole = total(parts)
    each = [one.imbalance() for part in parts for one in part.sources.values()]
    assert whole.total().imbalance() == (sum(one[0] for one in each), sum(one[1] for one in each))


@given(ledgers)
def test_adding_leaves_the_added_alone(ledger: Ledger) -> None:
    before = json.dumps(ledger.to_json())
    whole = total([ledger, ledger])
    whole.of("pmc").dropped["too_short"] += 1
    assert json.dumps(ledger.to_json()) == before


@pytest.mark.parametrize("field", ["records_in", "tokens_in", "records_kept", "tokens_kept"])
def test_an_imbalance_is_refused_with_source_and_numbers(field: str) -> None:
    ledger = Ledger({"pmc": Counts(records_in=5, tokens_in=50, records_kept=5, tokens_kept=50), "nice": Counts()})
    ledger.check("clean, shard 1", frozenset())
    setattr(ledger.of("pmc"), field, getattr(ledger.of("pmc"), field) + 2)
    with pytest.raises(StageError, match=r"clean, shard 1: .*'pmc': -?[02] records and -?[02] tokens"):
        ledger.check("clean, shard 1", frozenset())


@pytest.mark.parametrize("field", ["dropped", "quarantined", "dropped_tokens", "quarantined_tokens"])
def test_a_reason_must_be_declared_even_when_it_counts_nothing(field: str) -> None:
    ledger = Ledger({"pmc": Counts(**{field: Counter(odd=0)})})
    ledger.check("x", frozenset({"odd"}))
    with pytest.raises(StageError, match=r"reason 'odd' is not declared by the stage \(declared: \['even'\]\)"):
        ledger.check("x", frozenset({"even"}))
