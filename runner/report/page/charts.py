"""Where the marks of the charts stand, in per cent of the plot; the templates draw them as SVG.

No plotting library: one that draws in the browser is megabytes of script that a strict content
policy refuses, one that draws here knows neither the reader's theme nor the width of the screen.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from runner.measure import formatting
from runner.record.outcomes import Metric, Result

_COST, _QUALITY = "cost_per_request_usd", "quality"
_BINS = 48
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


@dataclass
class Point:
    """A candidate: x is its cost, y its quality, counted from the top; bars are intervals."""

    name: str
    rank: int
    x: float
    y: float
    x_bar: tuple[float, float]
    y_bar: tuple[float, float]
    title: str
    label_y: float
    front: bool = False


@dataclass(frozen=True)
class Scatter:
    x: Axis
    y: Axis
    points: list[Point]
    max_cost: Tick | None
    min_quality: Tick | None
    left_out: list[str]  # whose cost or quality is unknown


@dataclass(frozen=True)
class Bar:
    at: float
    width: float
    height: float


@dataclass(frozen=True)
class Spread:
    """The latencies of a candidate: how often they fell where, and two percentiles."""

    name: str
    n: int
    bars: list[Bar]
    p50: Tick | None
    p95: Tick | None
    p95_bar: tuple[float, float] | None
    bound: Tick | None


def scatter(
    names: Sequence[str], results: Sequence[Result], front: Collection[str]
) -> Scatter | None:
    """Quality against cost; `results` has the best first, `front` names those nobody dominates."""
    known = {
        rank: result
        for rank, result in enumerate(results, 1)
        if _value(result, _COST) is not None and _value(result, _QUALITY) is not None
    }
    if not known:
        return None
    max_cost = _bound(results, "max_cost_per_request")
    min_quality = _bound(results, "min_quality_score")
    x = log_axis([*_edges(known.values(), _COST), max_cost], _dollars)
    y = share_axis([*_edges(known.values(), _QUALITY), min_quality])
    points = [_point(rank, names[rank - 1], result, x, y) for rank, result in known.items()]
    for point in points:
        point.front = point.name in front
    _spread_labels(points)
    return Scatter(
        x,
        y,
        points,
        None if max_cost is None else Tick(x.at(max_cost), _dollars(max_cost)),
        None if min_quality is None else Tick(100 - y.at(min_quality), f"{min_quality:g}"),
        [name for rank, name in enumerate(names, 1) if rank not in known],
    )


def spreads(
    names: Sequence[str], results: Sequence[Result], latencies_ms: Sequence[Sequence[float]]
) -> tuple[Axis | None, list[Spread]]:
    """How the latencies of each candidate spread, on one axis for all."""
    bound = _bound(results, "max_latency_ms")
    every = [edge for sample in latencies_ms if sample for edge in (min(sample), max(sample))]
    if not every:
        return None, []
    axis = log_axis([*every, bound], _milliseconds)
    rows = []
    for name, result, sample in zip(names, results, latencies_ms, strict=True):
        p50, p95 = (result.metrics.get(f"latency_p{q}_ms") for q in (50, 95))
        rows.append(
            Spread(
                name,
                len(sample),
                _histogram(sample, axis),
                _tick(p50, axis),
                _tick(p95, axis),
                _interval(p95, axis),
                None if bound is None else Tick(axis.at(bound), _milliseconds(bound)),
            )
        )
    return axis, rows


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


def _point(rank: int, name: str, result: Result, x: Axis, y: Axis) -> Point:
    cost, quality = result.metrics[_COST], result.metrics[_QUALITY]
    assert cost.value is not None and quality.value is not None
    left, top = x.at(cost.value), 100 - y.at(quality.value)
    low, high = _interval(quality, y) or (y.at(quality.value),) * 2
    facts = (
        f"quality {formatting.show(quality.value, quality.unit)} "
        f"({formatting.interval(quality.low, quality.high, quality.unit)})",
        f"{formatting.show(cost.value, cost.unit)} a request "
        f"({formatting.interval(cost.low, cost.high, cost.unit)})",
    )
    return Point(
        name=name,
        rank=rank,
        x=left,
        y=top,
        x_bar=_interval(cost, x) or (left, left),
        y_bar=(100 - high, 100 - low),
        title=f"{name}: {', '.join(facts)}",
        label_y=top,
    )


def _spread_labels(points: Sequence[Point]) -> None:
    """Names of points that lie close together stand below each other."""
    placed: list[Point] = []
    for point in sorted(points, key=lambda point: (point.y, point.x)):
        while any(
            abs(other.x - point.x) < 30 and abs(other.label_y - point.label_y) < 6.5
            for other in placed
        ):
            point.label_y = round(point.label_y + 1, 2)
        placed.append(point)


def _histogram(sample: Sequence[float], axis: Axis) -> list[Bar]:
    """The heights are in per cent of the most frequent bin."""
    counts = [0] * _BINS
    for value in sample:
        counts[min(_BINS - 1, max(0, int(axis.at(value) / 100 * _BINS)))] += 1
    most = max(counts, default=0)
    width = 100 / _BINS
    return [
        Bar(round(place * width, 2), round(width, 2), round(100 * count / most, 1))
        for place, count in enumerate(counts)
        if count
    ]


def _value(result: Result, name: str) -> float | None:
    metric = result.metrics.get(name)
    return metric.value if metric else None


def _edges(results: Iterable[Result], name: str) -> list[float | None]:
    metrics = [result.metrics[name] for result in results]
    return [edge for metric in metrics for edge in (metric.value, metric.low, metric.high)]


def _tick(metric: Metric | None, axis: Axis) -> Tick | None:
    if metric is None or metric.value is None:
        return None
    return Tick(axis.at(metric.value), formatting.show(metric.value, metric.unit))


def _interval(metric: Metric | None, axis: Axis) -> tuple[float, float] | None:
    """An end that nobody knows is left open: the bar goes on to the end of the axis."""
    if metric is None or (metric.low is None and metric.high is None):
        return None
    low = axis.start if metric.low is None else axis.at(metric.low)
    return low, 100.0 if metric.high is None else axis.at(metric.high)


def _bound(results: Sequence[Result], requirement: str) -> float | None:
    found = (
        verdict.bound
        for result in results
        for verdict in result.verdicts
        if verdict.requirement == requirement and isinstance(verdict.bound, int | float)
    )
    return next(found, None)


def _dollars(value: float) -> str:
    return formatting.bound(value, "usd")


def _milliseconds(value: float) -> str:
    return f"{value:g} ms" if value < 1000 else f"{value / 1000:g} s"
