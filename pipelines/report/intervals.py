"""How sure a share is that was counted on a few cases, and how far two people agree beyond chance.

Wilson, "Probable inference, the law of succession, and statistical inference", 1927: unlike the plain interval it holds
for few cases and for shares near none or all. Cohen, "A coefficient of agreement for nominal scales", 1960.
"""

from collections import Counter
from collections.abc import Sequence
from math import sqrt

Z_95 = 1.959963984540054
"""Standard normal quantile of .975: intervals that hold in 95 of 100 cases."""


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Return the 95 % interval of the share `part` of `whole`; of nothing it is all there may be, (0, 1)."""
    if not whole:
        return 0.0, 1.0
    share, z2 = part / whole, Z_95 * Z_95
    middle = share + z2 / (2 * whole)
    half = Z_95 * sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole))
    low, high = ((middle + sign * half) / (1 + z2 / whole) for sign in (-1, 1))
    return max(0.0, low) if part else 0.0, min(1.0, high) if part < whole else 1.0


def kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of two raters' labels of the same cases; None where chance alone explains all or no case."""
    if not pairs:
        return None
    first, second = (Counter(pair[at] for pair in pairs) for at in (0, 1))
    count = len(pairs)
    expected = sum(first[label] * second[label] for label in first) / count**2
    if expected == 1:
        return None
    return (sum(a == b for a, b in pairs) / count - expected) / (1 - expected)


def told(part: int, whole: int) -> str:
    """Return a share with its interval in words: 75 % (51-90 %)."""
    if not whole:
        return "-"
    low, high = wilson(part, whole)
    return f"{part / whole:.0%} ({low:.0%} - {high:.0%})"
