"""Where the marks of the charts stand, in per cent of the plot; the templates draw them as SVG.

No plotting library: one that draws in the browser is megabytes of script that a strict content
policy refuses, one that draws here knows neither the reader's theme nor the width of the screen.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from runner.measure import formatting
from runner.record.outcomes import Metric, Result

_BOUNDS = "max_cost_per_request", "min_quality_score"
_BINS = 48
_FREE = 6.0  # per cent: where a cost of 0 stands beside a logarithmic axis
_PAD = 1.25  # a logarithmic axis goes so many times beyond its values
_LOW = 84.0  # per cent from the top
_NARROW = 20.0  # per cent between labels of a logarithmic axis on a phone
_NAME = 28  # letters of a name in a chart

Ends = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Bar:
    at: float
    width: float
    height: float


@dataclass(frozen=True)
class Tick:
    at: float
    label: str
    minor: bool = False  # a narrow screen has no room for it


@dataclass(frozen=True)
class Axis:
    """From `low` at `start` per cent to `high` at 100; what is 0 on a logarithmic one is apart."""

    low: float
    high: float
    ticks: list[Tick]
    logarithmic: bool
    start: float = 0.0
    label: Callable[[float], str] = str
    bound: float | None = None  # a threshold on it

    def at(self, value: float) -> float:
        if self.logarithmic and value <= 0:
            return _FREE
        return round(_share(value, self.low, self.high, self.logarithmic, self.start), 2)

    def span(self, metric: Metric | None) -> Ends | None:
        """Of its interval. An end that nobody knows is left open: on goes the bar to the end."""
        if metric is None or (metric.low is None and metric.high is None):
            return None
        low = self.start if metric.low is None else self.at(metric.low)
        return low, 100.0 if metric.high is None else self.at(metric.high)


@dataclass
class Point:
    """A candidate: x is its cost, y its quality, counted from the top; bars are intervals."""

    name: str
    rank: int
    front: bool
    quality: Metric
    cost: Metric
    x: float
    y: float
    x_bar: Ends
    y_bar: Ends
    label_y: float = 0.0  # where its name stands, and
    before: bool = False  # whether that is on the left of it

    @property
    def marks(self) -> "list[Box]":
        """Its circle and its bars."""
        return [
            (self.x_bar[0], self.y, self.x_bar[1], self.y),
            (self.x, self.y_bar[0], self.x, self.y_bar[1]),
            (self.x - 1, self.y - 3, self.x + 1, self.y + 3),
        ]

    def label(self, before: bool, y: float) -> "Box":
        """About the room that its name takes."""
        far = 1.3 + 0.75 * (3 + min(_NAME, len(self.name)))  # its rank, too
        left, right = (self.x - far, self.x - 1) if before else (self.x + 1, self.x + far)
        return left, y - 2.6, right, y + 2.6


@dataclass(frozen=True)
class Scatter:
    x: Axis
    y: Axis
    points: list[Point]
    max_cost: Tick | None
    above: bool  # where the label of max_cost stands
    min_quality: Tick | None
    corner: tuple[bool, bool]  # of the label of min_quality: on the right, below its line
    left_out: list[str]  # whose cost or quality is unknown


def scatter(
    names: Sequence[str], results: Sequence[Result], front: Collection[str]
) -> Scatter | None:
    """Quality against cost; `results` has the best first, `front` names those nobody dominates."""
    known = {
        rank: (quality, cost)
        for rank, one in enumerate(results, 1)
        if (quality := _known(one, "quality")) and (cost := _known(one, "cost_per_request_usd"))
    }
    if not known:
        return None
    max_cost, min_quality = (_bound(results, name) for name in _BOUNDS)
    x = log_axis([*_edges(cost for _, cost in known.values()), max_cost], _dollars)
    y = share_axis([*_edges(quality for quality, _ in known.values()), min_quality])
    points = [
        _point(names[rank - 1], rank, names[rank - 1] in front, *metrics, x, y)
        for rank, metrics in known.items()
    ]
    most = None if max_cost is None else Tick(x.at(max_cost), _dollars(max_cost))
    least = None if min_quality is None else Tick(100 - y.at(min_quality), f"{min_quality:g}")
    above = least is not None and least.at > _LOW  # below it would be on that line
    top = 0 if above else 92
    lines: list[Box] = (
        [(most.at, 0, most.at, 100), (most.at - 14, top, most.at, top + 8)] if most else []
    )
    corner = (False, False)
    if least:
        corner, box = _free_corner(points, least.at, lines)
        lines += [(0, least.at, 100, least.at), box]
    _place_labels(points, lines)
    return Scatter(
        x,
        y,
        points,
        most,
        above,
        least,
        corner,
        [name for rank, name in enumerate(names, 1) if rank not in known],
    )


def latency_axis(results: Sequence[Result], samples: Sequence[Sequence[float]]) -> Axis | None:
    """One for all candidates, in milliseconds; None: nothing was timed."""
    edges = [edge for sample in samples if sample for edge in (min(sample), max(sample))]
    if not edges:
        return None
    bound = _bound(results, "max_latency_ms")
    axis = log_axis([*edges, bound], _milliseconds)
    return replace(axis, label=_milliseconds, bound=bound)


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
    major = ticks[-1].at if ticks else -_NARROW
    for value in (step * 10.0**decade for decade in decades for step in steps):
        if positive and low <= value <= high:
            at = round(_share(value, low, high, True, start), 2)
            minor = at - major < _NARROW
            ticks.append(Tick(at, label(value), minor))
            major = major if minor else at
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


def _point(
    name: str, rank: int, front: bool, quality: Metric, cost: Metric, x: Axis, y: Axis
) -> Point:
    assert cost.value is not None and quality.value is not None
    left, top = x.at(cost.value), 100 - y.at(quality.value)
    low, high = y.span(quality) or (100 - top,) * 2
    across = x.span(cost) or (left, left)
    return Point(name, rank, front, quality, cost, left, top, across, (100 - high, 100 - low))


def _free_corner(
    points: Sequence[Point], y: float, taken: Sequence[Box]
) -> tuple[tuple[bool, bool], Box]:
    """The end of the line at `y` with the fewest marks: on the right, below it; for a phone."""
    marks = [*taken, *taken, *(box for point in points for box in point.marks)]
    corners = [(right, below) for below in (False, True) for right in (False, True)]
    boxes = [
        (72.0 * right, y - 8 * (not below), 28 + 72.0 * right, y + 8 * below)
        for right, below in corners
    ]
    costs = [_cost(box, marks) + 9 * (box[1] < 0 or box[3] > 100) for box in boxes]
    best = costs.index(min(costs))
    return corners[best], boxes[best]


def _place_labels(points: Sequence[Point], taken: list[Box]) -> None:
    """Each name goes beside its point where it lies on the fewest lines, points and names."""
    taken += [box for point in points for box in point.marks]
    for point in points:
        places = [
            (before, point.y + shift)
            for shift in sorted(range(-24, 25, 3), key=abs)
            for before in (False, True)
            if 3 <= point.y + shift <= 97
        ]
        boxes = [point.label(*place) for place in places]
        costs = [
            _cost(box, taken) + abs(y - point.y) / 50
            for box, (_, y) in zip(boxes, places, strict=True)
        ]
        best = costs.index(min(costs))
        point.before, point.label_y = places[best][0], round(places[best][1], 2)
        taken += [boxes[best]] * 5  # rather on a line than on another name


def _cost(box: Box, taken: Iterable[Box]) -> int:
    """How much it lies on, or sticks out of the plot."""
    hit = sum(
        box[0] <= other[2] and other[0] <= box[2] and box[1] <= other[3] and other[1] <= box[3]
        for other in taken
    )
    return hit + 9 * (box[0] < 0 or box[2] > 100)


def histogram(sample: Sequence[float], axis: Axis) -> list[Bar]:
    """The heights are in per cent of the most frequent bin."""

    def place_of(value: float) -> int:
        return min(_BINS - 1, max(0, int(axis.at(value) / 100 * _BINS)))

    in_order = sorted(sample)
    ends = [bisect_right(in_order, place, key=place_of) for place in range(_BINS)]
    counts = [end - start for start, end in pairwise([0, *ends])]
    most = max(counts, default=0)
    width = 100 / _BINS
    return [
        Bar(round(place * width, 2), round(width, 2), round(100 * count / most, 1))
        for place, count in enumerate(counts)
        if count
    ]


def _known(result: Result, name: str) -> Metric | None:
    metric = result.metrics.get(name)
    return metric if metric and metric.value is not None else None


def _edges(metrics: Iterable[Metric]) -> list[float | None]:
    return [edge for metric in metrics for edge in (metric.value, metric.low, metric.high)]


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
