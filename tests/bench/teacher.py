"""What a client costs: CPU a call, and the share of an endpoint's throughput that it gets, beside other clients.

Run `python -m tests.bench.teacher [--calls N] [--ways N] [--latency S] [--rounds N]`. The endpoint is the tests' fake,
in a process of its own, which answers each call after the same time; `bare` sockets show what it gives. Clients take
turns (A B C, C B A, ...). CPU seconds are those of the client's processes between its begin and end, set-up excluded.
Ours also writes each call to its journal before it is sent and syncs each answer to the disk; the SDK keeps nothing.
All calls of a fixed latency come back at once, so what a client computes stands between them: with C ms a call and 64
ways the share is latency / (latency + 64 C). A model that writes 300 tokens takes seconds, not the default's 0.4 s.
Ray Data's processor has one call in flight for each worker, so its share is that of 8 workers.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.meter import environment, measure
from tests.bench.peers import ROOT, peer_python, versions

CLIENTS = ("bare", "ours", "openai", "datatrove", "ray")
_FEWER = {"ray": 8}
"""Ray Data gets this part of the calls, or it would take minutes."""


def main() -> None:
    """Race the clients, or be the endpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2048)
    parser.add_argument("--ways", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", nargs="+", default=list(CLIENTS), choices=CLIENTS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.latency)
    else:
        with tempfile.TemporaryDirectory(prefix="bench-teacher-") as scratch:
            race(Path(scratch), args)


def serve(latency_s: float) -> None:
    """Answer until killed; the first line printed is the address."""
    from fakes.teacher.server import FakeTeacher

    with FakeTeacher(lambda _: "Meningitis is likely; give ceftriaxone 2 g now. " * 8, latency_s=latency_s) as fake:
        print(fake.url, flush=True)
        while True:
            time.sleep(3600)


def race(folder: Path, args: argparse.Namespace) -> None:
    """Run each client in each round, and print what it used."""
    peers = peer_python("teacher")
    print(environment("httpx2"))
    print(f"peers: {versions('teacher', 'openai', 'datatrove', 'ray')}")
    ideal = args.ways / args.latency
    print(f"{args.calls:,} calls of 2 kB, {args.ways} in flight, {args.latency} s each: {ideal:.0f} calls/s at best")
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    command = [sys.executable, "-m", "tests.bench.teacher", "--serve", "--latency", str(args.latency)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, env=paths, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        rates: dict[str, list[float]] = {name: [] for name in args.clients}
        cpus: dict[str, list[float]] = {name: [] for name in args.clients}
        for number in range(args.rounds):
            for name in args.clients if number % 2 == 0 else args.clients[::-1]:
                calls = args.calls // _FEWER.get(name, 1)
                python = sys.executable if name in ("bare", "ours") else peers
                script = str(Path(__file__).with_name("teacher_clients.py"))
                out = folder / "times.json"
                own = {"PYTHONPATH": str(ROOT)} if python == sys.executable else {"PYTHONPATH": ""}
                command = [python, script, name, url, str(calls), str(args.ways), str(out)]
                readings = measure(["nice", *command], folder / "log", own)
                if readings.exit_code:
                    print(f"{name} failed: {(folder / 'log').read_text().strip()[-500:]}", flush=True)
                    continue
                begin, end = json.loads(out.read_text())
                rates[name].append(calls / (end - begin))
                cpus[name].append(1000 * readings.cpu_between(begin, end) / calls)
                print(f"  {name}: {rates[name][-1]:.1f} calls/s, {cpus[name][-1]:.2f} ms CPU a call", flush=True)
    finally:
        server.kill()
        server.wait()
    bare = statistics.median(rates["bare"]) if rates.get("bare") else ideal
    for name in (name for name in args.clients if rates[name]):
        rate, cpu = statistics.median(rates[name]), statistics.median(cpus[name])
        each = ", ".join(f"{one:.0f}" for one in rates[name])
        print(f"{name:<10} {rate:6.1f} calls/s ({each}), {rate / bare:6.1%} of bare, {cpu:5.2f} ms CPU a call")


if __name__ == "__main__":
    main()
