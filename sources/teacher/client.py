"""The teacher as its users see it: requests in, answers out, in the same order.

`ask` answers what the journal knows, sends the rest, and gives out no answer before it is durable. An endpoint is
opened only when something is missing, so a run that was complete needs none. Not here: sockets (`lines`), retries
(`call`), limits and budget (`gate`), what replies mean (`reply`).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from sources.teacher.call import Caller, Entrance
from sources.teacher.capabilities import Capabilities, probe
from sources.teacher.endpoint import Endpoint
from sources.teacher.gate import Gate
from sources.teacher.journal import Journal
from sources.teacher.request import Answer, Request
from sources.teacher.settings import TeacherSettings
from sources.web.clock import Clock, SystemClock

_SYNC_S = 0.25
"""A power cut costs the answers of so long and of one sync; a kill costs none."""


class Teacher:
    """Answers requests from the journal, and from the endpoint what the journal does not know."""

    def __init__(
        self,
        settings: TeacherSettings,
        journal: Journal,
        *,
        account: str = "",
        gate: Entrance | None = None,
        clock: Clock | None = None,
        retry_failures: bool = False,
    ) -> None:
        """`account` is what the budget is counted on, such as the run's name; `gate` one that is shared by workers.

        With `retry_failures`, requests that ended without anything from the model are sent again, as after an outage.
        """
        self._retry_failures = retry_failures
        self._settings, self._journal, self._account = settings, journal, account
        self._gate, self._clock = gate, clock or SystemClock()

    def answer_all(self, requests: Iterable[Request]) -> list[Answer]:
        """Do what `ask` does, from code that is not asynchronous."""
        return asyncio.run(self.ask(requests))

    async def ask(self, requests: Iterable[Request]) -> list[Answer]:
        """Return an answer for each request, in order; equal requests are one.

        Raises BudgetError or TeacherError when the run must stop; what was answered until then is in the journal.
        """
        asked = list(requests)
        self._journal.refresh()
        missing = {request.key: request for request in asked if self._is_missing(request.key)}
        if missing:
            await self._buy(missing)
        return list(self._journal.answers(request.key for request in asked))

    def _is_missing(self, key: str) -> bool:
        return key not in self._journal or (self._retry_failures and self._journal.is_failure(key))

    async def _buy(self, missing: dict[str, Request]) -> None:
        """Bring every request to its end in the journal; what stands there is the answer, also for those who race."""
        queue = iter(missing.values())
        async with Endpoint(self._settings, self._clock) as endpoint:
            endpoint.capabilities = await self._capabilities(endpoint)
            limits, price = self._settings.limits, self._settings.price
            caller = Caller(endpoint.send, self._entrance(), self._journal, limits, price, self._clock, self._account)
            over = asyncio.Event()
            syncing = asyncio.create_task(self._sync_until(over))

            async def work() -> None:
                for request in queue:
                    ended = False
                    try:
                        await caller.settle(request)
                        ended = not syncing.done()  # it ends only when the disk fails
                    finally:
                        if not ended:
                            deque(queue, maxlen=0)  # nobody begins another call; those in flight come to their end

            count = min(len(missing), 2 * limits.concurrency)  # some are ready when others come back
            try:
                ends = await asyncio.gather(*(work() for _ in range(count)), return_exceptions=True)
            finally:
                over.set()
            ends += await asyncio.gather(syncing, return_exceptions=True)
        for error in ends:
            if error is not None:
                raise error

    async def _sync_until(self, over: asyncio.Event) -> None:
        """Bring what was written to the disk, beside the calls, which a slow disk shall not hold up, and at last."""
        while True:
            is_last = over.is_set()
            await asyncio.to_thread(self._journal.sync)
            if is_last:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), _SYNC_S)

    async def _capabilities(self, endpoint: Endpoint) -> Capabilities:
        """Return what the journal knows of the endpoint, or probe it, once."""
        known = self._journal.probe(endpoint.name)
        if known is None:
            found = await probe(endpoint.post, self._settings.model)
            known = found.to_json()
            self._journal.write_probe(endpoint.name, known)
        return Capabilities(**known)

    def _entrance(self) -> Entrance:
        if self._gate is None:
            self._gate = gate_of(self._settings, self._journal, self._account, self._clock)()
        return self._gate


def gate_of(
    settings: TeacherSettings, journal: Journal, account: str, clock: Clock | None = None
) -> Callable[[], Gate]:
    """Return what makes the gate of a run, which knows what the run has spent; for `Runtime.service` where many share.

    `SharedGate(runtime.service("teacher", gate_of(settings, journal, account)))` is then the gate of each worker.
    """
    spent = journal.spent(account)
    return partial(Gate, settings.limits, settings.budget, spent, clock)
