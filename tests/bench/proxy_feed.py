"""A proxy fed from the virtual mixture beside the same proxy on tensors that were made before the clock started.

Run `python -m tests.bench.proxy_feed [--rounds N]`. Two proxies do the same steps on the same batches in one thread, a
step of one and a step of the other in turn, so that what else the machine does falls on both alike; by CPU seconds. The
figure is the median over rounds of the ratio of tokens a CPU second. The goal is that the feed costs a proxy no more
than a twentieth. Shapes are those of the experiment files.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import torch

from mixer.experiments import proxy
from mixer.experiments.rows import ProxyRows, stock_of
from mixer.experiments.settings import ExperimentConfig
from mixer.experiments.stages import prepared, proxy_target
from mixer.feed import Feed, tensors
from mixer.transformer import Shape, Transformer
from tests.bench.meter import environment

sys.path.insert(0, str(Path(__file__).parents[1]))
from fakes.experiments import config, given
from fakes.runs import run_inline

from pipelines.engine.disk import LocalDisk

STEPS = 20
Batch = dict[str, torch.Tensor]
SHAPES = {
    "replay-ratio": {"width": 48, "layers": 2, "heads": 4, "vocabulary": 512, "sequence_tokens": 128},
    "five-components": {"width": 48, "layers": 2, "heads": 4, "vocabulary": 1000, "sequence_tokens": 128},
}


def rows_of(folder: Path, own: ExperimentConfig) -> ProxyRows:
    """Return a mixture of three components of made-up text."""
    disk = LocalDisk(folder / "out")
    manifests = run_inline(disk, prepared(own, given(folder, {"guidelines": 400, "articles": 300, "replay": 300})))
    paths = [disk.root / ref.path for ref in manifests["tokenize-demo"].files()]
    tables = [pa.ipc.open_stream(path.read_bytes()).read_all() for path in paths]
    stock = stock_of(tables, own, proxy_target(own), [1 << 20] * 3)
    return ProxyRows(stock, (0.5, 0.3, 0.2), STEPS * own.proxy.batch_sequences, 1)


def seconds(ways: list[Iterator[Batch]], own: ExperimentConfig) -> list[float]:
    """Return for each way to get batches the CPU seconds of a fresh proxy that is trained on them, step by step."""
    shape = Shape(own.proxy.vocabulary, own.proxy.width, own.proxy.layers, own.proxy.heads)
    models = [Transformer(shape) for _ in ways]
    optimizers, spent = [proxy._optimizer(model, own.proxy) for model in models], [0.0] * len(ways)
    for step in range(STEPS):
        for at in range(len(ways))[:: -1 if step % 2 else 1]:
            begun = time.process_time()
            proxy._step(models[at], optimizers[at], next(ways[at]), torch.device("cpu"))
            spent[at] += time.process_time() - begun
    return spent


def main() -> None:
    """Print the ratio for each shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(environment("torch", "numpy", "pyarrow"))
    torch.set_num_threads(1)
    for name, shape in SHAPES.items():
        with tempfile.TemporaryDirectory() as folder:
            own = config(proxy={**shape, "batch_sequences": 4, "tokens": 1 << 20}, target_tokens=1)
            rows = rows_of(Path(folder), own)
            ready = [tensors(batch) for batch in Feed(rows, own.proxy.batch_sequences)]
            took = []
            for _ in range(rounds + 1):  # the first compiles and warms up
                feed = (tensors(batch) for batch in Feed(rows, own.proxy.batch_sequences))
                took.append(seconds([feed, iter(ready)], own))
        ratios = [ready_s / feed_s for feed_s, ready_s in took[1:]]
        tokens = STEPS * own.proxy.batch_sequences * own.proxy.sequence_tokens
        feeding, preloaded = (tokens / statistics.median(one) for one in zip(*took[1:], strict=True))
        print(
            f"{name}: {feeding:,.0f} tokens a CPU second from the virtual feed, {preloaded:,.0f} "
            f"on tensors made before: {statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f}; goal 0.95)"
        )


if __name__ == "__main__":
    main()
