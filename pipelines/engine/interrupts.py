"""Ctrl-C held back while native code that cannot bear it is at work.

Ray starts processes, takes turns with its own threads and shuts them down in native code; an interrupt in the midst of
that now and then ends in its backtrace and another exit code. So it waits until such a call is over, and is then
raised as ever. Only the main thread gets signals, and one that is ignored stays so. Not here: what a stop leaves.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def held_interrupts() -> Iterator[list[int]]:
    """Give the list of interrupts that came while the block ran; none of them is raised."""
    came: list[int] = []
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None):
        yield came
        return
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


def undisturbed(call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Return what `call` returns. Raises KeyboardInterrupt when one came meanwhile, and whatever `call` raises."""
    with held_interrupts() as came:
        result = call(*args, **named)
    if came:
        raise KeyboardInterrupt
    return result
