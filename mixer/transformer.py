"""A small decoder-only transformer: enough to show training and to serve as a proxy, small enough to read.

RMSNorm before each block, rotary positions (arXiv 2104.09864), SwiGLU, tied embeddings. Attention sees only earlier
tokens of the same document, as the positions of a batch tell: where they begin anew, a document begins. Weights come
from a seed alone: matrices at 1 / sqrt(inputs), as in muP (arXiv 2203.03466), embeddings near zero, so that at first
all tokens are as likely, and normalised on their way in, else a narrow model learns how often tokens come and little
more. The only other modules that may import torch are the feed and those that train; all of them are imported when they
are used, so that nothing else needs it. Not here: training (`train_demo`).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

ROPE_BASE = 10_000.0
EMBEDDING_STD = 0.02


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a model; `width` is a multiple of twice `heads`."""

    vocabulary: int
    width: int = 128
    layers: int = 2
    heads: int = 4


class Transformer(nn.Module):  # type: ignore[misc]
    """Ids and positions (n, S) to logits (n, S, vocabulary)."""

    def __init__(self, shape: Shape, seed: int = 0) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(_Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width)
        draw = torch.Generator().manual_seed(seed)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_STD, generator=draw)
        for name, weight in self.blocks.named_parameters():
            if weight.dim() > 1:
                depth = (2 * shape.layers) ** -0.5 if name.endswith(("out.weight", "down.weight")) else 1.0
                nn.init.normal_(weight, std=depth * weight.shape[1] ** -0.5, generator=draw)

    def forward(self, ids: Tensor, positions: Tensor) -> Tensor:
        """Return the logits of the token after each place."""
        mask = document_mask(positions)
        turns = _rotations(positions, self.shape.width // self.shape.heads)
        hidden = functional.rms_norm(self.embedding(ids), (self.shape.width,))
        for block in self.blocks:
            hidden = block(hidden, mask, turns)
        return self.norm(hidden) @ self.embedding.weight.T


class _Block(nn.Module):  # type: ignore[misc]
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.before_attention, self.before_mlp = nn.RMSNorm(width), nn.RMSNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 8 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, hidden: Tensor, mask: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        rows, size, width = hidden.shape
        qkv = self.qkv(self.before_attention(hidden)).view(rows, size, 3, self.heads, width // self.heads)
        query, key, value = (part.transpose(1, 2) for part in qkv.unbind(2))
        seen = functional.scaled_dot_product_attention(_turn(query, turns), _turn(key, turns), value, attn_mask=mask)
        hidden = hidden + self.out(seen.transpose(1, 2).reshape(rows, size, width))
        gate, up = self.up(self.before_mlp(hidden)).chunk(2, dim=-1)
        return hidden + self.down(functional.silu(gate) * up)


def document_mask(positions: Tensor) -> Tensor:
    """Return (n, 1, S, S): whether place i sees place j, an earlier one or itself of the same document."""
    document = (positions == 0).cumsum(-1)
    same = document[:, :, None] == document[:, None, :]
    return (same & torch.ones_like(same[0]).tril()).unsqueeze(1)


def _rotations(positions: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (n, 1, S, size / 2) of the angle by which each pair of a head turns."""
    speeds = ROPE_BASE ** (-torch.arange(0, size, 2, device=positions.device) / size)
    angles = positions[:, None, :, None] * speeds
    return angles.cos(), angles.sin()


def _turn(heads: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    cosines, sines = (part.to(heads.dtype) for part in turns)
    a, b = heads.chunk(2, dim=-1)
    return torch.cat([a * cosines - b * sines, a * sines + b * cosines], dim=-1)
