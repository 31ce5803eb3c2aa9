"""The token ledger adds up for every packing, and a packing that lost a token is not accepted."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixer.ledger import TokenLedger
from mixer.pack import PackRule, pack
from pipelines.engine.errors import StageError


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 90), max_size=50), st.booleans(), st.booleans(), st.data())
def test_ledger_of_any_packing_adds_up(lengths: list[int], bos: bool, eos: bool, data: st.DataObject) -> None:
    rule = PackRule(32, bos, eos, continuation_bos=bos)
    packed = pack(np.array(lengths, np.int64), rule)
    taken = data.draw(st.lists(st.integers(0, packed.sequences - 1), max_size=40)) if packed.sequences else []
    ledger = TokenLedger.of(packed, np.array(lengths, np.int64), np.array(taken, np.int64))
    ledger.check("here")
    assert ledger.tokens_in == sum(lengths)
    assert ledger.eos_added == (sum(n > 0 for n in lengths) if eos else 0)
    assert ledger.split_documents == sum(n + bos + eos > 32 for n in lengths)
    assert ledger.trained_tokens + ledger.trained_padding == len(taken) * 32
    assert ledger.epochs == (Fraction(len(taken), packed.sequences) if packed.sequences else 0)


FIELDS = ["tokens_in", "bos_added", "eos_added", "unique_tokens", "unique_padding", "unique_sequences"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_lost_token_is_seen_and_the_place_named(field: str) -> None:
    lengths = np.array([5, 70, 31])
    packed = pack(lengths, PackRule(32, bos=True, eos=True))
    ledger = TokenLedger.of(packed, lengths, np.arange(packed.sequences))
    wrong = replace(ledger, **{field: getattr(ledger, field) - 1})
    with pytest.raises(StageError, match="mixture x, component y"):
        wrong.check("mixture x, component y")
