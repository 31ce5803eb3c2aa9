"""Damaged PDFs through the real sandbox: each is read or refused by name, within 20 CPU seconds and 2 GiB.

Mutants are made from a seed: bits, blocks and numbers of a file are changed, cut, doubled, swapped or spliced with
another file, some after the streams were unpacked, so that the damage reaches past the checksums of compression.
No worker may die, run out of time or memory, or raise anything but a refusal.
"""

import os
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.engine.sandbox import Sandbox, SandboxLimits

DEMO = Path(__file__).resolve().parents[3] / "configs/demo/pdfs"
DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
LIMITS = SandboxLimits(cpu_s=20, memory_bytes=2 << 30)
REFUSALS = {"broken_pdf", "encrypted", "no_text_layer", "garbled_text"}
MAX_SAMPLE_BYTES = 800_000


def _samples(folder: Path) -> list[bytes]:
    bodies = [path.read_bytes() for path in sorted(folder.rglob("*.pdf"))]
    return [body for body in bodies if len(body) <= MAX_SAMPLE_BYTES]


def _unpacked(body: bytes) -> bytes:
    """Return a file with its deflated streams laid open; lengths no longer hold, which readers must mend."""

    def lay_open(match: re.Match[bytes]) -> bytes:
        try:
            return b"stream\n" + zlib.decompressobj().decompress(match[1], 1 << 20) + b"\nendstream"
        except zlib.error:
            return match[0]

    plain = re.sub(rb"stream\r?\n(.*?)endstream", lay_open, body, flags=re.DOTALL)
    return plain.replace(b"/FlateDecode", b"/Unpacked__")


def _mutant(body: bytes, other: bytes, rng: random.Random) -> bytes:
    out = bytearray(_unpacked(body) if rng.random() < 0.3 else body)
    for _ in range(rng.choice((1, 1, 2, 5, 20, 200))):
        at, size = rng.randrange(len(out)), rng.choice((1, 2, 8, 64, 1024, 20000))
        kind = rng.randrange(8)
        if kind <= 1:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            out[at : at + size] = rng.randbytes(min(size, 64))
        elif kind == 3:
            del out[at : at + size]
        elif kind == 4:
            out[at:at] = out[at : at + size]
        elif kind == 5:
            start = rng.randrange(len(other))
            out[at : at + size] = other[start : start + size]
        elif kind == 6:
            _change_number(out, at, rng)
        else:
            del out[max(200, at) :]
        if len(out) < 2:
            return bytes(out)
    return bytes(out)


def _change_number(out: bytearray, at: int, rng: random.Random) -> None:
    if match := re.search(rb"\d+", bytes(out[at : at + 4000])):
        value = rng.choice((b"0", b"-1", b"65536", b"2147483647", b"4294967296", b"1e38", b"99999999999999999999"))
        out[at + match.start() : at + match.end()] = value


def _mutants(samples: list[bytes], count: int) -> Iterator[tuple[str, bytes]]:
    for number in range(count):
        rng = random.Random(f"pdf {number}")
        yield f"mutant {number}", _mutant(rng.choice(samples), rng.choice(samples), rng)


def _outcomes(samples: list[bytes], count: int) -> tuple[Counter[str], dict[str, Any]]:
    """Return how often each outcome came, and the mutants that came to harm."""
    outcomes: Counter[str] = Counter()
    harmed = {}
    with Sandbox(limits=LIMITS) as sandbox:
        for name, body in _mutants(samples, count):
            records = list(sandbox.run("sources.parse.pdf:parse", body, name, {}))
            for record in records:
                outcome = record.get("reason", record["type"])
                outcomes[outcome] += 1
                if record["type"] == "Fault" or (record["type"] == "Unreadable" and outcome not in REFUSALS):
                    harmed[name] = (outcome, record.get("detail"))
    return outcomes, harmed


def test_forty_mutants_of_the_demo_are_read_or_refused() -> None:
    outcomes, harmed = _outcomes(_samples(DEMO), 40)
    assert not harmed
    assert outcomes["Part"] > 0
    assert outcomes["broken_pdf"] > 0


@pytest.mark.nightly
@pytest.mark.real
def test_five_hundred_mutants_of_real_files_are_read_or_refused() -> None:
    samples = _samples(DATA / "guidelines_pdf") + _samples(DATA / "bad_inputs/pdf")
    if not samples:
        pytest.skip("MEDMIX_DATA is unset or has no guidelines_pdf")
    outcomes, harmed = _outcomes(samples, 520)
    assert not harmed
    assert outcomes["Part"] > 100
