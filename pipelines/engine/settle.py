"""See a set of shard tasks through to their records, whatever dies on the way.

Policy by failure class: an error in a shard is told at once and never retried blindly; a worker that died, ran out
of memory or out of time is tried twice more; after that the shard is bisected, alone on the machine, down to the
row that kills, which is skipped and quarantined. A bounded window of orders is in flight, so memory stays flat.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from pipelines.engine.errors import MedmixError, StageError
from pipelines.engine.runtime import Failure, Runtime
from pipelines.engine.work import Order, Report

RETRIES = 2
MAX_POISON_ROWS = 16
Notify = Callable[[str, Order, Failure], None]


def settle(runtime: Runtime, orders: Iterable[Order], notify: Notify) -> Iterator[tuple[Order, Report]]:
    """Yield (order, report) as shards commit, in completion order. Raises what a shard raised, or StageError."""
    dying: list[Order] = []
    try:
        yield from _try(runtime, orders, notify, dying)
        for order in dying:
            yield _without_poison(runtime, order, notify)
    finally:
        runtime.drop()


def _try(
    runtime: Runtime, orders: Iterable[Order], notify: Notify, dying: list[Order]
) -> Iterator[tuple[Order, Report]]:
    """Run the orders a few times each; those that lose their worker every time go to `dying`."""
    waiting, again = iter(orders), deque[Order]()
    deaths: Counter[tuple[str, str]] = Counter()
    in_flight = 0
    while True:
        while in_flight < 2 * runtime.slots:
            order = next(waiting, None) or (again.popleft() if again else None)
            if order is None:
                break
            runtime.submit(order)
            in_flight += 1
        if not in_flight:
            return
        order, result = runtime.wait()
        in_flight -= 1
        if isinstance(result, Report):
            yield order, result
            continue
        _raise_if_error(order, result)
        deaths[order.stage.name, order.task.shard] += 1
        notify("shard_retried", order, result)
        (again if deaths[order.stage.name, order.task.shard] <= RETRIES else dying).append(order)


def _without_poison(runtime: Runtime, order: Order, notify: Notify) -> tuple[Order, Report]:
    """Find and skip the rows that kill a worker, then run the shard."""
    total = sum(ref.rows for ref in order.task.inputs.get("documents", ()))
    for _ in range(MAX_POISON_ROWS):
        runtime.submit(order)
        _, result = runtime.wait()
        if isinstance(result, Report):
            return order, result
        _raise_if_error(order, result)
        row = _bisect(runtime, order, range(total)) if total else None
        if row is None or row in order.skip:
            raise StageError(
                f"{order.stage.name}, shard {order.task.shard}: the worker was lost {RETRIES + 2} times "
                f"({result.kind}: {result.detail}) and no single record explains it; give tasks more memory "
                "(`resources`) or smaller shards"
            )
        notify("row_skipped", order, result)
        order = replace(order, skip={**order.skip, row: result.kind})
    raise StageError(f"{order.stage.name}, shard {order.task.shard}: more than {MAX_POISON_ROWS} records kill a worker")


def _bisect(runtime: Runtime, order: Order, rows: range) -> int | None:
    """Return one row of `rows` whose treatment loses the worker, None when none does alone."""
    while len(rows) > 1:
        middle = rows.start + len(rows) // 2
        first = range(rows.start, middle)
        rows = first if _kills(runtime, order, first) else range(middle, rows.stop)
    return rows.start if len(rows) and _kills(runtime, order, rows) else None


def _kills(runtime: Runtime, order: Order, rows: range) -> bool:
    runtime.submit(replace(order, probe=rows))
    _, result = runtime.wait()
    if isinstance(result, Failure):
        _raise_if_error(order, result)
    return isinstance(result, Failure)


def _raise_if_error(order: Order, failure: Failure) -> None:
    if failure.kind != "error":
        return
    if isinstance(failure.error, MedmixError):
        raise failure.error
    raise StageError(
        f"{order.stage.name}, shard {order.task.shard}: {failure.detail}; this is a defect of the stage (a bad "
        "record would have been quarantined): please report it with this line"
    )
