"""The feed under PyTorch: data loaders, a kill while batches wait, and training that goes on with other ranks."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fakes.mixtures import VOCABULARY, ToyMixture

from mixer.feed import Feed
from mixer.stored import StoredRows
from pipelines.engine.errors import ConfigError

pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[train]'")
pytestmark = pytest.mark.filterwarnings("ignore")
REPOSITORY = Path(__file__).parents[2]
B = 24


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> ToyMixture:
    return ToyMixture(tmp_path_factory.mktemp("toy"))


@pytest.mark.parametrize("workers", [0, 2, pytest.param(4, marks=pytest.mark.nightly)])
def test_a_loader_hands_out_what_the_feed_does_and_counts_only_that(toy: ToyMixture, workers: int) -> None:
    loaded, plain = Feed(StoredRows(toy.folder), B, rank=1, world=2), Feed(StoredRows(toy.folder), B, rank=1, world=2)
    for step, (tensors, batch) in enumerate(zip(loaded.loader(workers), plain, strict=False), 1):
        for name in ("input_ids", "labels", "positions", "cu_seqlens", "source_id"):
            assert np.array_equal(tensors[name].numpy(), getattr(batch, name)), name
        assert loaded.state() == plain.state()
        if step == 5:
            break
    again = Feed(StoredRows(toy.folder), 8)
    again.load(loaded.state())
    assert next(iter(again)).first == 5 * B


def test_a_state_loaded_under_a_loader_is_an_error_and_no_silent_jump(toy: ToyMixture) -> None:
    feed = Feed(StoredRows(toy.folder), B)
    batches, start = feed.loader(), feed.state()
    next(batches)
    feed.load(start)
    with pytest.raises(ConfigError, match="make a new loader"):
        next(batches)


LOADING = """
import json, sys
from pathlib import Path
from mixer.feed import Feed
from mixer.stored import StoredRows

folder, state, log = map(Path, sys.argv[1:])
feed = Feed(StoredRows(folder), 24)
if state.exists():
    feed.load(json.loads(state.read_text()))
with log.open("a") as out:
    for batch in feed.loader(2, prefetch_factor=8):
        out.write(f"{int(batch['input_ids'].sum())} {feed.next_row}\\n")
        out.flush()
        state.with_suffix(".new").write_text(json.dumps(feed.state()))
        state.with_suffix(".new").replace(state)
"""


def test_a_kill_while_batches_wait_loses_and_repeats_nothing(toy: ToyMixture, tmp_path: Path) -> None:
    state, log = tmp_path / "state.json", tmp_path / "log"
    words = [sys.executable, "-c", LOADING, str(toy.folder), str(state), str(log)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    for enough in (20, 60):
        process = subprocess.Popen(words, env=environment, start_new_session=True, cwd=REPOSITORY)
        while process.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < enough):
            time.sleep(0.002)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert subprocess.run(words, env=environment, cwd=REPOSITORY, check=False).returncode == 0
    told = [line.split() for line in log.read_text().splitlines()]
    by_row = {int(row): int(total) for total, row in told}
    expected = {batch.first + B: int(batch.input_ids.sum()) for batch in Feed(StoredRows(toy.folder), B)}
    assert by_row == expected
    assert len(told) - len(by_row) <= 2, "a batch may be told twice only where a kill fell before its state was kept"


def torchrun(code: str, toy: ToyMixture, out: Path, ranks: int) -> None:
    """Run a script on so many ranks, each a process of its own, as `torchrun` would start them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(ranks)}
    environment = {**os.environ, **shared, "PYTHONPATH": str(REPOSITORY)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(toy.folder), str(out)],
            env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            cwd=REPOSITORY,
        )
        for rank in range(ranks)
    ]
    assert [process.wait(timeout=600) for process in started] == [0] * ranks


def demo(toy: ToyMixture, out: Path, ranks: int, steps: int) -> None:
    """Train as `medmix train-demo` does, up to a step."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom mixer.stored import StoredRows\n"
        "from mixer.train_demo import Recipe, train\nimport torch\ntorch.set_num_threads(1)\n"
        f"recipe = Recipe(steps={steps}, batch_sequences=12, micro_sequences=5, checkpoint_steps=4)\n"
        f"train(StoredRows(Path(sys.argv[1])), {VOCABULARY}, recipe, Path(sys.argv[2]), lambda step, loss: None)\n"
    )
    torchrun(code, toy, out, ranks)


def losses(out: Path) -> dict[int, float]:
    lines = [json.loads(line) for line in (out / "losses.jsonl").read_text().splitlines()]
    return {line["step"]: line["loss"] for line in lines}


@pytest.mark.parametrize(
    "chain", [((2, 4), (3, 8)), pytest.param(((4, 2), (1, 3), (3, 6), (2, 7), (4, 8)), marks=pytest.mark.nightly)]
)
def test_training_goes_on_with_other_ranks_at_the_same_losses(
    toy: ToyMixture, tmp_path: Path, chain: tuple[tuple[int, int], ...]
) -> None:
    demo(toy, tmp_path / "one", ranks=1, steps=8)
    for ranks, steps in chain:
        demo(toy, tmp_path / "changing", ranks, steps)
    one, changing = losses(tmp_path / "one"), losses(tmp_path / "changing")
    assert list(one) == list(changing) == list(range(1, 9))
    assert np.allclose(list(one.values()), list(changing.values()), rtol=1e-4)
    assert one[8] < one[1]


DISTRIBUTED = f"""
import json, sys
from pathlib import Path
import torch
from torch import distributed
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from mixer.feed import Feed
from mixer.stored import StoredRows

torch.set_num_threads(1)
torch.manual_seed(0)
distributed.init_process_group("gloo")
rank, world = distributed.get_rank(), distributed.get_world_size()
feed = Feed(StoredRows(Path(sys.argv[1])), 12, rank=rank, world=world)
model = DistributedDataParallel(torch.nn.Embedding({VOCABULARY}, {VOCABULARY}))  # the next token by the one before
optimizer = torch.optim.SGD(model.parameters(), lr=9.0)
for step, batch in zip(range(6), feed.loader()):
    labels = batch["labels"].flatten()
    targets = (labels >= 0).sum()
    distributed.all_reduce(targets)
    loss = functional.cross_entropy(model(batch["input_ids"]).flatten(0, 1), labels, reduction="sum") / targets
    (loss * world).backward()  # this wrapper divides the sum of gradients by the ranks
    optimizer.step()
    optimizer.zero_grad()
    total = loss.detach()
    distributed.all_reduce(total)
    if rank == 0:
        with open(sys.argv[2], "a") as out:
            out.write(json.dumps([feed.next_row, float(total)]) + "\\n")
distributed.destroy_process_group()
"""


@pytest.mark.nightly
def test_distributed_data_parallel_learns_the_same_on_one_to_four_ranks(toy: ToyMixture, tmp_path: Path) -> None:
    told = []
    for ranks in (1, 2, 3, 4):
        torchrun(DISTRIBUTED, toy, tmp_path / str(ranks), ranks)
        told.append([json.loads(line) for line in (tmp_path / str(ranks)).read_text().splitlines()])
    assert [row for row, _ in told[0]] == [12, 24, 36, 48, 60, 72]
    for other in told[1:]:
        assert np.allclose(told[0], other, rtol=1e-5)


def test_attention_stays_within_a_document(toy: ToyMixture) -> None:
    import torch

    from mixer.transformer import Shape, Transformer

    model = Transformer(Shape(50, width=32, heads=2), seed=1)
    positions = torch.tensor([[0, 1, 2, 0, 1, 2, 3, 0]])
    ids = torch.tensor([[5, 6, 7, 8, 9, 10, 11, 12]])
    before = model(ids, positions)
    changed = ids.clone()
    changed[0, 1] = 40
    after = model(changed, positions)
    moved = (before - after).abs().amax(-1)[0] > 1e-6
    assert moved.tolist() == [False, True, True, False, False, False, False, False]


TRAINER = """
import json, os, sys
from pathlib import Path
import datasets, torch, transformers
from mixer.feed import Feed
from mixer.stored import StoredRows

torch.set_num_threads(1)
seen = []

class Watch(torch.nn.Module):
    # takes what the Trainer gives and keeps its ids

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, input_ids, labels, position_ids):
        seen.append(input_ids.tolist())
        assert labels.shape == position_ids.shape == input_ids.shape
        return {"loss": self.weight.sum() * 0}

data = datasets.IterableDataset.from_generator(Feed(StoredRows(Path(sys.argv[1])), 24).examples)
options = transformers.TrainingArguments(
    sys.argv[2], max_steps=3, per_device_train_batch_size=4, report_to=[], use_cpu=True, save_strategy="no"
)
transformers.Trainer(Watch(), options, train_dataset=data).train()
Path(sys.argv[2], os.environ["RANK"] + ".json").write_text(json.dumps(seen))
"""


@pytest.mark.nightly
@pytest.mark.parametrize("ranks", [1, 2])
def test_the_trainer_of_transformers_takes_the_same_rows_in_the_same_order(
    toy: ToyMixture, tmp_path: Path, ranks: int
) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    torchrun(TRAINER, toy, tmp_path, ranks)
    told = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(ranks)]
    steps = [[row for part in slices for row in part] for slices in zip(*told, strict=True)]
    assert [len(step) for step in steps] == [4 * ranks] * 3
    assert [row for step in steps for row in step] == StoredRows(toy.folder).block(0, 12 * ranks).input_ids.tolist()
