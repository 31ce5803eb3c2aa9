"""Takes one request to its end: permits, tries, waits between them, and what the journal hears of each.

Every try is in the journal before it is sent and after it ended, so a kill at any moment leaves only calls in flight
in doubt. Waits are drawn from 0 to a doubling bound (full jitter), from the request's key, so that calls which failed
together do not come back together. There is no other layer of retries. Not here: what a reply means (`reply`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from pipelines.engine.errors import BudgetError, MedmixError, TeacherError
from pipelines.engine.hashing import derive_seed
from sources.teacher.gate import Done, Permit
from sources.teacher.journal import Journal
from sources.teacher.reply import Failed
from sources.teacher.request import Answer, Outcome, Request
from sources.teacher.settings import Limits, Price
from sources.web.clock import Clock

Send = Callable[[Request], Awaitable[Answer | Failed]]


class Entrance(Protocol):
    """The gate, wherever it lives."""

    async def enter(self, tokens: int) -> Permit:
        """Return when a call may be sent."""
        ...

    async def leave(self, permit: int, done: Done) -> None:
        """Tell how the call ended."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """What all calls of a process share. `account` is what the journal books spending on, such as the run's name."""

    send: Send
    gate: Entrance
    journal: Journal
    limits: Limits
    price: Price
    clock: Clock
    account: str

    async def settle(self, request: Request) -> Answer:
        """Try until there is an end, and write it to the journal.

        Raises BudgetError when nothing more may be spent, TeacherError when the endpoint is down or refuses us.
        """
        paid, failed, tries = False, Failed("no try", paid=False), 0
        begin_s = self.clock.monotonic()
        while tries < self.limits.tries:
            tries += 1
            got = await self._try(request, tries)
            if isinstance(got, Answer):
                return got
            failed, paid = got, paid or got.paid
            wait_s = backoff_s(self.limits, request.key, tries, failed)
            if self.clock.monotonic() + wait_s - begin_s > self.limits.deadline_s:
                break
            await self.clock.sleep(wait_s)
        outcome: Outcome = "ambiguous" if paid else "exhausted"
        return self._keep(Answer(key=request.key, outcome=outcome, reason=failed.reason, tries=tries))

    async def _try(self, request: Request, tries: int) -> Answer | Failed:
        """Try once. What is answered is in the journal before the permit is given back: no more are ever in doubt."""
        most = most_tokens(request)
        permit = await self.gate.enter(most)
        if permit.stop:
            raise _stopped(permit)
        done = Done("failed")
        try:
            self.journal.write_asked(request.key, self.account, most)
            got = await self.send(request)
            if isinstance(got, Answer):
                got = self._keep(replace(got, cost=self._cost(got), tries=tries))
                done = Done("answered", got.prompt_tokens + got.completion_tokens, got.cost)
            else:
                self.journal.write_failed(request.key, got.reason, paid=got.paid)
                used = most if got.paid else 0
                done = Done("throttled" if got.throttled else "failed", used, wait_s=got.wait_s or 0.0)
            return got
        except TeacherError:
            self.journal.write_failed(request.key, "refused", paid=False)
            raise
        finally:
            await self.gate.leave(permit.number, done)

    def _keep(self, answer: Answer) -> Answer:
        self.journal.write_answer(answer, self.account)
        return answer

    def _cost(self, answer: Answer) -> float:
        price = self.price
        return (answer.prompt_tokens * price.prompt + answer.completion_tokens * price.completion) / 1_000_000


def backoff_s(limits: Limits, key: str, tries: int, failed: Failed) -> float:
    """Return how long to wait after so many tries: full jitter drawn from the key, or what the server asks for."""
    bound_s = min(limits.backoff_s * 2.0 ** (tries - 1), limits.longest_backoff_s)
    drawn = derive_seed("backoff", key, tries) / 2**63
    return max(bound_s * drawn, failed.wait_s or 0.0)


def most_tokens(request: Request) -> int:
    """Return the most tokens that a call is expected to use: UTF-8 bytes of the prompt over three, and `max_tokens`."""
    prompt_bytes = sum(len(content.encode()) for _, content in request.messages)
    return prompt_bytes // 3 + 1 + request.sampling.max_tokens


def _stopped(permit: Permit) -> MedmixError:
    if permit.stop == "budget":
        return BudgetError(
            f"the teacher's budget ends the run: {permit.detail}; all answers are kept: raise `teacher.budget` and "
            "run again to go on"
        )
    return TeacherError(f"the teacher is down: {permit.detail}; all answers are kept: mend it and run again to go on")
