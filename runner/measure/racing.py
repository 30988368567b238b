"""Who need not be asked any more in a race, decided for one race or for many at once.

The last axis of an array is that of the candidates, before it are the races; `worse` has the
others, whom a candidate is proven worse than, on one more. Nothing is known here of what was
asked: only what `runner.measure.anytime` has proven of it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from runner.measure.anytime import above
from runner.measure.bounded import Floats
from runner.measure.conclusion import SAME_PRICE

Words = NDArray[np.bool_]


class Standing(NamedTuple):
    beaten: Words  # proven worse than one that is proven
    stuck: Words  # can't be proven, where another is
    won: Words  # proven, and nobody else is left

    def out(self, missed: Words) -> Words:
        return missed | self.beaten | self.stuck | self.won


def standing(missed: Words, proven: Words, hopeless: Words, worse: Words, gone: Words) -> Standing:
    """Of those that are still asked, where `gone` are not; `hopeless` can never be proven."""
    proven = proven & ~missed & ~gone
    beaten = np.asarray((worse & proven[..., np.newaxis, :]).any(axis=-1))
    stuck = hopeless & proven.any(axis=-1, keepdims=True)
    left = ~(missed | beaten | stuck | gone)
    won = proven & left & (left.sum(axis=-1, keepdims=True) == 1)
    return Standing(beaten, stuck, won)


def dearer(cost: Floats, other: Floats, most: Floats | float) -> Floats:
    """The gains of who says that it costs more than the other, case by case.

    By more than would decide nothing; `most` is what the other can cost. Equal prices gain nothing.
    """
    return above(cost, other, SAME_PRICE, (0.0, np.maximum(most, np.finfo(float).tiny)))


def better(quality: Floats, other: Floats) -> Floats:
    """Of who says that its answers are better."""
    return above((quality - other + 1) / 2, 1.0, 0.5, (0.0, 1.0))
