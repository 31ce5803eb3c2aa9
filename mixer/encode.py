"""Texts to ids: by Hugging Face `tokenizers`, or by fastokens where it is installed and proven to give the same ids.

`tokenizers` reads 1-4 MB of text in a CPU second, fastokens 40-300. It is young, so it must earn its use: a tokenizer
that it may serve (byte-level BPE) is compared on a thousand hard texts when it is loaded, a part of every batch is
compared while it runs, and one difference ends the run. Where tokens begin follows from the bytes of each token; a text
that the tokenizer normalises has no such places and goes to `tokenizers`. Not here: batches, and what is done with
places (`breaks`, `chat`).
"""

import importlib
import random
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import tokenizers
from tokenizers import Encoding, Tokenizer

from pipelines.engine.compiled import compiled
from pipelines.engine.errors import StageError

Ids = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
SAMPLE_CHARS = 1000
"""Of every batch both libraries encode so much of one text: some 5 % of the time."""
SELF_CHECKS = 1000
HARD = (
    "",
    " ",
    "  \n\n \t x\r\n\r\n",
    "<|endoftext|><|eot_id|> <tool_call>a<|im_start|>",
    "e\u0301 A\u030a \u212b \ufb03 \u1112\u1161\u11ab \u0344 \u0958 q\u0323\u0307",
    "µg 10³ ½ <200 >=30 ≥90% ± 0.5–1.0 mg/kg/d, CD4 <200",
    "I'll we'RE DON'T \u017f's 'S",
    "١٢٣ १२३ 1234567890 12,345.678",
    "한국어 中文 日本語 ไทย क्षि العربية עברית ελληνικά кириллица",
    "\U0001f469\u200d\U0001f52c \U0001f1e8\U0001f1ed \U0001f600\ufe0f",
    "\x00\x01\x7f\x85\u00a0\u2028\u3000\ufeff\ue000\U0010ffff",
    "ACGT" * 400,
    "a" * 700 + " " * 700 + "\n" * 70,
)


@dataclass(frozen=True, slots=True)
class Encoded:
    """Some texts: text k has `ids[offsets[k]:offsets[k + 1]]`, and token t begins at byte `starts[t]` of its text."""

    ids: Ids
    offsets: Ints
    starts: Places

    def text(self, number: int) -> tuple[Ids, Places]:
        """Return the ids of one text and where its tokens begin."""
        tokens = slice(self.offsets[number], self.offsets[number + 1])
        return self.ids[tokens], self.starts[tokens]


Encode = Callable[[list[str]], Encoded]


def by_tokenizers(tokenizer: Tokenizer) -> Encode:
    """Return the reference: what `encode(text, add_special_tokens=False)` gives."""

    def encode(texts: list[str]) -> Encoded:
        found = tokenizer.encode_batch(texts, add_special_tokens=False)
        ids = np.array([number for one in found for number in one.ids], np.uint32)
        starts = [_starts_in(text, one) for text, one in zip(texts, found, strict=True)]
        offsets = np.array([0, *accumulate(len(one) for one in found)], np.int64)
        return Encoded(ids, offsets, np.concatenate([np.zeros(0, np.int32), *starts]))

    return encode


def fastest(tokenizer: Tokenizer) -> tuple[Encode, str | None]:
    """Return fastokens where it is installed and equal, else the reference; and a warning where it is not equal."""
    reference = by_tokenizers(tokenizer)
    try:
        library = importlib.import_module("fastokens")
    except ImportError:
        return reference, None
    data = tokenizer.to_str()
    sizes = _token_bytes(tokenizer, orjson.loads(data))
    if sizes is None:
        return reference, None
    try:
        fast = Fast(library.Tokenizer.from_json_str(data), tokenizer, sizes)
    except ValueError as error:
        return reference, f"fastokens cannot read this tokenizer ({error}); tokenizers is used, which is slower"
    wrong = fast.differing(_hard_texts())
    if wrong is not None:
        told = f"fastokens gives other ids than tokenizers {tokenizers.__version__} for {wrong[:40]!a}"
        return reference, f"{told}; tokenizers is used, which is slower"
    return fast.encode, None


class Fast:
    """fastokens beside the reference tokenizer; `token_bytes` are the bytes of each token of the vocabulary."""

    def __init__(self, fast: Any, tokenizer: Tokenizer, token_bytes: Places) -> None:
        self._fast = fast
        self._reference = tokenizer
        self._token_bytes = token_bytes
        self._normalizes = tokenizer.normalizer is not None
        self._batches = 0

    def encode(self, texts: list[str]) -> Encoded:
        """Encode a batch. Raises StageError when a sample of it comes out otherwise than by `tokenizers`."""
        self._batches += 1
        sample = [texts[self._batches % len(texts)][:SAMPLE_CHARS]] if texts else []
        if self.differing(sample) is not None:
            raise StageError(
                f"fastokens gives other ids than tokenizers {tokenizers.__version__} for a text of {len(sample[0])} "
                "characters; uninstall fastokens, remove the tokenised shards and run again"
            )
        ids, offsets = self._ids(texts)
        starts = _starts(ids, offsets, self._token_bytes)
        for number, text in enumerate(texts if self._normalizes else []):
            if not text.isascii() and not unicodedata.is_normalized("NFC", text):
                told = self._reference.encode(text, add_special_tokens=False)
                starts[offsets[number] : offsets[number + 1]] = _starts_in(text, told)
        return Encoded(ids, offsets, starts)

    def differing(self, texts: Sequence[str]) -> str | None:
        """Return the first text whose ids are not those of the reference."""
        wanted = self._reference.encode_batch(texts, add_special_tokens=False)
        ids, offsets = self._ids(texts)
        found = (ids[offsets[k] : offsets[k + 1]].tolist() for k in range(len(texts)))
        return next((text for text, one, told in zip(texts, found, wanted, strict=True) if one != told.ids), None)

    def _ids(self, texts: Sequence[str]) -> tuple[Ids, Ints]:
        split = self._reference.encode_special_tokens
        ids, ends = self._fast.encode_batch_flat(list(texts), add_special_tokens=False, split_special_tokens=split)
        return np.frombuffer(ids, np.uint32), np.frombuffer(ends, np.uint64).astype(np.int64)


@compiled
def _starts(ids: Ids, offsets: Ints, token_bytes: Places) -> Places:
    """Return at which byte of its text each token begins, where tokens spell out their texts."""
    starts = np.empty(len(ids), np.int32)
    for text in range(len(offsets) - 1):
        at = 0
        for token in range(offsets[text], offsets[text + 1]):
            starts[token] = at
            at += token_bytes[ids[token]]
    return starts


def _starts_in(text: str, encoding: Encoding) -> Places:
    """Return at which byte each token begins by the library's own account; one that begins inside a character stands
    at its first byte."""
    chars = np.fromiter((start for start, _ in encoding.offsets), np.int32, len(encoding))
    if text.isascii():
        return chars
    data = np.frombuffer(text.encode(), np.uint8)
    places = np.append(np.flatnonzero(data & 0xC0 != 0x80), len(data)).astype(np.int32)
    return places[chars]


def _token_bytes(tokenizer: Tokenizer, tree: dict[str, Any]) -> Places | None:
    """Return the bytes of text that each token stands for, None unless it is a byte-level BPE over text as it is."""
    steps = tree["pre_tokenizer"] or {}
    last = steps.get("pretokenizers", [steps])[-1]
    byte_level = last.get("type") == "ByteLevel" and not last.get("add_prefix_space")
    normalizer = (tree["normalizer"] or {}).get("type", "NFC")
    if tree["model"].get("type") != "BPE" or not byte_level or normalizer != "NFC":
        return None
    vocabulary, added = tree["model"]["vocab"], tokenizer.get_added_tokens_decoder()
    numbers = np.fromiter(vocabulary.values(), np.int64, len(vocabulary))
    sizes = np.zeros(max([*added, int(numbers.max(initial=-1))], default=-1) + 1, np.int32)
    sizes[numbers] = np.fromiter(map(len, vocabulary), np.int32, len(vocabulary))
    for number, token in added.items():
        sizes[number] = len(token.content.encode())
    return sizes


def _hard_texts() -> list[str]:
    """Return texts of every sort that tokenizers have disagreed on, and some made at random from such pieces."""
    dice = random.Random(20261120)  # noqa: S311
    pieces = [piece for text in HARD[1:11] for piece in text] + ["'s", "\n", " ", "12", "mg", "e\u0301", "<|", "|>"]
    made = ("".join(dice.choices(pieces, k=dice.randint(1, 40))) for _ in range(SELF_CHECKS - len(HARD)))
    return [*HARD, *made]
