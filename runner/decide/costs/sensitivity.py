"""How far a break-even moves when one of its assumptions is off."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from runner.decide.costs.breakeven import BreakEven, Crossings

# Rented hours are left out: they scale the same product as the price of an hour.
_SCALED = (
    "gpu_usd_per_hour",
    "serving_hours_per_month",
    "input_tokens_per_second",
    "output_tokens_per_second",
    "utilisation",
    "engineering_hours_per_month",
    "engineering_usd_per_hour",
    "kilowatts_per_gpu",
    "usd_per_kwh",
)
_COUNTED = {"gpus_per_replica": 1, "spare_replicas": 0}  # and the least of each


@dataclass(frozen=True)
class Change:
    """An assumption at another value, and where the lines cross then."""

    value: float
    crossings: Crossings | None


@dataclass(frozen=True)
class Sensitivity:
    assumption: str  # its key in conf/breakeven.yaml
    value: float
    low: Change
    high: Change

    @property
    def swing(self) -> float:
        """How far the first crossing moves, in requests a month."""
        low, high = self.low.crossings, self.high.crossings
        if low is None and high is None:
            return 0.0
        return math.inf if low is None or high is None else abs(high.first - low.first)


def sensitivity(base: BreakEven) -> list[Sensitivity]:
    """Each assumption halved and doubled, what is counted one less and one more.

    The largest swing comes first. Left out is what can't be halved, since it is 0, and what leads
    to requests that the API has no known price for.
    """
    found = []
    for knob in _knobs(base):
        low, high = knob.at(knob.low), knob.at(knob.high)
        if low.known and high.known:
            changes = Change(knob.low, low.crossings()), Change(knob.high, high.crossings())
            found.append(Sensitivity(knob.name, knob.value, *changes))
    return sorted(found, key=lambda row: row.swing, reverse=True)


@dataclass(frozen=True)
class _Knob:
    name: str
    value: float
    low: float
    high: float
    at: Callable[[float], BreakEven]


def _knobs(base: BreakEven) -> Iterator[_Knob]:
    server, workload, price = base.server, base.workload, base.price

    def scaled(
        name: str, value: float | None, at: Callable[[float], BreakEven], most: float = math.inf
    ) -> Iterator[_Knob]:
        if value:
            yield _Knob(name, value, value / 2, min(value * 2, most), at)

    tokens = partial(_with_tokens, base)
    yield from scaled("input_tokens", workload.input_tokens, partial(tokens, 0))
    yield from scaled("output_tokens", workload.output_tokens, partial(tokens, 1))
    for key in ("cached_share", "batch_share"):
        yield from scaled(key, getattr(workload, key), partial(_with_workload, base, key), most=1)
    for key in ("input_usd_per_mtok", "output_usd_per_mtok"):
        yield from scaled(f"api_{key}", getattr(price, key), partial(_with_price, base, key))
    most = {"utilisation": 1.0, "serving_hours_per_month": server.rented_hours_per_month}
    for key in _SCALED:
        at = partial(_with_server, base, key)
        yield from scaled(f"server.{key}", getattr(server, key), at, most.get(key, math.inf))
    for key, least in _COUNTED.items():
        count = getattr(server, key)
        at = partial(_with_server, base, key)
        yield _Knob(f"server.{key}", count, max(least, count - 1), count + 1, at)


def _with_server(base: BreakEven, key: str, value: float) -> BreakEven:
    return replace(base, server=base.server.model_copy(update={key: value}))


def _with_price(base: BreakEven, key: str, value: float) -> BreakEven:
    return replace(base, price=base.price.model_copy(update={key: value}))


def _with_workload(base: BreakEven, key: str, value: Any) -> BreakEven:
    return replace(base, workload=replace(base.workload, **{key: value}))


def _with_tokens(base: BreakEven, side: Literal[0, 1], mean: float) -> BreakEven:
    """Requests of every size grow or shrink alike, to whole tokens."""
    workload = base.workload
    factor = mean / (workload.output_tokens if side else workload.input_tokens)
    sizes: Counter[tuple[int, int]] = Counter()
    for size, count in workload.sizes.items():
        tokens = round(size[side] * factor)
        sizes[(size[0], tokens) if side else (tokens, size[1])] += count
    return _with_workload(base, "sizes", sizes)
