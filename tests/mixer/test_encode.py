"""The faster library serves only while it gives the ids and places of the reference; one difference ends the run."""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, normalizers

from mixer.encode import Fast, by_tokenizers, fastest
from mixer.target import load_tokenizer_bytes, train_bpe
from pipelines.engine.errors import StageError

TEXT = "Give 0.5 mg/kg if SpO2 <90%; 10³ IU, 5 µg 한국어 \U0001f600 e\u0301. <|eos|>\n\nThen wait.\n\n"


class Reference:
    """Stands for fastokens: the ids of `tokenizers`, but wrong ones for texts that hold `wrong`."""

    wrong = "nowhere in any text"

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    @classmethod
    def from_json_str(cls, data: str) -> "Reference":
        return cls(Tokenizer.from_str(data))

    def encode_batch_flat(self, texts: list[str], **options: Any) -> tuple[bytes, bytes]:
        self.tokenizer.encode_special_tokens = options["split_special_tokens"]
        ids = [self.tokenizer.encode(text, add_special_tokens=options["add_special_tokens"]).ids for text in texts]
        ids = [[*one[1:], 3] if self.wrong in text else one for text, one in zip(texts, ids, strict=True)]
        ends = np.cumsum([0, *map(len, ids)], dtype=np.uint64)
        return np.array([number for one in ids for number in one], np.uint32).tobytes(), ends.tobytes()


def tokenizer() -> Tokenizer:
    return load_tokenizer_bytes(train_bpe(iter([TEXT] * 9), 400))


def use(monkeypatch: pytest.MonkeyPatch, wrong: str = Reference.wrong) -> None:
    library = type("Library", (Reference,), {"wrong": wrong})
    monkeypatch.setitem(sys.modules, "fastokens", SimpleNamespace(Tokenizer=library))  # type: ignore[arg-type]


def served_by_fast(encode: Any) -> bool:
    return isinstance(getattr(encode, "__self__", None), Fast)


@pytest.mark.parametrize("normalizer", [None, normalizers.NFC()])
def test_ids_and_places_are_those_of_the_reference(monkeypatch: pytest.MonkeyPatch, normalizer: Any) -> None:
    use(monkeypatch)
    reference = tokenizer()
    if normalizer:
        reference.normalizer = normalizer
    encode, warning = fastest(reference)
    assert warning is None
    assert served_by_fast(encode)
    texts = ["", "a", TEXT, TEXT.replace("e\u0301", "é"), TEXT * 40, "\U0001f600" * 5]
    fast, slow = encode(texts), by_tokenizers(reference)(texts)
    assert fast.ids.tolist() == slow.ids.tolist()
    assert fast.offsets.tolist() == slow.offsets.tolist()
    for number, text in enumerate(texts):
        places = [len(text[:char].encode()) for char in range(len(text) + 1)]
        one, two = (np.searchsorted(encoded.text(number)[1], places).tolist() for encoded in (fast, slow))
        assert one == two


def test_a_library_that_differs_on_hard_texts_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, wrong="\u0301")
    encode, warning = fastest(tokenizer())
    assert not served_by_fast(encode)
    assert "other ids than tokenizers" in str(warning)


def test_a_difference_in_a_text_of_the_run_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, wrong="Then wait")
    encode, _ = fastest(tokenizer())
    assert served_by_fast(encode)
    with pytest.raises(StageError, match="fastokens gives other ids than tokenizers"):
        encode([TEXT])


@pytest.mark.parametrize("normalizer", [normalizers.NFKC(), normalizers.Lowercase()])
def test_tokenizers_that_rewrite_text_are_left_to_the_reference(
    monkeypatch: pytest.MonkeyPatch, normalizer: Any
) -> None:
    use(monkeypatch)
    reference = tokenizer()
    reference.normalizer = normalizer
    assert not served_by_fast(fastest(reference)[0])


def test_without_the_library_the_reference_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastokens", None)
    assert not served_by_fast(fastest(tokenizer())[0])


def test_the_installed_library_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fastokens", reason="fastokens is not installed")
    reference = tokenizer()
    encode, warning = fastest(reference)
    assert warning is None
    assert served_by_fast(encode)
    assert encode([TEXT]).ids.tolist() == reference.encode(TEXT).ids
