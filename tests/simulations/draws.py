"""What is drawn: scores, costs and pairs whose true mean is known."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Random = np.random.Generator


@dataclass(frozen=True)
class Sample:
    """`under` are answers, where `values` are what they cost; `cases` where some were repeated."""

    values: Floats
    under: Floats | None = None
    cases: list[int] | None = None


@dataclass(frozen=True)
class Population:
    name: str
    truth: float
    draw: Callable[[Random, int], Sample]
    most: float = 1.0


def _of_steps(*shares: float) -> tuple[float, Callable[[Random, int], Sample]]:
    """Scores at even steps from 0 to 1, with these probabilities."""
    steps = np.linspace(0, 1, len(shares))
    return float(steps @ shares), lambda draw, n: Sample(draw.choice(steps, n, p=shares))


def _near_the_ends(draw: Random, n: int) -> Sample:
    near = np.where(draw.random(n) < 0.9, 0.98, 0.0)
    return Sample(near + 0.02 * draw.random(n))


def _repeated(draw: Random, n: int) -> Sample:
    """Three answers a case; cases are hard or easy, Beta(4, 1)."""
    easy = draw.beta(4, 1, n)
    passed = draw.random((n, 3)) < easy[:, np.newaxis]
    return Sample(passed.ravel().astype(float), cases=[c for c in range(n) for _ in range(3)])


def _costs(draw: Random, n: int) -> Floats:
    """Three of 100 answers cost 20 times as much."""
    return np.where(draw.random(n) < 0.03, 20.0, 1.0)


def _per_answer(draw: Random, n: int) -> Sample:
    """What nobody answers, one request of ten, is paid for as well."""
    return Sample(_costs(draw, n), (draw.random(n) < 0.9).astype(float))


def _lognormal(draw: Random, n: int) -> Sample:
    return Sample(np.minimum(draw.lognormal(0, 1, n), _CAP))


def _scaled(differences: Floats) -> Sample:
    """Of -1 to 1, on a scale of 0 to 1."""
    return Sample((differences + 1) / 2)


def _passes(draw: Random, n: int) -> Sample:
    """Two that differ in one case of five, and in truth by nothing."""
    return _scaled(draw.choice([-1.0, 0.0, 1.0], n, p=[0.1, 0.8, 0.1]))


def _grades(draw: Random, n: int) -> Sample:
    return _scaled(draw.beta(9, 1, n) - draw.choice([0.8, 1.0], n))


_CAP = 50.0
_CAPPED = np.minimum(np.random.default_rng(0).lognormal(0, 1, 4_000_000), _CAP)

POPULATIONS = (
    Population("passed or failed, 0.9", *_of_steps(0.1, 0.9)),
    Population("passed or failed, 0.5", *_of_steps(0.5, 0.5)),
    Population("thirds", *_of_steps(0.05, 0.05, 0.1, 0.8)),
    Population("near 0 or 1", 0.9 * 0.98 + 0.01, _near_the_ends),
    Population("Beta(9, 1)", 0.9, lambda draw, n: Sample(draw.beta(9, 1, n))),
    Population("a judge's steps", *_of_steps(0.05, 0.05, 0.1, 0.3, 0.5)),
    Population("three repeats a case", 0.8, _repeated),
    Population("costs, 3 % at 20 times", 1.57, lambda d, n: Sample(_costs(d, n)), most=60.0),
    Population("the same, per answer", 1.57 / 0.9, _per_answer, most=60.0),
    Population("costs, log-normal", float(_CAPPED.mean()), _lognormal, most=_CAP),
    Population("pairs, passed or failed", 0.5, _passes),
    Population("pairs, graded", 0.5, _grades),
)
