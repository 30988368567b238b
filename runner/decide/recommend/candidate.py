"""One candidate of a sweep, as it is compared with the others."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runner.measure import formatting
from runner.measure.conclusion import named, proven
from runner.record.outcomes import Result


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
    def proven(self) -> bool:
        return proven(self.result)

    @property
    def quality(self) -> float | None:
        return self._value("quality")

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

    def _value(self, name: str) -> float | None:
        metric = self.result.metrics.get(name)
        return metric.value if metric else None


def rank(contender: Candidate) -> tuple[float, ...]:
    """Sorts candidates, the one to ship first.

    Proven ones come first, the cheapest before the others. Of the rest, what is disproved weighs
    more than what is open; then the better answers; then the price.
    """
    result = contender.result
    missed, met = len(named(result, "missed")), len(named(result, "met"))
    quality = math.inf if contender.quality is None else -contender.quality
    cost = math.inf if contender.cost_usd is None else contender.cost_usd
    latency = math.inf if contender.latency_ms is None else contender.latency_ms
    worth = (cost, quality) if contender.proven else (quality, cost)
    return (
        not contender.measured,
        contender.quality is None,  # nothing is known that could recommend it
        missed,
        len(result.verdicts) - met - missed,
        *worth,
        latency,
    )
