"""A SentencePiece model file as a tokenizer.json, so that a target may be given by `tokenizer.model` alone.

The file is a protocol buffer (sentencepiece_model.proto): pieces with scores and types, the kind of model, and how text
is normalised first. Three fields of it decide, so it is read here and no library is asked for. A BPE model has no
merges; they follow from its scores: a piece may be made of any two pieces that spell it, the best scores first, which
is how SentencePiece merges. Not here: training, and the marks a target puts around texts.
"""

import base64
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.engine.errors import InputError

SPACE = "\u2581"
UNIGRAM, BPE = 1, 2
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


@dataclass(slots=True)
class SentencePieceModel:
    """What decides ids: pieces as (text, score, type), and what is done to a text first; defaults are the format's."""

    pieces: list[tuple[str, float, int]] = field(default_factory=list)
    kind: int = UNIGRAM
    byte_fallback: bool = False
    charsmap: bytes = b""
    dummy_prefix: bool = True
    squeeze_spaces: bool = True


def read_sentencepiece(data: bytes) -> SentencePieceModel:
    """Return the model in a file's bytes. Raises InputError when it is none, or of a kind whose ids
    would differ."""
    model = SentencePieceModel()
    try:
        for number, value in _fields(data):
            if number == 1:
                model.pieces.append(_piece(value))
            elif number == 2:
                trainer = dict(_fields(value))
                model.kind, model.byte_fallback = trainer.get(3, UNIGRAM), bool(trainer.get(35, 0))
            elif number == 3:
                rules = dict(_fields(value))
                model.charsmap = bytes(rules.get(2, b""))
                model.dummy_prefix, model.squeeze_spaces = bool(rules.get(3, 1)), bool(rules.get(4, 1))
    except (IndexError, ValueError, TypeError, struct.error) as error:
        raise InputError(f"not a SentencePiece model ({len(data)} bytes): {error!r}") from error
    if not model.pieces or model.kind not in (UNIGRAM, BPE):
        told = f"{len(data)} bytes, {len(model.pieces)} pieces, kind {model.kind}"
        raise InputError(f"not a SentencePiece model of kind unigram ({UNIGRAM}) or bpe ({BPE}): {told}")
    if model.kind == UNIGRAM and model.byte_fallback:
        raise InputError(
            "not a SentencePiece model that can be read exactly: a unigram one with byte fallback, whose ids "
            "`tokenizers` gives otherwise in rare texts; give its tokenizer.json"
        )
    return model


def tokenizer_json(model: SentencePieceModel) -> bytes:
    """Return the tokenizer.json that gives the model's ids.

    Control and user-defined pieces become added tokens; which of those are marks, and which are text, is for whoever
    loads the tokenizer to say, as with every other file.
    """
    added = [
        {"id": number, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": kind == USER_DEFINED and not model.dummy_prefix, "special": kind in (CONTROL, UNKNOWN)}
        for number, (text, _, kind) in enumerate(model.pieces)
        if kind in (CONTROL, UNKNOWN, USER_DEFINED)
    ]  # fmt: skip
    tree = {
        "version": "1.0",
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": _normalizers(model)},
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": _decoder(model),
        "model": _bpe(model) if model.kind == BPE else _unigram(model),
    }
    return json.dumps(tree, ensure_ascii=False).encode()


def _fields(data: Any) -> Iterator[tuple[int, Any]]:
    """Yield (number, value) of a message's fields: integers, floats, or bytes. Raises ValueError for other kinds."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 2:
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
            if len(value) != size:
                raise ValueError(f"field {number} is cut off")
        elif wire == 5:
            (value,), at = struct.unpack_from("<f", data, at), at + 4
        else:
            raise ValueError(f"wire type {wire} of field {number}")
        yield number, value


def _varint(data: Any, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _piece(data: bytes) -> tuple[str, float, int]:
    fields = dict(_fields(data))
    return bytes(fields.get(1, b"")).decode("utf-8"), float(fields.get(2, 0.0)), int(fields.get(3, NORMAL))


def _normalizers(model: SentencePieceModel) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    if model.charsmap:
        charsmap = base64.b64encode(model.charsmap).decode()
        steps.append({"type": "Precompiled", "precompiled_charsmap": charsmap})
    if model.squeeze_spaces:
        steps.append({"type": "Replace", "pattern": {"Regex": r"\A +| +\z"}, "content": ""})
        steps.append({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "})
    if model.dummy_prefix:
        steps.append({"type": "Prepend", "prepend": SPACE})
    return [*steps, {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]


def _decoder(model: SentencePieceModel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [
        {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    strip = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if model.dummy_prefix else []
    return {"type": "Sequence", "decoders": [*steps, *strip]}


def _unigram(model: SentencePieceModel) -> dict[str, Any]:
    unknown = next((number for number, (_, _, kind) in enumerate(model.pieces) if kind == UNKNOWN), None)
    vocabulary = [[text, score] for text, score, _ in model.pieces]
    return {"type": "Unigram", "unk_id": unknown, "vocab": vocabulary, "byte_fallback": False}


def _bpe(model: SentencePieceModel) -> dict[str, Any]:
    unknown = next((text for text, _, kind in model.pieces if kind == UNKNOWN), None)
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": unknown,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": True,
        "byte_fallback": model.byte_fallback,
        "ignore_merges": False,
        "vocab": {text: number for number, (text, _, _) in enumerate(model.pieces)},
        "merges": _merges(model),
    }


def _merges(model: SentencePieceModel) -> list[list[str]]:
    """Return the pairs of pieces that spell a piece, by the piece's score, best first, ties by the ids of the parts."""
    normal = {text: number for number, (text, _, kind) in enumerate(model.pieces) if kind in (NORMAL, UNUSED)}
    found: list[tuple[float, int, int, str, str]] = []
    for text, score, kind in model.pieces:
        if kind != NORMAL:
            continue
        for cut in range(1, len(text)):
            left, right = normal.get(text[:cut]), normal.get(text[cut:])
            if left is not None and right is not None:
                found.append((-score, left, right, text[:cut], text[cut:]))
    return [[left, right] for _, _, _, left, right in sorted(found)]
