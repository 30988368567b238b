"""Where the marks of the charts stand, in per cent of the plot; the templates draw them as SVG.

No plotting library: one that draws in the browser is megabytes of script that a strict content
policy refuses, one that draws here knows neither the reader's theme nor the width of the screen.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from runner.measure import formatting
from runner.record.outcomes import Metric, Result
from runner.report.page.axes import Axis, Tick, log_axis, share_axis

_COST, _QUALITY = "cost_per_request_usd", "quality"
_BINS = 48


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
