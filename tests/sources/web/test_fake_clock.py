"""The fake clock itself: one history, no real waiting, nobody forgotten."""

import asyncio
import time

import pytest
from fakes.web.clock import START, FakeClock


def test_sleepers_wake_in_the_order_of_their_moments_and_run_until_they_block() -> None:
    clock, told = FakeClock(), []

    async def work(name: str, naps: list[float]) -> None:
        for nap in naps:
            await clock.sleep(nap)
            told.append((name, clock.monotonic()))
            await asyncio.sleep(0)  # others that can run go first, time stands still

    async def main() -> None:
        await asyncio.gather(work("a", [3, 3]), work("b", [2, 4, 1]), work("c", [6]))

    asyncio.run(main())
    assert told == [("b", 2), ("a", 3), ("c", 6), ("b", 6), ("a", 6), ("b", 7)]


def test_a_year_passes_at_once_and_dates_follow() -> None:
    clock = FakeClock()
    asyncio.run(clock.sleep(366 * 86400))
    assert (clock.now() - START).days == 366


def test_a_cancelled_sleeper_does_not_move_time() -> None:
    clock = FakeClock()

    async def main() -> None:
        sleeper = asyncio.create_task(clock.sleep(1000))
        await clock.sleep(1)
        sleeper.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeper
        await clock.sleep(1)

    asyncio.run(main())
    assert clock.monotonic() == 2


def test_time_stands_still_while_the_clock_is_held() -> None:
    clock, seen = FakeClock(), []

    async def real() -> None:
        with clock.held():
            await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.01)
            seen.append(clock.monotonic())

    async def main() -> None:
        await asyncio.gather(clock.sleep(5), real())

    asyncio.run(main())
    assert seen == [0]
    assert clock.monotonic() == 5
