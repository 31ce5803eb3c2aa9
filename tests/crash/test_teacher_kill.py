"""kill -9 of a generator amid faulty calls: nothing lost, nothing doubled, nothing bought twice unseen."""

import json
import multiprocessing
import os
import signal
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from fakes.teacher.faults import NAMES
from fakes.teacher.generator import ATTEMPTS, CONCURRENCY, answer, generate
from fakes.teacher.server import FakeTeacher

from sources.teacher.journal import Journal

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["fakes.teacher.generator"])


class Killer:
    """Kills the process that it watches when the server has heard so many requests; counts what was in flight."""

    def __init__(self, moments: list[int]) -> None:
        self._moments = sorted(moments)
        self.pid = 0
        self.kills = 0

    def __call__(self, count: int) -> None:
        if self._moments and count >= self._moments[0] and self.pid:
            self._moments.pop(0)
            self.kills += 1
            os.kill(self.pid, signal.SIGKILL)
            self.pid = 0

    def run(self, *args: object) -> bool:
        """Run the generator to its end or its death; say whether it came to its end."""
        child = PROCESSES.Process(target=generate, args=args)
        child.start()
        self.pid = child.pid or 0
        child.join()
        self.pid = 0
        assert child.exitcode in (-signal.SIGKILL, 0)
        return child.exitcode == 0


def check(tmp_path: Path, documents: int, kills: int, seed: int) -> None:
    draw = Random(seed)
    killer = Killer([draw.randrange(20, documents) for _ in range(kills)])
    out, journal = tmp_path / "rows.jsonl", tmp_path / "journal"
    with FakeTeacher(answer, rate=0.3, seed=seed, on_request=killer) as fake:
        args = (fake.url, str(journal), str(out), documents)
        while not killer.run(*args):
            assert not out.exists()
        assert killer.kills == kills, f"seed {seed}"
        heard = len(fake.asked)
        first = out.read_bytes()
        assert killer.run(*args)
        assert (len(fake.asked), out.read_bytes()) == (heard, first), "a run that was complete asks for nothing"

        rows = [json.loads(line) for line in first.splitlines()]
        assert [question for question, _ in rows] == [f"question {n}" for n in range(documents)]
        ends = Counter(end for _, end in rows)
        assert all(end.startswith(("accepted(", "rejected(", "quarantined(")) for end in ends)
        assert sum(count for end, count in ends.items() if end.startswith("accepted")) > 0.7 * documents

        doubts = Journal(journal).doubts()
        killed = Counter(doubt.key for doubt in doubts if doubt.reason == "killed")
        assert killed.total() <= kills * CONCURRENCY
        in_doubt = {doubt.key for doubt in doubts}
        twice = {key for key, count in fake.completed.items() if count > 1 and not key.startswith("probe")}
        assert twice <= in_doubt, f"seed {seed}: {len(twice - in_doubt)} were bought twice and not listed"
        journal_keys = set(Journal(journal).keys())
        assert {one.key for one in fake.asked if not one.key.startswith("probe")} <= journal_keys
        assert len(journal_keys) <= documents * ATTEMPTS
        assert set(fake.faults) == {"", *NAMES}
        print(
            f"\n{documents:,} documents, {kills} kills, {heard:,} requests, {fake.completed.total():,} computed, "
            f"{len(twice)} of them twice; in doubt {killed.total()} by kills, {len(doubts) - killed.total()} by "
            f"faults; {dict(ends)}"
        )


def test_five_kills_amid_a_thousand_faulty_calls(tmp_path: Path) -> None:
    check(tmp_path, documents=800, kills=5, seed=11)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(3))
def test_kills_amid_ten_thousand_faulty_calls(seed: int, tmp_path: Path) -> None:
    check(tmp_path, documents=8_000, kills=(5, 20, 50)[seed], seed=seed)
