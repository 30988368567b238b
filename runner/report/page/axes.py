"""Axes of charts: where a value stands on one, in per cent of its length, and what it reads."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_FREE = 6.0  # per cent: where a cost of 0 stands beside a logarithmic axis
_PAD = 1.25  # a logarithmic axis goes so many times beyond its values


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Axis:
    """From `low` at `start` per cent to `high` at 100; what is 0 on a logarithmic one is apart."""

    low: float
    high: float
    ticks: list[Tick]
    logarithmic: bool
    start: float = 0.0

    def at(self, value: float) -> float:
        if self.logarithmic and value <= 0:
            return _FREE
        return round(_share(value, self.low, self.high, self.logarithmic, self.start), 2)


def log_axis(values: Sequence[float | None], label: Callable[[float], str]) -> Axis:
    """An axis that holds the values; 0, where it occurs, gets a place of its own on the left."""
    positive = [value for value in values if value is not None and value > 0]
    low, high = min(positive, default=1.0) / _PAD, max(positive, default=1.0) * _PAD
    if high / low < 4:  # else there is no tick to read
        low, high = low / 2, high * 2
    free = any(value == 0 for value in values)
    start = 3 * _FREE if free else 0.0
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 50 else (1, 3) if high / low < 2000 else (1,)
    ticks = [Tick(_FREE, "0")] if free else []
    for value in (step * 10.0**decade for decade in decades for step in steps):
        if positive and low <= value <= high:
            ticks.append(Tick(round(_share(value, low, high, True, start), 2), label(value)))
    return Axis(low, high, ticks, True, start)


def share_axis(values: Sequence[float | None]) -> Axis:
    """The part of 0 to 1 that holds the values, and a little more, so that none is on the edge."""
    known = [value for value in values if value is not None]
    step = next(step for step in (0.05, 0.1, 0.2) if max(known) - min(known) <= 5 * step)
    first, last = math.floor(min(known) / step + 1e-9), math.ceil(max(known) / step - 1e-9)
    low, high = (first - 0.25) * step, (max(last, first + 1) + 0.25) * step
    marks = [number * step for number in range(first, max(last, first + 1) + 1)]
    ticks = [Tick(round(_share(mark, low, high, False, 0.0), 2), f"{mark:.3g}") for mark in marks]
    return Axis(low, high, ticks, False)


def _share(value: float, low: float, high: float, logarithmic: bool, start: float) -> float:
    if logarithmic:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return start + (100 - start) * min(1.0, max(0.0, (value - low) / (high - low)))
