"""Texts to ids: by Hugging Face `tokenizers`, or by fastokens where it is installed and proven to give the same ids.

`tokenizers` reads 1-4 MB of text in a CPU second, fastokens 80-90. It is young, so it must earn its use: a tokenizer
that it may serve (byte-level BPE) is compared on hard texts when it is loaded, parts of every batch are compared while
it runs, and one difference ends the run. Positions come from the bytes of each token; a text that the tokenizer
normalises has no such positions and goes to `tokenizers`. Not here: batches, and what is done with positions.
"""

import importlib
import json
import random
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tokenizers
from tokenizers import Encoding, Tokenizer

from pipelines.engine.errors import StageError

Ids = npt.NDArray[np.uint32]
SAMPLES = 4
"""Texts of every batch that both libraries encode, `SAMPLE_CHARS` of each."""
SAMPLE_CHARS = 1000
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


class Encoded(Protocol):
    """The ids of one text."""

    @property
    def ids(self) -> Ids:
        """Return the ids, in order."""
        ...

    def tokens_at(self, chars: Sequence[int]) -> list[int]:
        """Return for each character position the first token that begins at or after it."""
        ...


Encode = Callable[[list[str]], Sequence[Encoded]]


@dataclass(frozen=True, slots=True)
class ByTokenizers:
    """What `tokenizers` found."""

    encoding: Encoding

    @property
    def ids(self) -> Ids:
        """Return the ids, in order."""
        return np.array(self.encoding.ids, dtype=np.uint32)

    def tokens_at(self, chars: Sequence[int]) -> list[int]:
        """Return for each character position the first token that begins at or after it."""
        offsets = self.encoding.offsets
        return [bisect_left(offsets, (char,)) for char in chars]


@dataclass(frozen=True, slots=True)
class ByFastokens:
    """What fastokens found in a text that the tokenizer leaves as it is; `ends` are the ends of tokens in bytes."""

    ids: Ids
    text: str
    ends: npt.NDArray[np.int64]

    def tokens_at(self, chars: Sequence[int]) -> list[int]:
        """Return for each character position the first token that begins at or after it."""
        starts = np.concatenate([[0], self.ends])[:-1]
        places = [len(self.text[:char].encode()) for char in chars]
        return [int(at) for at in np.searchsorted(starts, places)]


def by_tokenizers(tokenizer: Tokenizer) -> Encode:
    """Return the reference: what `encode(text, add_special_tokens=False)` gives."""
    return lambda texts: [ByTokenizers(one) for one in tokenizer.encode_batch(texts, add_special_tokens=False)]


def fastest(tokenizer: Tokenizer) -> Encode:
    """Return fastokens where it is installed and equal, else the reference."""
    try:
        library = importlib.import_module("fastokens")
    except ImportError:
        return by_tokenizers(tokenizer)
    data = tokenizer.to_str()
    sizes = _token_bytes(tokenizer, json.loads(data))
    if sizes is None:
        return by_tokenizers(tokenizer)
    try:
        fast = Fast(library.Tokenizer.from_json_str(data), tokenizer, sizes)
    except ValueError:  # a tokenizer it does not know
        return by_tokenizers(tokenizer)
    return fast.encode if fast.differing(_hard_texts()) is None else by_tokenizers(tokenizer)


class Fast:
    """fastokens beside the reference tokenizer; `token_bytes` are the bytes of each token of the vocabulary."""

    def __init__(self, fast: Any, tokenizer: Tokenizer, token_bytes: npt.NDArray[np.int64]) -> None:
        self._fast = fast
        self._reference = tokenizer
        self._token_bytes = token_bytes
        self._normalizes = tokenizer.normalizer is not None

    def encode(self, texts: list[str]) -> Sequence[Encoded]:
        """Encode a batch. Raises StageError when a sample of it comes out otherwise than by `tokenizers`."""
        step = max(1, len(texts) // SAMPLES)
        wrong = self.differing([text[:SAMPLE_CHARS] for text in texts[::step]])
        if wrong is not None:
            raise StageError(
                f"fastokens gives other ids than tokenizers {tokenizers.__version__} for a text of {len(wrong)} "
                "characters; uninstall fastokens, remove the tokenised shards and run again"
            )
        return [self._told(text, ids) for text, ids in zip(texts, self._ids(texts), strict=True)]

    def differing(self, texts: list[str]) -> str | None:
        """Return the first text whose ids are not those of the reference."""
        wanted = self._reference.encode_batch(texts, add_special_tokens=False)
        pairs = zip(texts, self._ids(texts), wanted, strict=True)
        return next((text for text, ids, encoding in pairs if ids.tolist() != encoding.ids), None)

    def _ids(self, texts: list[str]) -> list[Ids]:
        if not texts:
            return []
        split = self._reference.encode_special_tokens
        ids, ends = self._fast.encode_batch_flat(texts, add_special_tokens=False, split_special_tokens=split)
        return np.split(np.frombuffer(ids, np.uint32), np.frombuffer(ends, np.uint64)[1:-1].astype(np.int64))

    def _told(self, text: str, ids: Ids) -> Encoded:
        if self._normalizes and not unicodedata.is_normalized("NFC", text):
            return ByTokenizers(self._reference.encode(text, add_special_tokens=False))
        return ByFastokens(ids, text, np.cumsum(self._token_bytes[ids]))


def _token_bytes(tokenizer: Tokenizer, tree: dict[str, Any]) -> npt.NDArray[np.int64] | None:
    """Return the bytes of text that each token stands for, None unless it is a byte-level BPE over text as it is."""
    steps = tree["pre_tokenizer"] or {}
    last = steps.get("pretokenizers", [steps])[-1]
    byte_level = last.get("type") == "ByteLevel" and not last.get("add_prefix_space")
    normalizer = (tree["normalizer"] or {}).get("type", "NFC")
    if tree["model"].get("type") != "BPE" or not byte_level or normalizer != "NFC":
        return None
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    added = {number: token.content for number, token in tokenizer.get_added_tokens_decoder().items()}
    sizes = np.zeros(max(vocabulary.values()) + 1, np.int64)
    for token, number in vocabulary.items():
        sizes[number] = len(added[number].encode()) if number in added else len(token)
    return sizes


def _hard_texts() -> list[str]:
    """Return texts of every sort that tokenizers have disagreed on, and some made at random from such pieces."""
    dice = random.Random(20261120)  # noqa: S311
    pieces = [piece for text in HARD[1:11] for piece in text] + ["'s", "\n", " ", "12", "mg", "e\u0301", "<|", "|>"]
    return [*HARD, *("".join(dice.choices(pieces, k=dice.randint(1, 40))) for _ in range(300))]
