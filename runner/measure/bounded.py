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

from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Floats = NDArray[np.float64]

_STEP = 0.1  # along the path of integration: the sum is then right to some 12 digits
_AT_ONCE = 8  # steps of the path, and factors multiplied before their logarithm is taken
_NEGLIGIBLE = 1e-13
_STEEPEST = np.pi * 3 / 8  # of the path with the real axis, from either side


def quantile(over: Floats, under: Floats, share: float) -> float:
    """Below which number the weighted sum of `over`, over that of `under`, lies in so many draws.

    `over` and `under` are as long, none is negative, and of `under` one is above 0.
    """
    pairs, counts = np.unique(np.column_stack([over, under]), axis=0, return_counts=True)
    over, under = pairs.T
    wanted = special.ndtri(share)

    def excess(ratio: float) -> float:
        chance = chance_below(over - ratio * under, counts)
        return float(special.ndtri(min(max(chance, 1e-300), 1 - 1e-16)) - wanted)

    if not over.any():
        return 0.0
    high = 2 * float(counts @ over) / float(counts @ under)
    while excess(high) < 0:
        high *= 2
    found = optimize.brentq(excess, 0, high, xtol=1e-300, rtol=1e-11)
    ratios = over / np.where(under > 0, under, np.nan)
    highest = np.inf if (under == 0).any() else ratios.max()
    return float(np.clip(found, np.nanmin(ratios), highest))


def chance_below(factors: Floats, counts: NDArray[np.int64]) -> float:
    """The chance that exponentials times these factors have a sum of at most 0.

    There are `counts` of them for each factor. The transform of their distribution, which is the
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

    saddle = optimize.brentq(slope, pole * 1e-9, pole * (1 - 1e-9), rtol=1e-3)
    width = float((n * (a / (1 - a * saddle)) ** 2).sum() + saddle**-2) ** -0.5
    bend = float(np.clip(np.pi * n[a > 0].sum() / (n.sum() + 1), _STEEPEST, np.pi - _STEEPEST))
    found = 0.0
    for start in count(0, _AT_ONCE):
        path = bend - 1j * _STEP * np.arange(start, start + _AT_ONCE)
        z = saddle + width * (np.cos(path) - np.cos(bend))
        heights = (np.exp(-_log_of_product(a, n, z)) / z * width * np.sin(path)).real
        found += float(heights.sum()) - (heights[0] / 2 if start == 0 else 0.0)
        if abs(heights[-1]) <= _NEGLIGIBLE * abs(found):
            break
    tail = _STEP * abs(found) / np.pi
    return float(tail if side < 0 else 1 - tail)


def _log_of_product(
    a: Floats, n: NDArray[np.int64], z: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Of all (1 - a z)^n at each z; which of the complex logarithms does not matter."""
    once, often = a[n == 1], n > 1
    padded = np.zeros((_AT_ONCE, -(-len(once) // _AT_ONCE)))
    padded.flat[: len(once)] = once
    products = (1 - z[:, np.newaxis, np.newaxis] * padded).prod(axis=1)
    powers = n[often] * np.log(1 - z[:, np.newaxis] * a[often])
    return np.asarray(np.log(products).sum(axis=1) + powers.sum(axis=1))
