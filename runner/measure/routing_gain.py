"""What choosing a model for each case gains, held against what chooses without knowing anything.

A composite model (router, cascade, split) is fairly judged only against its own arms on the same
cases: against the best of them alone, a random mix that costs the same, a length rule that costs
no more (the longest cases go to the dearer arm), and the oracle, which takes the best arm for each
case. Of the way from the mix to the oracle it closes a share: 0 is no better than drawing lots.
That is the performance gap recovered of RouteLLM (Ong et al. 2024, arXiv:2406.18665), counted from
the mix and not from the weak arm, since half of that gap is closed by drawing lots.

Import it where a comparison is computed (see `runner.measure.statistics`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist

import numpy as np

from runner.measure.bounded import Floats, chance_below, root
from runner.measure.like_for_like import Asked
from runner.measure.paired import PairedDifference, paired

_NORMAL = NormalDist()
_FAR = 100.0  # shares beyond which nobody looks for a bound


Cases = Mapping[str, Asked]  # by id


@dataclass(frozen=True)
class Way:
    """Mean quality and cost on the common cases; `arms` says how much of them each arm gets."""

    quality: float
    usd: float | None
    arms: Mapping[str, float]


@dataclass(frozen=True)
class Gain:
    """A router beside what it is held against; None where costs or cases can't say.

    `share` is of the way from the mix to the oracle, with its interval. `over` are the paired
    differences of its quality from that of the mix, the length rule and the best single arm.
    """

    n: int  # cases that all answered
    router: Way
    best: Way
    oracle: Way
    mix: Way | None = None
    length: Way | None = None
    share: tuple[float, float | None, float | None] | None = None
    over: Mapping[str, PairedDifference] | None = None


def oracle(arms: Mapping[str, Cases]) -> tuple[int, Way, Way] | None:
    """How many cases all arms answered, the best of them alone, and the best for each case.

    Of arms that are as good the cheaper one, and of chance differences the better: nobody can
    choose better than that, and what is seen in one answer a case is more than a router will reach.
    None: there is no such case.
    """
    seen = _Common(arms)
    if not seen.cases or len(arms) < 2:
        return None
    best, _ = seen.best()
    return len(seen.cases), best, seen.oracle()


def gain(
    router: Cases, arms: Mapping[str, Cases], *, confidence: float, among: int = 1
) -> Gain | None:
    """A router held against its own arms; `among` so many comparisons. None: no common case.

    The share of the mix is fitted to the costs as they were measured, and taken as known.
    """
    seen = _Common(arms, router)
    if not seen.cases:
        return None
    mine, usd = _column(router, seen.cases)
    best, of_best = seen.best()
    found = Gain(len(seen.cases), _way(mine, usd, {}), best, seen.oracle())
    if usd is None or seen.usd is None:
        return found
    weights = seen.mix(float(usd.mean()))
    shares = np.array([weights.get(name, 0.0) for name in seen.names])
    mixed, ruled = shares @ seen.quality, seen.longest(weights, float(usd.mean()))
    by_rule = np.take_along_axis(seen.quality, ruled[np.newaxis], 0)[0]
    against = {"best": of_best, "mix": mixed, "length": by_rule}
    return Gain(
        found.n,
        found.router,
        found.best,
        found.oracle,
        _way(mixed, shares @ seen.usd, weights),
        seen.chosen(ruled),
        _share(mine - mixed, seen.quality.max(axis=0) - mixed, confidence),
        {
            name: paired(_scores(seen.cases, other), _scores(seen.cases, mine),
                         confidence=confidence, among=among)
            for name, other in against.items()
        },
    )  # fmt: skip


class _Common:
    """The arms on the cases that all answered, as arrays: an arm a row."""

    def __init__(self, arms: Mapping[str, Cases], router: Cases | None = None) -> None:
        together = [*arms.values(), *([] if router is None else [router])]
        self.names = list(arms)
        self.cases = sorted(set.intersection(*map(set, together))) if together else []
        columns = [_column(cases, self.cases) for cases in arms.values()]
        self.quality = np.array([quality for quality, _ in columns])
        costs = [usd for _, usd in columns]
        self.usd = np.array(costs) if all(usd is not None for usd in costs) else None
        first = next(iter(arms.values()))
        self.chars = np.array([first[case].chars for case in self.cases])

    def best(self) -> tuple[Way, Floats]:
        """Of arms that are as good the cheapest, and its quality case by case."""
        cost = np.zeros(len(self.names)) if self.usd is None else self.usd.mean(axis=1)
        row = int(np.lexsort((cost, -self.quality.mean(axis=1)))[0])
        usd = None if self.usd is None else self.usd[row]
        return _way(self.quality[row], usd, {self.names[row]: 1.0}), self.quality[row]

    def oracle(self) -> Way:
        cost = np.zeros_like(self.quality) if self.usd is None else self.usd
        return self.chosen(np.lexsort((cost, -self.quality), axis=0)[0])

    def chosen(self, rows: np.ndarray) -> Way:
        """One arm for each case."""
        at = rows[np.newaxis]
        usd = None if self.usd is None else np.take_along_axis(self.usd, at, 0)[0]
        counts = np.bincount(rows, minlength=len(self.names)) / len(rows)
        weights = {name: float(share) for name, share in zip(self.names, counts, strict=True)}
        return _way(np.take_along_axis(self.quality, at, 0)[0], usd, weights)

    def mix(self, usd: float) -> dict[str, float]:
        """The best that lots over two arms reach at this cost a request, or less.

        Where none is as cheap as that, the cheapest.
        """
        assert self.usd is not None
        cost, quality = self.usd.mean(axis=1), self.quality.mean(axis=1)
        found = []
        for cheap, dear in product(range(len(cost)), repeat=2):
            if cost[cheap] <= usd:
                more = cost[dear] - cost[cheap]
                share = 1.0 if more <= 0 else min(1.0, (usd - cost[cheap]) / more)
                if cost[dear] >= cost[cheap]:
                    reached = (1 - share) * quality[cheap] + share * quality[dear]
                    found.append((reached, cheap, dear, share))
        if not found:
            return {self.names[int(cost.argmin())]: 1.0}
        _, cheap, dear, share = max(found)
        if share == 1 or cheap == dear:
            return {self.names[dear]: 1.0}
        return {self.names[cheap]: float(1 - share), self.names[dear]: float(share)}

    def longest(self, weights: Mapping[str, float], usd: float) -> np.ndarray:
        """The row of each case: the dearer arm of the mix for as many of the longest as it pays."""
        assert self.usd is not None
        first, *others = [self.names.index(name) for name in weights]
        rows = np.full(len(self.cases), first)
        if others:
            order = np.argsort(-self.chars, kind="stable")
            more = (self.usd[others[0]] - self.usd[first])[order]
            spent = self.usd[first].sum() + np.cumsum(more)
            paid = np.flatnonzero(spent <= usd * len(rows) * (1 + 1e-12))
            rows[order[: int(paid[-1]) + 1 if len(paid) else 0]] = others[0]
        return rows


def _column(cases: Cases, ids: Sequence[str]) -> tuple[Floats, Floats | None]:
    usd = [cases[each].usd for each in ids]
    known = None if None in usd else np.array(usd, dtype=float)
    return np.array([cases[each].quality for each in ids], dtype=float), known


def _way(quality: Floats, usd: Floats | None, arms: Mapping[str, float]) -> Way:
    return Way(float(quality.mean()), None if usd is None else float(usd.mean()), arms)


def _scores(ids: Sequence[str], values: Floats) -> dict[str, list[float]]:
    return {case: [float(value)] for case, value in zip(ids, values, strict=True)}


def _share(
    gained: Floats, possible: Floats, confidence: float
) -> tuple[float, float | None, float | None] | None:
    """Sum over sum, with its interval; None where nothing can be gained.

    A bound is the share at which `gained - share * possible`, weighted at random and with the worst
    (or best) case that nobody has seen, has a sum below 0 with the chance that is allowed: as in
    `runner.measure.bounded`, for what may be negative, too.
    """
    if possible.sum() <= 0:
        return None

    def bound(unseen: int, wanted: float) -> float | None:
        def excess(share: float) -> float:
            worst = unseen * (1 + max(-unseen * share, 0.0))
            factors = np.append(gained - share * possible, worst)
            chance = chance_below(*np.unique(factors, return_counts=True))
            return _NORMAL.inv_cdf(min(max(chance, 1e-300), 1 - 1e-16)) - _NORMAL.inv_cdf(wanted)

        if excess(-_FAR) >= 0 or excess(_FAR) <= 0:
            return None
        return float(root(excess, -_FAR, _FAR, 1e-9))

    tail = (1 - confidence) / 2
    return float(gained.sum() / possible.sum()), bound(-1, tail), bound(1, 1 - tail)
