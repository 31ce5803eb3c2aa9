"""The upper tail of losses, compressed: runs far worse than most tell little about where the best mixture lies.

A proxy of one component may lose twenty times what others differ by, and squared errors would be of it alone. Losses up
to KNEE robust deviations above the median stay as they are, beyond they go on as a logarithm, with the same slope at
the knee. Most tables have hardly any run beyond it; a design with corners has many.
"""

from dataclasses import dataclass

import numpy as np

from mixer.experiments.table import Floats

KNEE = 3.0


@dataclass(frozen=True, slots=True)
class Tail:
    """Where the tail begins, and the length over which it is compressed."""

    knee: float
    length: float

    def compressed(self, values: Floats) -> Floats:
        """Return losses with the tail compressed."""
        beyond = np.maximum(values - self.knee, 0) / self.length
        found: Floats = np.minimum(values, self.knee) + self.length * np.log1p(beyond)
        return found

    def expanded(self, values: Floats) -> Floats:
        """Return the losses of which these are compressed."""
        beyond = np.clip((values - self.knee) / self.length, 0, 20)
        found: Floats = np.minimum(values, self.knee) + self.length * np.expm1(beyond)
        return found

    def stretch(self, values: Floats) -> Floats:
        """Return by how much a small step of compressed values is one of losses, at least 1."""
        found: Floats = np.exp(np.clip((values - self.knee) / self.length, 0, 20))
        return found

    def trust(self, losses: Floats) -> Floats:
        """Return by how much a small step of losses is one of compressed values, at most 1."""
        found: Floats = 1 / (1 + np.maximum(losses - self.knee, 0) / self.length)
        return found


def tail_of(losses: Floats) -> Tail:
    """Return the tail of losses of shape (n,)."""
    middle = float(np.median(losses))
    deviation = 1.4826 * float(np.median(np.abs(losses - middle))) or float(losses.std()) or 1.0
    return Tail(middle + KNEE * deviation, KNEE * deviation)
