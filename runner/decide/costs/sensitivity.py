"""How far a break-even moves when one of its assumptions is off."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import BaseModel

from runner.decide.costs.breakeven import BreakEven, Crossings

_TOKENS = ("input_tokens", "output_tokens")
# Rented hours are left out: they scale the same product as the price of an hour.
_SCALED = {
    "workload": ("cached_share", "batch_share"),
    "price": ("input_usd_per_mtok", "output_usd_per_mtok"),
    "server": (
        *("gpu_usd_per_hour", "serving_hours_per_month", "input_tokens_per_second"),
        *("output_tokens_per_second", "utilisation", "engineering_hours_per_month"),
        *("engineering_usd_per_hour", "kilowatts_per_gpu", "usd_per_kwh"),
    ),
}
_COUNTED = {"gpus_per_replica": 1, "spare_replicas": 0}  # and the least of each
_PREFIXES = {"workload": "", "price": "api_", "server": "server."}  # in conf/breakeven.yaml


@dataclass(frozen=True)
class Shift:
    """An assumption at another value, and where the lines cross then."""

    value: float
    crossings: Crossings | None


@dataclass(frozen=True)
class Sensitivity:
    assumption: str  # its key in conf/breakeven.yaml
    value: float
    low: Shift
    high: Shift

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
    for name, value, low, high, at in _knobs(base):
        lower, higher = at(low), at(high)
        if lower.known and higher.known:
            changes = Shift(low, lower.crossings()), Shift(high, higher.crossings())
            found.append(Sensitivity(name, value, *changes))
    return sorted(found, key=lambda row: row.swing, reverse=True)


# The name of an assumption, its value, the least and the most to try, and all with it exchanged.
_Knob = tuple[str, float, float, float, Callable[[float], BreakEven]]


def _knobs(base: BreakEven) -> Iterator[_Knob]:
    hours = base.server.rented_hours_per_month
    most = {"utilisation": 1.0, "serving_hours_per_month": hours}
    most |= dict.fromkeys(_SCALED["workload"], 1.0)
    for side, key in enumerate(_TOKENS):
        if value := getattr(base.workload, key):
            yield key, value, value / 2, value * 2, partial(_with_tokens, base, side)
    for part, keys in _SCALED.items():
        for key in keys:
            if value := getattr(getattr(base, part), key):
                high = min(value * 2, most.get(key, math.inf))
                yield _PREFIXES[part] + key, value, value / 2, high, partial(_with, base, part, key)
    for key, least in _COUNTED.items():
        count, at = getattr(base.server, key), partial(_with, base, "server", key)
        yield f"server.{key}", count, max(least, count - 1), count + 1, at


def _with(base: BreakEven, part: str, key: str, value: Any) -> BreakEven:
    old = getattr(base, part)
    new = old.model_copy(update={key: value}) if isinstance(old, BaseModel) else None
    changes: dict[str, Any] = {part: new or replace(old, **{key: value})}
    return replace(base, **changes)


def _with_tokens(base: BreakEven, side: int, mean: float) -> BreakEven:
    """Requests of every size grow or shrink alike, to whole tokens."""
    factor = mean / getattr(base.workload, _TOKENS[side])
    sizes: Counter[tuple[int, int]] = Counter()
    for size, count in base.workload.sizes.items():
        tokens = round(size[side] * factor)
        sizes[(size[0], tokens) if side else (tokens, size[1])] += count
    return _with(base, "workload", "sizes", sizes)
