"""Compile a function with numba, cached on disk in a folder named by the sources of all compiled modules.

Numba's own cache looks at the file of the outermost function only: change a function that it calls, in another file,
and the old machine code runs on, unseen. Here any change in a file that compiles starts a fresh folder, beside Python's
own caches. Where that folder cannot be written, numba's default places are used. Not here: what is compiled.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

from pipelines.engine.hashing import sha256_bytes

Function = TypeVar("Function", bound=Callable[..., Any])

_HERE = Path(__file__).parent
_USERS = [
    body
    for path in sorted(_HERE.glob("*.py"))
    if b"@compiled" in (body := path.read_bytes()) or path.stem.endswith("_chars")  # class bits become constants
]
_STAMP = sha256_bytes(b"".join(_USERS))[:12]
_CACHE = _HERE / "__pycache__" / f"numba-{_STAMP}"


def compiled(function: Function) -> Function:
    """Return `function` compiled at its first call, released from the GIL, and cached between processes."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(_CACHE)
    try:
        machine_code: Function = numba.njit(cache=True, nogil=True)(function)
    finally:
        numba.config.CACHE_DIR = before
    return machine_code
