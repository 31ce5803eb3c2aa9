"""Objects that all workers share, such as a global rate limit: how they are called, wherever they live.

`Runtime.service` hands one out: in this process inline, in a process of its own on Ray. Not here: Ray (`runtime`).
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class Service(Protocol):
    """An object that all workers share; it can be handed to them."""

    async def call(self, method: str, *args: Any) -> Any:
        """Return what the object's method returns, awaited when it is asynchronous."""
        ...


@dataclass(frozen=True, slots=True)
class InlineService:
    """The object itself."""

    thing: Any

    async def call(self, method: str, *args: Any) -> Any:
        """Call it in this process."""
        result = getattr(self.thing, method)(*args)
        return await result if inspect.isawaitable(result) else result


class Host:
    """What a process that holds a service runs: makes the object there, and calls it."""

    def __init__(self, factory: Callable[[], Any]) -> None:
        self._service = InlineService(factory())

    async def call(self, method: str, *args: Any) -> Any:
        """Call the object's method."""
        return await self._service.call(method, *args)
