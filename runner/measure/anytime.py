"""Bounds that may be looked at after every case: they hold at all of these looks at once.

Somebody who doubts that a mean is at most m stakes a part of what he has on each value: it becomes
1 + part * (value - m) / m times as much, which is no gain on average where he is wrong. Then his
capital ever reaches 1 / tail with a chance of at most `tail` (Ville 1939): an m at which it has is
disproved, however often one looks. Waudby-Smith and Ramdas 2023, "Estimating means of bounded
random variables by betting", Journal of the Royal Statistical Society B 86, 1-27; of its ways to
bet this is diversified Kelly betting (section B.8), an even spread over `PARTS`.

What he has does not hang on the order of the values, and a value that is worse leaves him less: no
mistake raises a bound. A mean over another is bounded likewise, as is a percentile, by the share
of values that lie above it. (The package confseq has other bets, and no wheel.)
"""

import math
from collections.abc import Callable

import numpy as np

from runner.measure.bounded import Floats, root

PARTS = np.array([0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 0.88, 0.97])

Unseen = tuple[float, float]  # what the worst case possible adds to both sums
Each = Floats | float


def shared_tail(confidence: float, candidates: int, requirements: int) -> float:
    """How often each bound of a race may be wrong for the whole of it to be right so often.

    Wrong is a race in which a candidate that misses something counts as proven, for which one of
    its bounds has to be wrong, or in which the one to ship was dropped: by one of its requirements,
    or by its comparison with one of the others.
    """
    return (1 - confidence) / (candidates + requirements + candidates - 1)


def stakes(gains: Floats) -> Floats:
    """What each part of the spread becomes, in logarithms, over the last axis of `gains`.

    These are -1 for what is worst, and 0 on average at most where there is nothing to be gained.
    Stakes of several axes after one another add up.
    """
    return np.asarray(np.log1p(PARTS * gains[..., np.newaxis]).sum(axis=-2))


def log_capital(found: Floats) -> Floats:
    """Of `stakes` together."""
    return np.asarray(np.logaddexp.reduce(found, axis=-1) - np.log(len(PARTS)))


def proves(gains: Floats, tail: float) -> bool:
    """Whether they are above 0 on average."""
    return bool(log_capital(stakes(gains)) >= -math.log(tail))


def above(over: Floats, under: Each, ratio: Each, unseen: tuple[Each, Each]) -> Floats:
    """The gains of who doubts that the mean of `over`, over that of `under`, is at most this."""
    return np.asarray((over - ratio * under) / (ratio * unseen[1] - unseen[0]))


def below(over: Floats, under: Each, ratio: Each, unseen: tuple[Each, Each]) -> Floats:
    """Of who doubts that it is at least this."""
    return np.asarray((ratio * under - over) / (unseen[0] - ratio * unseen[1]))


def lowest(over: Floats, under: Floats, unseen: Unseen, tail: float) -> float:
    """The least ratio that is not disproved; `unseen` is the worst that one case could show."""
    value = float(over.sum() / under.sum())

    def excess(ratio: float) -> float:
        return -float(log_capital(stakes(above(over, under, ratio, unseen)))) - math.log(tail)

    return _root(excess, value * 1e-9, value) if value else 0.0


def highest(over: Floats, under: Floats, unseen: Unseen, tail: float) -> float:
    """The largest, likewise."""
    value = float(over.sum() / under.sum())
    most = unseen[0] / unseen[1] * (1 - 1e-12) if unseen[1] else np.inf

    def excess(ratio: float) -> float:
        return float(log_capital(stakes(below(over, under, ratio, unseen)))) + math.log(tail)

    if value >= most or not unseen[0]:
        return value
    end = min(2 * value + unseen[0], most)
    while excess(end) < 0:
        if end == most:
            return float(unseen[0] / unseen[1])
        end = min(2 * end, most)
    return _root(excess, value, end)


def _root(excess: Callable[[float], float], low: float, high: float) -> float:
    return low if excess(low) >= 0 else high if excess(high) <= 0 else root(excess, low, high, 1e-9)


def successes_needed(n: int, share: float, tail: float) -> int | None:
    """Of n, to prove that more than this share succeed; None: not even all are enough."""
    if not n:
        return None
    won, lost = np.log1p(PARTS * (1 / share - 1)), np.log1p(-PARTS)

    def proved(failed: int) -> bool:
        return bool(log_capital((n - failed) * won + failed * lost) >= -math.log(tail))

    if not proved(0):
        return None
    low, high = 0, n  # failures that may be, and that may not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if proved(middle) else (low, middle)
    return n - low
