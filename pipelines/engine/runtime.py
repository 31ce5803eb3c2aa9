"""Where orders are executed: in this process, or as Ray tasks. The only file that imports ray.

Both runtimes keep one contract: `submit` takes an order, `wait` returns a finished one with its report or its
failure. Failures are classed (error, died, oom, timeout) so that the driver can decide; nothing is retried here, and
Ray's own retries are off. Both also keep `service`s: one object for all workers, such as a global rate limit, here or
as a Ray actor. Not here: retry policy.
"""

import os
import socket
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

from pipelines.engine.errors import MedmixError, ResourcesError
from pipelines.engine.interrupts import held_interrupts, undisturbed
from pipelines.engine.service import Host, InlineService, Service
from pipelines.engine.spared_imports import spare_pandas
from pipelines.engine.storage import Storage
from pipelines.engine.work import Order, Report, execute

_WAIT_S = 1.0
"""How long Ray is asked at a time, and an interrupt may have to wait."""
FailureKind = Literal["error", "died", "oom", "timeout"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an order gave no report. `error` is raised for the user when the kind is "error"."""

    kind: FailureKind
    detail: str
    error: MedmixError | None = None


@dataclass(frozen=True, slots=True)
class Resources:
    """What one task asks for, and how long it may take."""

    cpus: float = 1
    memory_bytes: int = 0
    timeout_s: float = 6 * 3600
    gpus: float = 0


class Runtime(Protocol):
    """Executes orders; `slots` is how many it can work on at once."""

    slots: int

    def submit(self, order: Order) -> None:
        """Take an order."""
        ...

    def wait(self) -> tuple[Order, Report | Failure]:
        """Return a finished order; call only while some are submitted."""
        ...

    def drop(self) -> None:
        """Forget every order that was submitted and not returned, ending its work if it has begun."""
        ...

    def service(self, name: str, factory: Callable[[], Any], *, gpus: int = 0) -> Service:
        """Return the one object of this name, made by `factory` when nobody has made it yet, where GPUs are free."""
        ...

    def close(self) -> None:
        """Give back what the runtime holds."""
        ...


def execute_told(storage: Storage, order: Order) -> Report | Failure:
    """Execute one order in this process; an exception becomes a Failure here, while its traceback is at hand."""
    try:
        return execute(storage, order)
    except MedmixError as error:
        return Failure("error", str(error), error)
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".py")]
        where = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-3:])
        return Failure("error", f"{type(error).__name__} at {where}")  # its message may hold document text


def _execute_in_worker(storage: Storage, order: Order) -> Report | Failure:
    """Execute an order in a process of Ray's."""
    spare_pandas()
    return execute_told(storage, order)


@dataclass(frozen=True, slots=True)
class RayService:
    """A Ray actor that holds the object; calls run side by side in its event loop."""

    actor: Any

    async def call(self, method: str, *args: Any) -> Any:
        """Call it where it lives. Raises ResourcesError when the actor is gone, and whatever the method raises."""
        from ray.exceptions import RayActorError

        try:
            return await self.actor.call.remote(method, *args)
        except RayActorError as error:
            raise ResourcesError(
                "the Ray actor that all workers share is gone (its node died?); mend that, then run again to resume"
            ) from error


class InlineRuntime:
    """Executes orders one after another in this process: unit tests and tiny runs."""

    slots = 1

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._orders: deque[Order] = deque()
        self._services: dict[str, InlineService] = {}

    def submit(self, order: Order) -> None:
        """Queue the order."""
        self._orders.append(order)

    def wait(self) -> tuple[Order, Report | Failure]:
        """Execute the oldest order."""
        order = self._orders.popleft()
        return order, execute_told(self._storage, order)

    def drop(self) -> None:
        """Empty the queue."""
        self._orders.clear()

    def service(self, name: str, factory: Callable[[], Any], *, gpus: int = 0) -> Service:
        """Keep the object here, whatever GPUs it wants."""
        if name not in self._services:
            self._services[name] = InlineService(factory())
        return self._services[name]

    def close(self) -> None:
        """Nothing to give back."""


class RayRuntime:
    """Executes orders as Ray tasks over shard paths: a local Ray of `workers`, or the cluster at `address`."""

    def __init__(self, storage: Storage, *, workers: int, address: str | None, resources: Resources) -> None:
        ray = _import_ray(local=address is None)
        self._ray = ray
        self._storage = storage
        self._resources = resources
        if not ray.is_initialized():
            undisturbed(_start, ray, workers, address)
        self.slots = _slots(ray, resources, workers if address is None else None)
        self._execute = ray.remote(_execute_in_worker).options(
            num_cpus=resources.cpus, num_gpus=resources.gpus or None, memory=resources.memory_bytes or None,
            max_retries=0, retry_exceptions=False,
        )  # fmt: skip
        self._running: dict[Any, Order] = {}
        self._started: dict[Any, float] = {}

    def submit(self, order: Order) -> None:
        """Start a Ray task for the order."""
        self._running[undisturbed(self._execute.remote, self._storage, order)] = order

    def wait(self) -> tuple[Order, Report | Failure]:
        """Wait for any task; a task past its time is killed and returned as a timeout.

        Ray starts tasks in order, so the clock of a task starts when it is among the oldest `slots`.
        """
        while True:
            for reference in islice(self._running, self.slots):
                self._started.setdefault(reference, time.monotonic())
            wait_s = min(_WAIT_S, self._resources.timeout_s)
            done, _ = undisturbed(self._ray.wait, list(self._running), num_returns=1, timeout=wait_s)
            if done:
                return self._forget(done[0]), self._result(done[0])
            for reference, started_s in self._started.items():
                if time.monotonic() - started_s > self._resources.timeout_s:
                    self._ray.cancel(reference, force=True)
                    failure = Failure("timeout", f"no result within {self._resources.timeout_s:.0f} s")
                    return self._forget(reference), failure

    def _forget(self, reference: Any) -> Order:
        self._started.pop(reference, None)
        return self._running.pop(reference)

    def _result(self, reference: Any) -> Report | Failure:
        errors = self._ray.exceptions
        try:
            result: Report | Failure = undisturbed(self._ray.get, reference)
            return result
        except errors.OutOfMemoryError:
            return Failure("oom", "the worker was killed for memory")
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.ObjectLostError) as error:
            return Failure("died", type(error).__name__)
        except errors.RayError as error:
            return _lost(error)

    def drop(self) -> None:
        """Kill the tasks."""
        for reference in list(self._running):
            self._ray.cancel(reference, force=True)
            self._forget(reference)

    def service(self, name: str, factory: Callable[[], Any], *, gpus: int = 0) -> Service:
        """Find the actor of this name, or start it; it takes no CPU from the tasks and ends with its driver.

        Raises ResourcesError when no node has so many GPUs.
        """
        most = max((node["Resources"].get("GPU", 0) for node in self._ray.nodes() if node["Alive"]), default=0)
        if gpus > most:
            raise ResourcesError(f"{name} asks for {gpus} GPUs on one node, but the largest node has {most:.0f}")
        actor = self._ray.remote(Host).options(name=name, get_if_exists=True, num_cpus=0, num_gpus=gpus, max_restarts=0)
        return RayService(undisturbed(actor.remote, factory))

    def close(self) -> None:
        """Stop a local Ray, or leave the cluster; an interrupt would stop no more than this does."""
        with held_interrupts():
            self.drop()
            self._ray.shutdown()


def _import_ray(*, local: bool) -> Any:
    """Import ray with its environment set: no copy of the working tree by uv, no statistics, quiet logs."""
    if local:
        os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_task_oom_retries", "0")
    import ray
    import ray.exceptions

    return ray


def _start(ray: Any, workers: int, address: str | None) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address is None:
            ray.init(
                "local",
                num_cpus=workers,
                include_dashboard=False,
                object_store_memory=256 << 20,
                **quiet,
                _node_ip_address="127.0.0.1",
            )
        else:
            _knock(address)
            ray.init(address, **quiet)
    except Exception as error:  # Ray raises bare ones: its node has 30 s to start, which a busy machine may not give
        where = f"the Ray cluster at {address}" if address else "a local Ray"
        hint = "check the address" if address else "try again when the machine is less busy"
        raise ResourcesError(f"{where} could not be used: {error}; {hint}, or run with --inline") from error


def _knock(address: str) -> None:
    """Raise OSError when nobody listens at host:port: Ray itself would wait for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=5).close()


def _slots(ray: Any, resources: Resources, workers: int | None) -> int:
    """Return how many tasks fit at once. Raises ResourcesError when not even one can ever run."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    largest = [(node.get("CPU", 0), node.get("memory", 0), node.get("GPU", 0)) for node in nodes]
    asked = resources.cpus, resources.memory_bytes, resources.gpus
    if not any(all(has >= asks for has, asks in zip(node, asked, strict=True)) for node in largest):
        cpus, memory, gpus = max(largest, default=(0, 0, 0))
        raise ResourcesError(
            f"a task asks for {resources.cpus} CPUs, {resources.memory_bytes} bytes of memory and {resources.gpus:g} "
            f"GPUs, but the largest node has {cpus:.0f}, {memory:.0f} and {gpus:g}; lower `resources` or add nodes"
        )
    if resources.gpus:
        return max(1, int(sum(gpus for _, _, gpus in largest) / resources.gpus))
    return max(1, workers or int(sum(cpus for cpus, _, _ in largest) / resources.cpus))


def _lost(error: Exception) -> Failure:
    """Ray itself failed: a worker could not take its task, or the head is gone."""
    said = str(getattr(error, "cause", None) or error).partition("\n")[0]
    lost = ResourcesError(f"Ray gave no result ({type(error).__name__}: {said}); mend that, then run again to resume")
    return Failure("error", str(lost), lost)
