"""A service for tests: a sum that many add to, with a method of each kind."""

import asyncio
import os

_made = 0


def made() -> int:
    """Return how many were made in this process."""
    return _made


class Counting:
    def __init__(self) -> None:
        global _made
        _made += 1
        self._total = 0

    async def add(self, number: int) -> None:
        if number < 0:
            raise ValueError("negative")
        before = self._total
        await asyncio.sleep(0)
        self._total += number
        assert self._total >= before

    async def wait_for(self, total: int) -> int:
        """Return once others have added so much: calls run side by side, or this never returns."""
        while self._total < total:
            await asyncio.sleep(0.01)
        return self._total

    def total(self) -> int:
        return self._total

    def where(self) -> int:
        return os.getpid()
