"""Train one proxy on a mixture's rows, a small transformer from scratch or a given base, and judge it on the way.

The budget of tokens is fixed and so are order, initial weights and schedule (5 % warm-up, then linear to zero, arXiv
2502.15938), so two mixtures differ by their documents alone. On a CPU it works in one thread with deterministic
algorithms: the same bits each time on the same kind of processor, also when it was killed and goes on from its
checkpoint. The learning rate of matrices falls with width as in muP (arXiv 2203.03466), that of embeddings does not.
Imported only where a proxy is trained, as it needs torch. Not here: which mixtures (`sweep`) and which texts judge
(`evaluate`).
"""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mixer.batch import IGNORED
from mixer.experiments.evaluate import Exam
from mixer.experiments.settings import ProxyConfig
from mixer.feed import Feed, Rows, tensors
from mixer.transformer import Shape, Transformer

REFERENCE_WIDTH = 128
EMBEDDING_RATE = 20.0
"""What embeddings (and gains) take of the learning rate: a row moves only when its token comes, and has far to go."""
WARM_UP, CLIP = 0.05, 1.0


class Scratch(Protocol):
    """Where the checkpoint of a proxy under way is kept."""

    def read(self) -> bytes | None:
        """Return the last checkpoint, None when there is none."""
        ...

    def write(self, data: bytes) -> None:
        """Replace the checkpoint in one step."""
        ...


@dataclass(slots=True)
class Trajectory:
    """What a proxy's training told: (step, component, nats a target) and (step, target, bits per byte)."""

    losses: list[tuple[int, int, float]] = field(default_factory=list)
    judged: list[tuple[int, str, float]] = field(default_factory=list)

    @property
    def final(self) -> dict[str, float]:
        """Return each target at the last step at which it was judged."""
        return {name: value for _, name, value in self.judged}


def train_proxy(
    rows: Rows, exam: Exam, config: ProxyConfig, vocabulary: int, seed: int, scratch: Scratch | None = None
) -> Trajectory:
    """Train to the end of the budget, going on from `scratch` where it holds a checkpoint."""
    with _exact(config.device) as device:
        model = _model(config, vocabulary, seed).to(device)
        optimizer = _optimizer(model, config)
        feed, told, step = Feed(rows, config.batch_sequences), Trajectory(), 0
        if scratch and (saved := scratch.read()):
            step, told = _restored(saved, model, optimizer, feed)
        stops = {round(config.steps * part / config.evaluations) for part in range(1, config.evaluations + 1)}
        for batch in feed:
            _set_rate(optimizer, step, config.steps)
            step += 1
            told.losses += [(step, *one) for one in _step(model, optimizer, tensors(batch), device)]
            if step in stops:
                found = exam.bits_per_byte(score(model, exam, config.batch_sequences, device))
                told.judged += [(step, name, value) for name, value in found.items()]
            if scratch and step % config.checkpoint_steps == 0 and step < config.steps:
                scratch.write(_saved(model, optimizer, feed, told, step))
            if step == config.steps:
                break
    return told


def score(model: nn.Module, exam: Exam, batch: int, device: torch.device) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return the loss of each item of an exam in nats, shape (items,)."""
    nats = np.zeros(len(exam.size_bytes))
    with torch.no_grad():
        for at in range(0, len(exam.ids), batch):
            ids, labels, positions = (
                torch.from_numpy(part[at : at + batch]).to(device) for part in (exam.ids, exam.labels, exam.positions)
            )
            loss = functional.cross_entropy(
                model(ids, positions).float().flatten(0, 1), labels.flatten(), reduction="none"
            )
            item = exam.item[at : at + batch].reshape(-1)
            scored = item >= 0
            nats += np.bincount(item[scored], loss.double().cpu().numpy()[scored], minlength=len(nats))
    return nats


def tokens_per_s(config: ProxyConfig, vocabulary: int, seconds: float = 2.0) -> float:
    """Measure how many tokens one proxy trains in a second on this machine, in about so many seconds."""
    with _exact(config.device) as device:
        model = _model(config, vocabulary, 0).to(device)
        optimizer = _optimizer(model, config)
        shape = config.batch_sequences, config.sequence_tokens
        ids = torch.randint(0, vocabulary, shape, generator=torch.Generator().manual_seed(0))
        batch = {
            "input_ids": ids,
            "labels": ids,
            "positions": torch.arange(shape[1]).repeat(shape[0], 1),
            "source_id": torch.zeros(shape[0], dtype=torch.int16),
        }
        _step(model, optimizer, batch, device)
        started, steps = time.perf_counter(), 0
        while time.perf_counter() - started < seconds:
            _step(model, optimizer, batch, device)
            steps += 1
        return float(steps * ids.numel() / (time.perf_counter() - started))


def _model(config: ProxyConfig, vocabulary: int, seed: int) -> nn.Module:
    """Return a model from scratch, or the given one: ids and positions (n, S) to logits."""
    if config.base:
        from mixer.experiments.base import Continued

        return Continued(Path(config.base))
    return Transformer(Shape(vocabulary, config.width, config.layers, config.heads), seed)


def _optimizer(model: nn.Module, config: ProxyConfig) -> torch.optim.AdamW:
    matrices = [weight for name, weight in model.named_parameters() if weight.dim() > 1 and name != "embedding.weight"]
    others = [weight for name, weight in model.named_parameters() if weight.dim() < 2 or name == "embedding.weight"]
    narrow, fresh = (1.0, 1.0) if config.base else (REFERENCE_WIDTH / config.width, EMBEDDING_RATE)
    rates = config.learning_rate * narrow, config.learning_rate * fresh
    groups = [
        {"params": part, "lr": rate, "peak": rate, "weight_decay": decay}
        for part, rate, decay in zip((matrices, others), rates, (0.1, 0.0), strict=True)
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), fused=True)


def _set_rate(optimizer: torch.optim.Optimizer, step: int, steps: int) -> None:
    warm = max(1, round(WARM_UP * steps))
    part = min((step + 1) / warm, (steps - step) / max(1, steps - warm))
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * part


def _step(
    model: nn.Module, optimizer: torch.optim.Optimizer, batch: dict[str, Tensor], device: torch.device
) -> list[tuple[int, float]]:
    """Do one step; return the loss of each component that is in the batch, in nats a target."""
    ids, labels, positions = (batch[name].to(device) for name in ("input_ids", "labels", "positions"))
    losses = functional.cross_entropy(
        model(ids, positions).float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="none"
    )
    trained = labels.flatten() != IGNORED
    (losses.sum() / trained.sum()).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    rows = losses.detach().view(labels.shape).sum(1).double().cpu().numpy()
    counts = trained.view(labels.shape).sum(1).cpu().numpy()
    source = batch["source_id"].numpy()
    return [(int(one), float(rows[source == one].sum() / counts[source == one].sum())) for one in np.unique(source)]


@contextmanager
def _exact(name: str) -> Iterator[torch.device]:
    """Work in one thread with deterministic algorithms, and put back what was set before."""
    threads, before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    if name == "cpu":
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
    try:
        yield torch.device(name)
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(before)


def _saved(
    model: nn.Module, optimizer: torch.optim.Optimizer, feed: Feed, told: Trajectory, step: int
) -> bytes:  # fmt: skip
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "feed": feed.state(), "step": step}
    sink = io.BytesIO()
    torch.save({**state, "losses": told.losses, "judged": told.judged}, sink)
    return sink.getvalue()


def _restored(
    data: bytes, model: nn.Module, optimizer: torch.optim.Optimizer, feed: Feed
) -> tuple[int, Trajectory]:  # fmt: skip
    saved: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    feed.load(saved["feed"])
    return int(saved["step"]), Trajectory(list(saved["losses"]), list(saved["judged"]))
