"""Bounds on a mean of values in a known range, and on a ratio of two, for any distribution.

Each value that was seen gets a random weight, and so does one at the end of the range that nobody
has seen: exponentials, which as shares of their sum are Dirichlet(1, …, 1). The bound is a
quantile of the mean so weighted. That is the bound of Gaffke 2005, "Three test statistics for a
nonparametric one-sided hypothesis on the mean of a nonnegative variable", Mathematical Methods of
Statistics 14, 451-467; Learned-Miller and Thomas 2019, arXiv:1905.06208, show how tight it is.

A value that is worse makes every weighted mean worse: no mistake raises a bound. On zeros and ones
it is the bound of Clopper and Pearson, on differences of -1, 0 and 1 held against 0 the exact test
of McNemar. That it holds for every distribution is a conjecture: `python -m tests.simulations` puts
it to the test. Nothing is drawn at random here: `chance_below` is an integral.
"""

from collections.abc import Callable
from functools import cache
from itertools import count
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64] | Floats

_STEP = 0.1  # along the path of integration: the sum is then right to some 12 digits
_POINTS = 40  # of the path, at once: most sums take no more
_TERMS = 8_192  # at once
_AT_ONCE = 8  # factors multiplied before their logarithm is taken
_NEGLIGIBLE = 1e-13
_MANY = 20_000  # different values: from so many on they are put on a grid
_FINE = 500  # its steps in a standard deviation
_MANY_SIZES = 100
_NORMAL = NormalDist()
_STEEPEST = np.pi * 3 / 8  # of the path with the real axis, from either side


def quantile(over: Floats, under: Floats, share: float) -> float:
    """Below which number the weighted sum of `over`, over that of `under`, lies in so many draws.

    `over` and `under` are as long, none is negative, and of `under` one is above 0.
    """
    sizes = np.unique(under)
    if len(sizes) > _MANY_SIZES:
        pairs, counts = np.unique(over + 1j * under, return_counts=True)
        return counted_quantile(pairs.real, pairs.imag, counts, share)
    found = [_counted(over[under == size]) for size in sizes]
    values, often = (np.concatenate(each) for each in zip(*found, strict=True))
    beside = np.repeat(sizes, [len(each) for each, _ in found])
    return counted_quantile(values, beside, often, share)


def _counted(values: Floats) -> tuple[Floats, Counts]:
    """Different values, and how often each is there: of a great many, the steps of a grid.

    A value between two steps counts as a part of both, which leaves the mean as it is. A value that
    is worse makes every weighted mean worse as before, and a bound lies further out than it would,
    by some millionths of its distance from the mean.
    """
    different, counts = np.unique(values, return_counts=True)
    if len(different) < _MANY:
        return different, counts
    step = values.std() / _FINE
    below = np.floor(different / step)
    beyond = counts * (different / step - below)
    starts = np.flatnonzero(np.diff(below, prepend=-1.0))  # of each step: they are in order
    lower = np.add.reduceat(counts - beyond, starts)
    upper = np.add.reduceat(beyond, starts)
    ends = np.concatenate([below[starts], below[starts] + 1])
    steps, where = np.unique(ends, return_inverse=True)
    parts = np.bincount(where, np.concatenate([lower, upper]))
    return steps[parts > 0] * step, parts[parts > 0]


def counted_quantile(over: Floats, under: Floats, counts: Counts, share: float) -> float:
    """The same, of pairs that are there so many times each."""
    wanted = _NORMAL.inv_cdf(share)

    @cache
    def excess(ratio: float) -> float:
        chance = chance_below(over - ratio * under, counts)
        return _NORMAL.inv_cdf(min(max(chance, 1e-300), 1 - 1e-16)) - wanted

    if not over.any():
        return 0.0
    middle = float(counts @ over) / float(counts @ under)
    spread = float(counts @ (over - middle * under) ** 2) ** 0.5 / float(counts @ under)
    # Where a normal distribution has it, give or take as much again.
    least, most = sorted((middle + wanted * spread * 0.7, middle + wanted * spread * 1.4))
    low, high = max(least, 0.0), max(most, middle / 2)
    while low and excess(low) > 0:
        low /= 2
    while excess(high) < 0:
        high *= 2
    found = root(excess, low, high, 1e-11)
    ratios = over / np.where(under > 0, under, np.nan)
    highest = np.inf if (under == 0).any() else ratios.max()
    return float(np.clip(found, np.nanmin(ratios), highest))


def chance_below(factors: Floats, counts: Counts) -> float:
    """The chance that exponentials times these factors have a sum of at most 0.

    There are `counts` of them for each factor, which need not be whole numbers: so many have a
    Gamma distribution. The transform of their distribution, which is the
    product of 1 / (1 - factor z) over z, is integrated along a hyperbola through its saddle point:
    Weideman and Trefethen 2007, "Parabolic and hyperbolic contours for computing the Bromwich
    integral", Mathematics of Computation 76, 1341-1356.
    """
    a, n = factors[factors != 0], counts[factors != 0]
    if not len(a) or a.max() < 0:
        return 1.0
    if a.min() > 0:
        return 0.0
    a = a / np.abs(a).max()
    side = -1 if a @ n > 0 else 1  # of 0, on which the saddle point of the smaller tail lies
    pole = 1 / float(a.min() if side < 0 else a.max())

    def slope(z: float) -> float:
        return float((n * a / (1 - a * z)).sum()) - 1 / z

    saddle = root(slope, pole * 1e-9, pole * (1 - 1e-9), 1e-3)
    width = float((n * (a / (1 - a * saddle)) ** 2).sum() + saddle**-2) ** -0.5
    bend = float(np.clip(np.pi * n[a > 0].sum() / (n.sum() + 1), _STEEPEST, np.pi - _STEEPEST))
    found, points = 0.0, min(_POINTS, max(_AT_ONCE, _TERMS // len(a)))
    for start in count(0, points):
        path = bend - 1j * _STEP * np.arange(start, start + points)
        z = saddle + width * (np.cos(path) - np.cos(bend))
        heights = (np.exp(-_log_of_product(a, n, z)) / z * width * np.sin(path)).real
        found += float(heights.sum()) - (heights[0] / 2 if start == 0 else 0.0)
        if abs(heights[-1]) <= _NEGLIGIBLE * abs(found):
            break
    tail = _STEP * abs(found) / np.pi
    return float(tail if side < 0 else 1 - tail)


def _log_of_product(a: Floats, n: Counts, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Of all (1 - a z)^n at each z; which of the complex logarithms does not matter."""
    once, often = a[n == 1], n != 1
    padded = np.zeros((_AT_ONCE, -(-len(once) // _AT_ONCE)))
    padded.flat[: len(once)] = once
    products = (1 - z[:, np.newaxis, np.newaxis] * padded).prod(axis=1)
    powers = n[often] * np.log(1 - z[:, np.newaxis] * a[often])
    return np.asarray(np.log(products).sum(axis=1) + powers.sum(axis=1))


def root(of: Callable[[float], float], low: float, high: float, precision: float) -> float:
    """Where a function that rises from `low` to `high` passes 0, to this part of it.

    Chandrupatla 1997, "A new hybrid quadratic/bisection algorithm for finding the zero of a
    nonlinear function", Advances in Engineering Software 28, 145-149.
    """
    a, b, c = high, low, high
    at_a, at_b = of(a), of(b)
    at_c = at_a
    part = 0.5  # of the way from a to b
    while True:
        x = a + part * (b - a)
        at_x = of(x)
        if (at_x > 0) == (at_a > 0):
            c, at_c = a, at_a
        else:
            b, c, at_b, at_c = a, b, at_a, at_b
        a, at_a = x, at_x
        best = a if abs(at_a) < abs(at_b) else b
        least = precision * abs(best) / abs(b - a) if b != a else 1.0
        if least > 0.5 or not (at_a and at_b):
            return best
        xi, phi = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
        part = 0.5
        if phi**2 < xi and (1 - phi) ** 2 < 1 - xi:  # three values, and a parabola through them
            part = at_a / (at_b - at_a) * at_c / (at_b - at_c)
            part += (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)
        part = min(1 - least, max(least, part))
