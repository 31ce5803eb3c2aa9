"""Train a small transformer on a mixture: how the feed is used, on one CPU or under `torchrun` on many GPUs.

Each rank takes its slice of the batch, gradients are summed over ranks and divided by the targets of all of them, so
the loss is that of the global batch whatever the number of ranks. A checkpoint holds the model, the optimizer and the
feed's state, and is replaced in one step; a run that was killed goes on from it, on as many ranks as there are now.
Losses go to `losses.jsonl`, written by rank 0 after each step. Not here: anything a real trainer does for speed.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed
from torch.nn import functional

from mixer.batch import IGNORED
from mixer.feed import Feed, Rows
from mixer.transformer import Shape, Transformer

CHECKPOINT = "checkpoint.pt"
LOSSES = "losses.jsonl"
CLIP = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is trained and for how long; `batch_sequences` is of all ranks together."""

    steps: int = 200
    batch_sequences: int = 24
    micro_sequences: int = 8
    learning_rate: float = 3e-3
    checkpoint_steps: int = 20
    seed: int = 0


def train(rows: Rows, vocabulary: int, recipe: Recipe, out: Path, tell: Callable[[int, float], None]) -> list[float]:
    """Train, or go on where `out` holds a checkpoint; return the loss of each step of this process's part.

    Under `torchrun` every rank calls this. Raises ConfigError when the ranks cannot share the batch, PlanError when the
    checkpoint was made on another mixture.
    """
    rank, world, device = _join()
    feed = Feed(rows, recipe.batch_sequences, rank=rank, world=world)
    model = Transformer(Shape(vocabulary), recipe.seed).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.95), weight_decay=0.1)
    out.mkdir(parents=True, exist_ok=True)
    step = _resume(out / CHECKPOINT, model, optimizer, feed)
    losses = []
    for batch in feed.loader(workers=0):
        if step >= recipe.steps:
            break
        loss = _step(model, optimizer, batch, recipe, device)
        step += 1
        losses.append(loss)
        if rank == 0:
            _log(out / LOSSES, step, loss)
            tell(step, loss)
        if rank == 0 and (step % recipe.checkpoint_steps == 0 or step == recipe.steps):
            _save(out / CHECKPOINT, model, optimizer, feed, step)
    if distributed.is_initialized():
        distributed.destroy_process_group()
    return losses


def _join() -> tuple[int, int, torch.device]:
    """Return this process's rank, the number of ranks and the device, joining the others that `torchrun` started."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if gpu else torch.device("cpu")
    if world > 1:
        distributed.init_process_group("nccl" if gpu else "gloo")
    return int(os.environ.get("RANK", "0")), world, device


def _step(
    model: Transformer, optimizer: torch.optim.Optimizer, batch: dict[str, Tensor], recipe: Recipe, device: torch.device
) -> float:
    """Do one step over the global batch; return its loss in nats a target."""
    count = torch.tensor([float((batch["labels"] != IGNORED).sum()), 0.0], device=device)
    for at in range(0, len(batch["labels"]), recipe.micro_sequences):
        ids, labels, positions = (
            batch[name][at : at + recipe.micro_sequences].to(device, non_blocking=True)
            for name in ("input_ids", "labels", "positions")
        )
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            logits = model(ids, positions)
        loss = functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="sum")
        loss.backward()
        count[1] += loss.detach()
    if distributed.is_initialized():
        distributed.all_reduce(count)
        for weight in model.parameters():
            distributed.all_reduce(weight.grad)
    for weight in model.parameters():
        weight.grad /= count[0]
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(count[1] / count[0])


def _resume(path: Path, model: Transformer, optimizer: torch.optim.Optimizer, feed: Feed) -> int:
    """Load the checkpoint when there is one; return the steps that are done."""
    if not path.exists():
        return 0
    saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    feed.load(saved["feed"])
    return int(saved["step"])


def _save(path: Path, model: Transformer, optimizer: torch.optim.Optimizer, feed: Feed, step: int) -> None:
    staged = path.with_suffix(".new")
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "feed": feed.state(), "step": step}
    torch.save(state, staged)
    staged.replace(path)


def _log(path: Path, step: int, loss: float) -> None:
    with path.open("a") as file:
        file.write(json.dumps({"step": step, "loss": loss}) + "\n")
