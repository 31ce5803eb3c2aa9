"""The gate in virtual time: limits in every minute, order, budget, outages, and permits of workers that died."""

import asyncio
from itertools import pairwise
from random import Random

from fakes.web.clock import FakeClock

from sources.teacher.gate import Done, Gate, Permit
from sources.teacher.journal import Spent
from sources.teacher.settings import Budget, Limits


def gate(clock: FakeClock, budget: Budget | None = None, **limits: object) -> Gate:
    return Gate(Limits.model_validate(limits), budget or Budget(), Spent(), clock)


def test_no_sixty_seconds_hold_more_than_the_limits() -> None:
    clock, draw = FakeClock(), Random(5)
    under_test = gate(clock, requests_per_minute=50, tokens_per_minute=4_000, concurrency=16)
    sent: list[tuple[float, int]] = []

    async def call() -> None:
        most = draw.randrange(20, 300)
        permit = await under_test.enter(most)
        sent.append((clock.monotonic(), used := draw.randrange(10, most)))
        await clock.sleep(draw.uniform(0.1, 20))
        await under_test.leave(permit.number, Done("answered", used))

    async def run() -> None:
        await asyncio.gather(*(call() for _ in range(2_000)))

    asyncio.run(run())
    assert len(sent) == 2_000
    for at, _ in sent:
        within = [tokens for time, tokens in sent if at <= time < at + 60]
        assert len(within) <= 50
        assert sum(within) <= 4_000
    assert clock.monotonic() < 1.2 * 60 * max(2_000 / 50, sum(tokens for _, tokens in sent) / 4_000)


def test_a_call_larger_than_the_limit_goes_alone_and_not_never() -> None:
    clock = FakeClock()
    under_test = gate(clock, tokens_per_minute=100)

    async def run() -> list[float]:
        times = []
        for _ in range(3):
            permit = await under_test.enter(500)
            times.append(clock.monotonic())
            await under_test.leave(permit.number, Done("answered", 500))
        return times

    assert asyncio.run(run()) == [0, 60, 120]


def test_calls_enter_in_order_and_so_many_at_once() -> None:
    clock = FakeClock()
    under_test, order, flying, most = gate(clock, concurrency=3), [], 0, 0

    async def call(number: int) -> None:
        nonlocal flying, most
        permit = await under_test.enter(1)
        order.append(number)
        flying += 1
        most = max(most, flying)
        await clock.sleep(1)
        flying -= 1
        await under_test.leave(permit.number, Done("answered"))

    async def run() -> None:
        await asyncio.gather(*(call(number) for number in range(20)))

    asyncio.run(run())
    assert (order, most, clock.monotonic()) == (list(range(20)), 3, 7)


def test_it_serves_one_event_loop_after_another() -> None:
    under_test = gate(FakeClock(), concurrency=1)

    async def run() -> None:
        async def call() -> None:
            permit = await under_test.enter(1)
            await asyncio.sleep(0)
            await under_test.leave(permit.number, Done("answered", 1))

        await asyncio.gather(call(), call(), call())

    asyncio.run(run())
    asyncio.run(run())
    assert under_test.spent() == Spent(6, 0.0)


def test_one_who_gives_up_waiting_holds_nobody_back() -> None:
    clock = FakeClock()
    under_test = gate(clock, concurrency=1)

    async def run() -> Permit:
        first = await under_test.enter(1)
        waiting = [asyncio.create_task(under_test.enter(1)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        waiting[1].cancel()
        await asyncio.gather(*waiting[:2], return_exceptions=True)
        await under_test.leave(first.number, Done("answered"))
        return await waiting[2]

    assert asyncio.run(run()).number == 2


def test_a_permit_of_a_dead_worker_lapses() -> None:
    clock = FakeClock()
    under_test = gate(clock, concurrency=1, timeout_s=30)

    async def run() -> float:
        await under_test.enter(1)
        await under_test.enter(1)
        return clock.monotonic()

    assert asyncio.run(run()) == 90


def test_the_budget_ends_entry_and_counts_what_was_spent_before() -> None:
    clock = FakeClock()
    budgets = [Budget(tokens=100), Budget(money=0.5)]

    async def run(budget: Budget) -> list[Permit]:
        under_test = Gate(Limits(), budget, Spent(60, 0.3), clock)
        permits = [await under_test.enter(30), await under_test.enter(30)]
        for permit in permits:
            await under_test.leave(permit.number, Done("answered", 25, 0.15))
        return [*permits, await under_test.enter(30)]

    stopped = [asyncio.run(run(budget)) for budget in budgets]
    assert [[permit.stop for permit in permits] for permits in stopped] == [["", "", "budget"]] * 2
    assert [permits[-1].detail for permits in stopped] == [
        "110 of 100 tokens are spent",
        "0.6000 of 0.5000 in money is spent",
    ]


def test_an_outage_lets_one_call_at_a_time_try_and_ends_the_run_in_the_end() -> None:
    clock = FakeClock()
    under_test = gate(clock, outage_failures=5, outage_s=600, backoff_s=1, longest_backoff_s=60, concurrency=8)
    times: list[float] = []

    async def call() -> str:
        while not (permit := await under_test.enter(1)).stop:
            times.append(clock.monotonic())
            await clock.sleep(0.01)
            await under_test.leave(permit.number, Done("failed"))
        return permit.stop

    async def run() -> list[str]:
        return await asyncio.gather(*(call() for _ in range(8)))

    assert asyncio.run(run()) == ["outage"] * 8
    assert 600 <= clock.monotonic() < 700
    assert len(times) < 35
    alone = [later - earlier for earlier, later in pairwise(times[16:])]
    assert min(alone) >= 1


def test_after_an_outage_all_go_on() -> None:
    clock = FakeClock()
    under_test = gate(clock, outage_failures=3, concurrency=4)

    async def run() -> int:
        for _ in range(4):
            permit = await under_test.enter(1)
            await under_test.leave(permit.number, Done("failed"))
        permit = await under_test.enter(1)
        blocked = asyncio.create_task(under_test.enter(1))
        await asyncio.sleep(0)
        assert not blocked.done()
        await under_test.leave(permit.number, Done("answered"))
        return len([await blocked, await under_test.enter(1), await under_test.enter(1)])

    assert asyncio.run(run()) == 3


def test_who_is_asked_to_slow_down_makes_all_wait() -> None:
    clock = FakeClock()
    under_test = gate(clock)

    async def run() -> float:
        permit = await under_test.enter(1)
        await under_test.leave(permit.number, Done("throttled", wait_s=12))
        await under_test.enter(1)
        return clock.monotonic()

    assert asyncio.run(run()) == 12
