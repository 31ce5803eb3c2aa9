"""The numeric libraries of the extra `experiments`, imported when a fit asks for them and pinned to one thread.

One thread, as the order in which threads add up decides the last bits, and on small matrices and a busy machine two are
slower by far. Not here: anything numeric.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipelines.engine.errors import ConfigError


def library(name: str) -> Any:
    """Return a module of the extra, such as `scipy.optimize`. Raises ConfigError that names the extra."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"fitting mixture surfaces needs {name.partition('.')[0]}, which is not installed ({error}); "
            "install the extra: pip install -e '.[experiments]'"
        ) from error


@contextmanager
def one_thread() -> Iterator[None]:
    """Run linear algebra in one thread, so that the same rows give the same bits."""
    with library("threadpoolctl").threadpool_limits(limits=1):
        yield
