"""Politeness under the fake clock: gaps, one in flight, Retry-After, deferrals, fairness."""

import asyncio
import random
from collections import Counter, defaultdict
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from fakes.web.clock import START, FakeClock
from hypothesis import given
from hypothesis import strategies as st

from sources.web.pace import Pace, retry_after_s

HOSTS = [f"h{number}.example" for number in range(50)]
REQUESTS = 10_000
DELAY_S = 5.0
DAY_S = 86400


class Town:
    """50 hosts that sometimes ask for a rest, and what they saw: (start, end, rest asked for) of each request."""

    def __init__(self, seed: int) -> None:
        self.clock = FakeClock()
        self.pace = Pace(self.clock, DELAY_S)
        self.chance = random.Random(seed)
        self.seen: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        self.in_flight: Counter[str] = Counter()
        self.most_in_flight = 0
        self.delays_s = {host: self.chance.choice([None, 0.5, 5.0, 7.3, 60.0]) for host in HOSTS}

    async def ask(self, host: str) -> None:
        async with self.pace.turn(host):
            start_s = self.clock.monotonic()
            self.in_flight[host] += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight[host])
            await self.clock.sleep(self.chance.choice([0, 0.01, 0.3, 2, 20]))
            self.in_flight[host] -= 1
            self.seen[host].append((start_s, self.clock.monotonic(), self._rest(host)))

    def _rest(self, host: str) -> float:
        """Answer one request in ten with 429 or 503, with seconds, with a date or with nothing."""
        if self.chance.random() > 0.1:
            return 0
        asked_s = self.chance.randrange(1, 4000)
        date = format_datetime(self.clock.now() + timedelta(seconds=asked_s), usegmt=True)
        value = self.chance.choice([str(asked_s), date, "soon"])
        return self.pace.slow_down(host, retry_after_s(value, self.clock.now()))


def test_ten_thousand_requests_to_fifty_hosts() -> None:
    town = Town(seed=3)

    async def worker(hosts: list[str]) -> None:
        for host in hosts:
            await town.ask(host)

    async def main() -> None:
        for host, delay_s in town.delays_s.items():
            town.pace.set_delay(host, delay_s)
        asks = HOSTS * (REQUESTS // len(HOSTS))
        town.chance.shuffle(asks)
        await asyncio.gather(*(worker(asks[number::200]) for number in range(200)))

    asyncio.run(main())
    assert sum(map(len, town.seen.values())) == REQUESTS
    assert town.most_in_flight == 1
    rests = 0
    for host, requests in town.seen.items():
        least_s = max(DELAY_S, town.delays_s[host] or 0)
        for (_, end_s, rest_s), (start_s, _, _) in pairwise(requests):
            assert start_s - end_s >= max(least_s, rest_s), host
            rests += rest_s > 0
    assert rests > 500


def test_hosts_do_not_wait_for_each_other() -> None:
    town = Town(seed=4)
    town.chance.random = lambda: 1.0  # type: ignore[method-assign]

    async def main() -> None:
        await asyncio.gather(*(town.ask(host) for host in HOSTS * 10))

    asyncio.run(main())
    assert town.clock.monotonic() < 10 * (20 + DELAY_S + 1)


def test_who_asks_first_is_served_first_and_a_cancelled_one_is_passed_over() -> None:
    clock = FakeClock()
    pace, served = Pace(clock, DELAY_S), []

    async def ask(name: int) -> None:
        async with pace.turn("h.example"):
            served.append((name, round(clock.monotonic())))

    async def main() -> None:
        tasks = [asyncio.create_task(ask(name)) for name in range(5)]
        await clock.sleep(6)
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    assert served == [(0, 0), (1, 5), (3, 10), (4, 15)]


def test_a_request_that_fails_counts_and_frees_the_host() -> None:
    clock = FakeClock()
    pace = Pace(clock, DELAY_S)

    async def fail() -> None:
        async with pace.turn("h.example"):
            await clock.sleep(3)
            raise OSError("reset")

    async def main() -> None:
        with pytest.raises(OSError, match="reset"):
            await fail()
        async with pace.turn("h.example"):
            assert clock.monotonic() >= 8

    asyncio.run(main())


def test_a_turn_inside_a_turn_of_the_same_host_is_told_and_not_waited_for() -> None:
    pace = Pace(FakeClock(), DELAY_S)

    async def main() -> None:
        async with pace.turn("a.example"), pace.turn("b.example"):
            with pytest.raises(RuntimeError, match=r"b\.example"):
                async with pace.turn("b.example"):
                    pass
        async with pace.turn("b.example"):
            pass

    asyncio.run(main())


def test_a_delay_that_is_learnt_late_holds_at_once() -> None:
    clock = FakeClock()
    pace = Pace(clock, DELAY_S)

    async def main() -> None:
        async with pace.turn("h.example"):
            pass
        pace.set_delay("h.example", 40)
        async with pace.turn("h.example"):
            assert clock.monotonic() >= 40
        pace.set_delay("h.example", None)
        assert pace.wait_s("h.example") == pytest.approx(DELAY_S, abs=0.01)

    asyncio.run(main())


@pytest.mark.parametrize("within", [True, False])
def test_refusals_in_a_row_double_the_rest_until_a_good_answer(within: bool) -> None:
    clock = FakeClock()
    pace, rests = Pace(clock, DELAY_S), []

    async def main() -> None:
        for answer in [429] * 10 + [200, 503]:
            async with pace.turn("h.example"):
                if answer != 200 and within:
                    rests.append(pace.slow_down("h.example"))
            if answer != 200 and not within:
                rests.append(pace.slow_down("h.example"))

    asyncio.run(main())
    assert rests == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 30]
    assert clock.monotonic() >= sum(rests[:10])


def test_a_rest_is_never_cut_by_a_shorter_one() -> None:
    pace = Pace(FakeClock(), DELAY_S)
    pace.slow_down("h.example", 500)
    pace.slow_down("h.example", 3)
    assert pace.wait_s("h.example") >= 500
    assert pace.wait_s("other.example") == 0


@pytest.mark.parametrize("asked_s", [DAY_S + 1, 1e12, float("inf")])
def test_more_than_a_day_is_cut_and_told(asked_s: float) -> None:
    pace = Pace(FakeClock(), DELAY_S)
    assert pace.slow_down("h.example", asked_s) == DAY_S
    assert pace.capped == [("h.example", asked_s)]
    assert pace.slow_down("g.example", DAY_S) == DAY_S
    assert len(pace.capped) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("2.5", 2.5),
        ("Tue, 01 Jan 2030 00:02:00 GMT", 120),
        ("Tuesday, 01-Jan-30 00:02:00 GMT", 120),
        ("Tue Jan  1 00:02:00 2030", 120),
        ("Tue, 01 Jan 2030 01:02:00 +0100", 120),
        ("Mon, 31 Dec 2029 23:00:00 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("9" * 400, float("inf")),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e3", None),
        ("120 seconds", None),
        ("0x10", None),
        ("١٢", None),
        ("Tue, 01 Foo 2030 00:02:00 GMT", None),
        ("Tue, 99 Jan 2030 00:02:00 GMT", None),
        ("Tue, 01 Jan 99999 00:02:00 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after_s(value, START) == seconds


@given(st.text(max_size=40))
def test_any_retry_after_gives_an_answer(value: str) -> None:
    seconds = retry_after_s(value, START)
    assert seconds is None or seconds >= 0
