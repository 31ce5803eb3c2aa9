"""Canonical JSON, seals and seeds: equal for equal content, and no flipped bit goes unseen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.errors import CorruptionError
from pipelines.engine.hashing import canonical_json, derive_seed, digest, seal, unseal

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
bodies = st.dictionaries(texts.filter(lambda key: key != "sha256"), values, max_size=5)


@given(bodies)
def test_a_sealed_body_comes_back(body: dict) -> None:
    assert digest(unseal(seal(body), "x.json")) == digest(body)


@given(bodies, st.integers(min_value=0))
def test_any_flipped_bit_breaks_the_seal(body: dict, at: int) -> None:
    data = bytearray(seal(body))
    at %= 8 * len(data)
    data[at // 8] ^= 1 << at % 8
    with pytest.raises(CorruptionError, match=r"x\.json.*does not match its own sha256.*run again"):
        unseal(bytes(data), "x.json")


@given(bodies, st.integers(min_value=0), st.binary(max_size=3))
def test_a_cut_or_longer_file_breaks_the_seal(body: dict, at: int, more: bytes) -> None:
    data = seal(body)
    other = data[: at % len(data)] + more
    if other != data:
        with pytest.raises(CorruptionError):
            unseal(other, "x.json")


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"1", b"{}", b"{}\n", b'"x"', b"\xff", b"[" * 100_000, b'{"sha256":"00"}\n', b'{"a":NaN}'],
)
def test_what_is_no_sealed_object_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptionError):
        unseal(data, "x.json")


def test_white_space_and_key_order_are_part_of_the_seal() -> None:
    data = seal({"a": 1, "b": 2})
    with pytest.raises(CorruptionError):
        unseal(data.replace(b'"a":1', b'"a": 1'), "x.json")


@given(st.dictionaries(texts, st.integers(), min_size=2))
def test_the_order_of_keys_never_matters(value: dict) -> None:
    turned = dict(reversed(value.items()))
    assert canonical_json(turned) == canonical_json(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_numbers_that_json_does_not_know_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(value)


@pytest.mark.parametrize("value", [{1: "a"}, {"a": {2: "b", 10: "c"}}, [{None: 1}], {(1, 2): 3}])
def test_keys_that_are_not_text_are_refused(value: object) -> None:
    """They would come back as text, in another order: a good file would look corrupt."""
    with pytest.raises(TypeError):
        canonical_json(value)


def test_the_canonical_form_and_its_digest_are_pinned() -> None:
    value = {"β": [1, 2.5, None, True], "a": {"y": "µ", "x": -0.5}}
    assert canonical_json(value) == '{"a":{"x":-0.5,"y":"µ"},"β":[1,2.5,null,true]}'.encode()
    assert digest(value)[:16] == "7adca972b843da1a"
    assert derive_seed("run", 7, "shorten", "alpha-00003") == 5884373195453408851


@given(st.lists(st.integers() | texts, max_size=4), st.lists(st.integers() | texts, max_size=4))
def test_seeds_differ_when_their_parts_do(first: list, second: list) -> None:
    assert (derive_seed(*first) == derive_seed(*second)) == (first == second)
    assert 0 <= derive_seed(*first) < 1 << 63
