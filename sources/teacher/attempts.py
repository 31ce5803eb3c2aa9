"""Try each item up to k times, and keep an account of every attempt: the loop that all kinds of generation share.

An attempt is one request that makes a text, and further ones that test it (another order of the options, a reader who
sees only the section). All open items are asked side by side; an item that was accepted is not asked again. Requests
depend only on the item, the attempt and the recorded seed, so the same answers give the same outcome in any order. Not
here: what is asked and what makes an answer good, which each kind says as a `Maker`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from pipelines.engine.stage import Rejected
from sources.teacher import artefacts, checks
from sources.teacher.request import OUTCOMES, Answer, Request

Ask = Callable[[list[Request]], list[Answer]]
"""Answers requests in their order: `Teacher.answer_all`, or a fake in tests."""
Item = TypeVar("Item")
Asked = TypeVar("Asked", contravariant=True)
Draft = TypeVar("Draft")

REASONS = frozenset(
    {f"teacher_{outcome}" for outcome in OUTCOMES if outcome != "ok"}
    | {"schema_invalid", *artefacts.FAULTS, *checks.REASONS}
)
"""Reasons that any kind of attempt may be rejected for."""


class Maker(Protocol[Asked, Draft]):
    """What a kind of generation asks, and how it judges what comes back."""

    def first(self, item: Asked, sample: int) -> Request:
        """Return the request that makes a text."""
        ...

    def read(self, item: Asked, answer: str) -> Draft | Rejected:
        """Return what the final part of an answer holds, or why it is not good."""
        ...

    def tests(self, item: Asked, draft: Draft, sample: int) -> list[Request]:
        """Return the requests that test a text; none when it needs no more than reading."""
        ...

    def passes(self, item: Asked, draft: Draft, sample: int, answers: Sequence[str]) -> Rejected | None:
        """Return why a text fails its tests, None when it passes."""
        ...


@dataclass(slots=True)
class Trial(Generic[Item, Draft]):
    """One attempt: what was asked and answered, the text if it could be read, and why it was rejected if it was."""

    item: Item
    sample: int
    request: Request
    answer: Answer
    draft: Draft | None = None
    rejected: Rejected | None = None
    tests: list[tuple[Request, Answer]] = field(default_factory=list)

    @property
    def answers(self) -> list[Answer]:
        """Every answer that the attempt took."""
        return [self.answer, *(answer for _, answer in self.tests)]


@dataclass(frozen=True, slots=True)
class Settled(Generic[Item, Draft]):
    """An item and all attempts at it, in order; the last one is the accepted one if any is."""

    item: Item
    trials: tuple[Trial[Item, Draft], ...]

    @property
    def accepted(self) -> Trial[Item, Draft] | None:
        """The attempt that passed everything, None when none did."""
        return self.trials[-1] if self.trials and self.trials[-1].rejected is None else None


def settle(maker: Maker[Item, Draft], items: Sequence[Item], attempts: int, ask: Ask) -> list[Settled[Item, Draft]]:
    """Return what became of each item, in order, after at most `attempts` attempts at it."""
    trials: list[list[Trial[Item, Draft]]] = [[] for _ in items]
    for sample in range(attempts):
        waiting = [place for place, tried in enumerate(trials) if not tried or tried[-1].rejected is not None]
        if not waiting:
            break
        for place, trial in zip(waiting, _round(maker, [items[place] for place in waiting], sample, ask), strict=True):
            trials[place].append(trial)
    return [Settled(item, tuple(tried)) for item, tried in zip(items, trials, strict=True)]


def _round(maker: Maker[Item, Draft], items: list[Item], sample: int, ask: Ask) -> list[Trial[Item, Draft]]:
    """Attempt each item once."""
    requests = [maker.first(item, sample) for item in items]
    trials: list[Trial[Item, Draft]] = [
        Trial(item, sample, request, answer)
        for item, request, answer in zip(items, requests, ask(requests), strict=True)
    ]
    for trial in trials:
        final = usable(trial.answer)
        read = final if isinstance(final, Rejected) else maker.read(trial.item, final)
        if isinstance(read, Rejected):
            trial.rejected = read
        else:
            trial.draft = read
    _test(maker, [trial for trial in trials if trial.draft is not None], ask)
    return trials


def _test(maker: Maker[Item, Draft], trials: list[Trial[Item, Draft]], ask: Ask) -> None:
    """Ask for the tests of all trials side by side, and reject those that fail."""
    wanted = [
        (trial, maker.tests(trial.item, trial.draft, trial.sample)) for trial in trials if trial.draft is not None
    ]
    asked = [request for _, requests in wanted for request in requests]
    answers = iter(ask(asked) if asked else [])
    for trial, requests in wanted:
        trial.tests = [(request, next(answers)) for request in requests]
        finals = [usable(answer) for _, answer in trial.tests]
        failed = next((final for final in finals if isinstance(final, Rejected)), None)
        assert trial.draft is not None
        trial.rejected = failed or maker.passes(trial.item, trial.draft, trial.sample, [str(final) for final in finals])


def usable(answer: Answer) -> str | Rejected:
    """Return the final part of an answer, or why it has none."""
    if answer.outcome != "ok":
        return Rejected(f"teacher_{answer.outcome}", answer.reason)
    parted = artefacts.part(answer.text)
    fault = artefacts.fault_of(parted)
    return Rejected(fault) if fault else parted.final
