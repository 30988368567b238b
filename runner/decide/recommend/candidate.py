"""One candidate of a sweep as it is compared with the others, and the order they stand in."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runner.measure import formatting
from runner.measure.conclusion import SAME_PRICE, bounds_quality, named, tier
from runner.record.outcomes import Metric, Result, Tier

_ORDER: dict[Tier | None, int] = {"proven": 0, "supported": 1, "refused": 2, None: 3}


@dataclass(frozen=True)
class Candidate:
    """`scores` are the qualities of its own answers: of each case, one for each repeat."""

    label: str
    result: Result
    scores: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        return self.result.complete and self.result.error is None

    @property
    def tier(self) -> Tier | None:
        return tier(self.result)

    @property
    def proven(self) -> bool:
        return self.tier == "proven"

    @property
    def shippable(self) -> bool:
        """Whether it may be recommended."""
        return self.tier in ("proven", "supported")

    @property
    def quality(self) -> float | None:
        return self._value("quality")

    @property
    def quality_per_request(self) -> float | None:
        """Where a request without an answer is worth nothing."""
        failing = self._value("quality_per_request")
        return self.quality if failing is None else failing

    @property
    def cost_usd(self) -> float | None:
        """Of a request that was answered."""
        return self._value("cost_per_request_usd")

    @property
    def latency_ms(self) -> float | None:
        return self._value("latency_p95_ms")

    @property
    def price_tag(self) -> str:
        return formatting.show(self.cost_usd, "usd")

    @property
    def bounds_quality(self) -> bool:
        """Whether a requirement asks for good answers."""
        return bounds_quality(self.result)

    @property
    def beaten_by(self) -> str | None:
        """Who is proven and was proven cheaper, or better, where a race has shown that."""
        return self.result.race.beaten_by if self.result.race else None

    def as_cheap_as(self, other: "Candidate") -> bool:
        """Whether their costs are a tie: less than 5 % apart, or each within the other's interval.

        What is unknown is as cheap as nothing else.
        """
        mine, its = self.cost_usd, other.cost_usd
        if mine is None or its is None:
            return mine is its
        if max(mine, its) <= min(mine, its) * SAME_PRICE:
            return True
        return other._could_cost(mine) and self._could_cost(its)

    def _could_cost(self, usd: float) -> bool:
        metric: Metric | None = self.result.metrics.get("cost_per_request_usd")
        if metric is None or metric.low is None or metric.high is None:
            return False
        return metric.low <= usd <= metric.high

    def _value(self, name: str) -> float | None:
        metric = self.result.metrics.get(name)
        return metric.value if metric else None


def ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The one to ship first.

    Proven ones come before supported ones, these before all others. Among those that may ship the
    cheapest comes first, and among equal prices the better answers, then the faster; where nothing
    bounds quality, the better answers come first. Of the rest, what is disproved weighs more than
    what is open; then the better answers; then the price.
    """
    rest = sorted(candidates, key=_rank)
    found: list[Candidate] = []
    while rest:
        first = rest[0]
        if not (first.shippable and first.bounds_quality):
            found.append(rest.pop(0))
            continue
        equal = [
            one
            for one in rest
            if one.tier == first.tier
            and (one.beaten_by is None) == (first.beaten_by is None)
            and one.as_cheap_as(first)
        ]
        best = min(equal, key=lambda one: (_worse(one.quality), _dear(one.latency_ms)))
        found.append(best)
        rest.remove(best)
    return found


def _rank(one: Candidate) -> tuple[float, ...]:
    result = one.result
    missed, met = len(named(result, "missed")), len(named(result, "met"))
    cheapest_first = one.shippable and one.bounds_quality
    worth = (_worse(one.quality), _dear(one.cost_usd))
    counts = (missed, len(result.verdicts) - met - missed)
    return (
        not one.measured,
        one.quality is None,  # nothing is known that could recommend it
        _ORDER[one.tier],
        one.beaten_by is not None,
        *((0, 0) if one.shippable else counts),
        *(reversed(worth) if cheapest_first else worth),
        _dear(one.latency_ms),
    )


def _worse(quality: float | None) -> float:
    return math.inf if quality is None else -quality


def _dear(value: float | None) -> float:
    return math.inf if value is None else value
