"""Measure a command with all its descendants: wall and CPU seconds over time, and the sum of resident memory.

Processes are known by a mark in their environment, so that daemons which leave the process tree (Ray's) still count.
CPU seconds are those of living processes plus the last reading of the dead, so a process is seen short by at most one
reading. CPU seconds hardly move when others use the machine, wall seconds do: read ratios of both. Linux only.
"""

import bisect
import importlib.metadata
import os
import platform
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

READING_S = 0.2
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Readings:
    """CPU seconds used until each of `times` (seconds since the epoch), and the peak of resident bytes."""

    times: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    peak_rss_bytes: int = 0
    exit_code: int = 0

    @property
    def wall_s(self) -> float:
        """Return the seconds from start to end."""
        return self.times[-1] - self.times[0]

    def cpu_between(self, begin: float, end: float) -> float:
        """Return the CPU seconds used between two times."""
        return self._cpu_at(end) - self._cpu_at(begin)

    def _cpu_at(self, when: float) -> float:
        at = bisect.bisect_left(self.times, when)
        if at == 0 or at == len(self.times):
            return self.cpu_s[min(at, len(self.times) - 1)]
        share = (when - self.times[at - 1]) / max(self.times[at] - self.times[at - 1], 1e-9)
        return self.cpu_s[at - 1] + share * (self.cpu_s[at] - self.cpu_s[at - 1])


def measure(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> Readings:
    """Run a command to its end, its output to `log`, and return the readings."""
    mark = f"BENCH_{uuid.uuid4().hex}"
    readings, processes = Readings(), _Processes(mark)
    with log.open("wb") as out:
        begun = time.time()
        environment = {**os.environ, **(environment or {}), mark: "1"}
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
        ended = threading.Event()
        readings.times.append(begun)
        readings.cpu_s.append(0.0)
        reader = threading.Thread(target=_read, args=(processes, readings, ended))
        reader.start()
        readings.exit_code = child.wait()
        ended.set()
        reader.join()
    return readings


def _read(processes: "_Processes", readings: Readings, ended: threading.Event) -> None:
    last = False
    while not last:
        last = ended.wait(READING_S)
        rss_bytes = processes.read()
        readings.times.append(time.time())
        readings.cpu_s.append(sum(processes.cpu_s.values()))
        readings.peak_rss_bytes = max(readings.peak_rss_bytes, rss_bytes)


class _Processes:
    def __init__(self, mark: str) -> None:
        self._mark = mark.encode() + b"="
        self._ours: dict[tuple[int, str], bool] = {}
        self.cpu_s: dict[tuple[int, str], float] = {}

    def read(self) -> int:
        """Read the CPU seconds of every process with the mark; returns the resident bytes of all."""
        rss_bytes = 0
        for entry in os.scandir("/proc"):
            if not entry.name.isdigit():
                continue
            try:
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                key = (int(entry.name), fields[19])  # a number is used again, with another time of start
                if not self._ours.get(key):
                    if key in self._ours and len(self._ours) > 1 and not _young(fields[19]):
                        continue
                    self._ours[key] = self._mark in Path(entry.path, "environ").read_bytes()
                if self._ours[key]:
                    self.cpu_s[key] = (int(fields[11]) + int(fields[12])) / _TICKS
                    rss_bytes += int(fields[21]) * _PAGE_BYTES
            except OSError:
                continue  # it ended while we looked
        return rss_bytes


def _young(started_ticks: str) -> bool:
    """Say whether a process may still be about to replace its image and environment."""
    return float(Path("/proc/uptime").read_text().split()[0]) - int(started_ticks) / _TICKS < 2


def environment(*packages: str) -> str:
    """Return one line on the machine, its load and the versions that matter."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    return f"{model}, {cores} cores, load {load:.1f}, Python {platform.python_version()}, {versions}"
