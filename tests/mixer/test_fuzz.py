"""For a hundred thousand strings that no text holds, fastokens gives the ids and places of HF `tokenizers`."""

import random
import sys
import unicodedata
from collections.abc import Callable

import numpy as np
import pytest

from mixer.encode import Fast, by_tokenizers, fastest
from mixer.target import find_target, load_tokenizer

STRINGS, BATCH = 100_000, 1000
WORDS = (
    "SpO2", "<90%", "RR >30", "0.5 mg/kg", "10³", "5 µg", "don't", "I'LL", "\u017f's", "한국어", "中文", "ไทย", "क्षि",
    "العربية", "עברית", "ελληνικά", "кириллица", "\U0001f469\u200d\U0001f52c", "\U0001f1e8\U0001f1ed",
)  # fmt: skip
INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2066\ufeff\u00ad\u034f\u061c\u180e\ufe0f"
COMBINING = "".join(chr(c) for c in range(0x300, 0x3100) if unicodedata.combining(chr(c)))
SPACES = " \t\n\r\x0b\x0c\x85\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000"
LOOK_ALIKES = (
    "<|", "|>", "<", "im_start", "<|endoftext|>", "<|eot_id|>", "<|begin_of_text|>", "< |im_end|>", "<|im_end|",
    "<|IM_START|>", "<\u200b|im_end|>", "<｜eot_id｜>", "<tool_call>", "<|reserved_special_token_9|>", "[INST]",
    "<bos>", "<s>", "</s>", "<start_of_turn>",
)  # fmt: skip


def any_character(dice: random.Random) -> str:
    """A character of any plane but the surrogates, assigned or not; half of the time of the first 4,096."""
    code = dice.randrange(0x1000 if dice.random() < 0.5 else sys.maxunicode + 1)
    return chr(code if not 0xD800 <= code < 0xE000 else code - 0x800)


KINDS: tuple[Callable[[random.Random], str], ...] = (
    any_character,
    any_character,
    lambda dice: dice.choice(WORDS),
    lambda dice: dice.choice(INVISIBLE),
    lambda dice: "".join(dice.choices(COMBINING, k=dice.randint(1, 4))),
    lambda dice: "".join(dice.choices(SPACES, k=dice.randint(1, 6))),
    lambda dice: dice.choice(LOOK_ALIKES),
    lambda dice: str(dice.randrange(10 ** dice.randint(1, 12))),
    lambda dice: "".join(dice.choices("abcdefghijklmnopqrstuvwxyzABCXYZ'’-_.", k=dice.randint(1, 12))),
)


def text(dice: random.Random) -> str:
    """A string of pieces of every kind, of one kind, or (of two hundred, one) a long run of one piece."""
    if dice.random() < 0.005:
        return dice.choice(KINDS)(dice) * dice.randint(200, 3000)
    kinds = KINDS if dice.random() < 0.6 else (dice.choice(KINDS),)
    return "".join(dice.choice(kinds)(dice) for _ in range(dice.randint(1, 30)))


def whole(text: str, places: np.ndarray) -> np.ndarray:
    """Return places in the bytes of a text, those inside a character moved to its begin, as `tokenizers` tells them."""
    begins = np.flatnonzero(np.frombuffer(text.encode(), np.uint8) & 0xC0 != 0x80)
    return begins[np.searchsorted(begins, places, side="right") - 1] if len(places) else places


@pytest.mark.real
@pytest.mark.parametrize("name", ["llama-3.1", "qwen2.5"])
@pytest.mark.parametrize("strings", [BATCH, pytest.param(STRINGS, marks=pytest.mark.nightly)])
def test_ids_and_places_are_those_of_tokenizers_for_any_string(name: str, strings: int) -> None:
    target = find_target(name)
    if not target.tokenizer_is_there():
        pytest.skip(f"no tokenizer file {target.tokenizer}; MEDMIX_DATA names the folder that has it")
    tokenizer = load_tokenizer(target)
    reference, (encode, warning) = by_tokenizers(tokenizer), fastest(tokenizer)
    assert warning is None
    assert isinstance(getattr(encode, "__self__", None), Fast), "fastokens is not installed, so this shows nothing"
    dice = random.Random(name)
    different, tokens = [], 0
    for _ in range(strings // BATCH):
        texts = [text(dice) for _ in range(BATCH)]
        wanted, found = reference(texts), encode(texts)
        tokens += len(wanted.ids)
        for number, one in enumerate(texts):
            (ids, places), (other_ids, other_places) = wanted.text(number), found.text(number)
            if not np.array_equal(ids, other_ids) or not np.array_equal(places, whole(one, other_places)):
                different.append(ascii(one)[:200])
    print(f"{name}: {strings:,} strings, {tokens:,} tokens, {len(different)} different")
    assert different == []
