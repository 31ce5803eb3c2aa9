"""Writes a llama of two layers with random weights as a GGUF file (version 3): a real model without any knowledge.

Its vocabulary is the 256 bytes, one merge and the marks of ChatML, so it reads and writes any text. 467 kB, by numpy
alone. The layout follows the GGUF specification of ggml; names of keys and tensors those of llama.cpp.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, LAYERS, HEADS, INNER, CONTEXT_TOKENS = 64, 2, 4, 128, 8192
_FLOAT32 = 0
_ALIGNMENT = 32
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_tiny_llama(path: Path, seed: int = 0) -> None:
    """Write the file; the same bytes for the same seed."""
    values, tensors = _values(), _tensors(seed)
    infos, data = b"", b""
    for name, tensor in tensors.items():
        sizes = tensor.shape[::-1]
        infos += _text(name) + struct.pack(f"<I{len(sizes)}Q", len(sizes), *sizes)
        infos += struct.pack("<IQ", _FLOAT32, len(data))
        data += _padded(tensor.tobytes())
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    head += b"".join(_text(name) + _value(value) for name, value in values.items())
    path.write_bytes(_padded(head + infos) + data)


def _values() -> dict[str, Any]:
    tokens = [*_byte_characters(), "th", "<|im_start|>", "<|im_end|>"]
    end = len(tokens) - 1
    return {
        "general.architecture": "llama",
        "general.name": "tiny",
        "llama.block_count": LAYERS,
        "llama.context_length": CONTEXT_TOKENS,
        "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": INNER,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": WIDTH // HEADS,
        "llama.vocab_size": len(tokens),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1] * 257 + [3, 3],
        "tokenizer.ggml.merges": ["t h"],
        "tokenizer.ggml.bos_token_id": end,
        "tokenizer.ggml.eos_token_id": end,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": _TEMPLATE,
    }


def _tensors(seed: int) -> dict[str, np.ndarray]:
    vocabulary = len(_values()["tokenizer.ggml.tokens"])
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd": (vocabulary, WIDTH),
        "output_norm": (WIDTH,),
        "output": (vocabulary, WIDTH),
    }
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        shapes |= {block + name: (WIDTH,) for name in ("attn_norm", "ffn_norm")}
        shapes |= {block + name: (WIDTH, WIDTH) for name in ("attn_q", "attn_k", "attn_v", "attn_output")}
        shapes |= {block + name: (INNER, WIDTH) for name in ("ffn_gate", "ffn_up")}
        shapes |= {block + "ffn_down": (WIDTH, INNER)}
    draw = np.random.default_rng(seed)
    return {
        f"{name}.weight": (np.ones(shape) if len(shape) == 1 else 0.1 * draw.standard_normal(shape)).astype("<f4")
        for name, shape in shapes.items()
    }


def _byte_characters() -> list[str]:
    """Return the character that stands for each byte in byte-level BPE (GPT-2's table)."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte) if byte in shown else chr(256 + hidden.index(byte)) for byte in range(256)]


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value[0], str):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))
    return struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _ALIGNMENT)
