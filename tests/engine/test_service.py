"""One object for all workers, inline: made once, called by name, its errors its own. On Ray: `test_runtime_ray`."""

import asyncio

import pytest
from fakes.counting import Counting, made
from fakes.disk import MemoryDisk

from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import Storage


def test_a_service_is_made_once_and_called_by_name() -> None:
    runtime, before = InlineRuntime(Storage(MemoryDisk())), made()
    one, same, other = (runtime.service(name, Counting) for name in ("a", "a", "b"))

    async def run() -> list[int]:
        await asyncio.gather(*(one.call("add", 2) for _ in range(10)))
        return [await service.call("total") for service in (one, same, other)]

    assert asyncio.run(run()) == [20, 20, 0]
    assert made() - before == 2


def test_what_a_method_raises_comes_through() -> None:
    service = InlineRuntime(Storage(MemoryDisk())).service("a", Counting)
    with pytest.raises(ValueError, match="negative"):
        asyncio.run(service.call("add", -1))
