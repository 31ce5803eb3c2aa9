"""Compile a function with numba at its first call, cached on disk in a folder named by the sources beside it.

Numba takes a second to import, which a command that compiles nothing (a refused run, a finished one) need not pay, so
it is imported by the first call. Its own cache looks at the file of the outermost function only: change a function
that it calls, in another file, and the old machine code runs on, unseen. Here any change in a file of the same folder
that compiles starts a fresh cache, beside Python's own. Where that folder cannot be written, numba's default places
are used. Not here: what is compiled.
"""

from collections.abc import Callable
from functools import cached_property, lru_cache, update_wrapper
from pathlib import Path
from typing import Any, TypeVar, cast

from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.spared_imports import hidden

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Return `function` as machine code, made at the first call, released from the GIL, cached between processes."""
    return cast(Function, _Compiled(function))


class _Compiled:
    """Stands for the function until its first call; compiled callers find the machine code by `_numba_type_`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        return self._machine_code(*args)

    @property
    def _numba_type_(self) -> Any:
        return self._machine_code._numba_type_

    @cached_property
    def _machine_code(self) -> Any:
        with hidden("scipy"):
            import numba
            import numba.np.arraymath  # which would ask for it when the first function is compiled or loaded
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(_cache(Path(self._function.__code__.co_filename).parent))
        try:
            code = numba.njit(cache=True, nogil=True)(self._function)
        finally:
            numba.config.CACHE_DIR = before
        template = code.get_call_template
        code.get_call_template = lambda args, kws: template(tuple(map(_plain, args)), kws)
        return code


def _plain(kind: Any) -> Any:
    """Return the type as which an argument is taken: a whole number as 64 bits, whatever its width and value.

    Numba would compile a function again for each constant and each width that compiled callers give it, which costs
    a second each and changes no result.
    """
    from numba import types

    kind = types.unliteral(kind)
    return types.int64 if isinstance(kind, types.Integer) and kind.signed else kind


@lru_cache
def _cache(folder: Path) -> Path:
    users = [
        body
        for path in sorted(folder.glob("*.py"))
        if b"@compiled" in (body := path.read_bytes()) or path.stem.endswith("_chars")  # class bits become constants
    ]
    return folder / "__pycache__" / f"numba-{sha256_bytes(b''.join(users))[:12]}"
