"""Digests, identities and seeds: the same value for the same content on every machine.

JSON that takes part in an identity is written in one canonical form (sorted keys, no spaces, UTF-8, no NaN).
A *sealed* JSON file carries the sha256 of its own canonical body, and is refused unless its bytes are exactly
the canonical bytes: any flipped bit, also one in white space, is seen. Not for secrets: digests are public.
"""

import hashlib
import json
from typing import Any

from pipelines.engine.errors import CorruptionError

SEAL = "sha256"
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_bytes(data: bytes | memoryview) -> str:
    """Return the hex sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return the one canonical JSON form of `value`.

    Raises ValueError for NaN and infinities, TypeError for keys that are not text: they would not come back as such.
    """
    _check_keys(value)
    return _CANONICAL.encode(value).encode()


def _check_keys(value: Any) -> None:
    if isinstance(value, dict):
        odd = [key for key in value if not isinstance(key, str)]
        if odd:
            raise TypeError(f"JSON keys must be text, not {type(odd[0]).__name__}")
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, dict | list | tuple):
                _check_keys(item)


def digest(value: Any) -> str:
    """Return the hex sha256 of the canonical JSON form of `value`."""
    return sha256_bytes(canonical_json(value))


def seal(body: dict[str, Any]) -> bytes:
    """Return the bytes of a sealed JSON file for `body` (which must not have the key `sha256`)."""
    return canonical_json({**body, SEAL: digest(body)}) + b"\n"


def unseal(data: bytes, where: str) -> dict[str, Any]:
    """Return the body of a sealed JSON file; `where` names the file in the error.

    Raises CorruptionError when the bytes are not exactly what `seal` wrote.
    """
    try:
        value = json.loads(data)
        body = {key: item for key, item in value.items() if key != SEAL}
        intact = seal(body) == data
    except (ValueError, AttributeError, RecursionError):
        intact = False
    if not intact:
        raise CorruptionError(
            f"{where}: the sealed file ({len(data)} bytes) does not match its own sha256; "
            "restore it from a copy, or remove it and run again"
        )
    return body


def derive_seed(*parts: str | int) -> int:
    """Return a 63-bit seed from named parts (run seed, stage, shard, document id); order matters."""
    return int.from_bytes(hashlib.sha256(canonical_json(list(parts))).digest()[:8], "big") >> 1
