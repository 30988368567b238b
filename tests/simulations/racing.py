"""Races of simulated sweeps, by the bounds and the rule that the runner itself goes by.

Each sweep has eight candidates whose truth is known. Answers are right or wrong, valid or not, in
time or late; costs vary from case to case, most of it alike for all, and the most that a request
can cost is ten times what it costs on average. Prices are spread over a factor of 30.

On 2026-11-28, of 10,000 sweeps each, with half of the candidates clear losers:

    cases                       100     200     300     500     700    1000
    dollars saved             34.1 %  43.6 %  52.8 %  68.2 %  76.5 %  83.0 %
    a race proves one         58.7 %  73.2 %  98.1 % 100.0 % 100.0 % 100.0 %
    asking all proves one     61.3 %  98.7 % 100.0 % 100.0 % 100.0 % 100.0 %
    chooses as asking all     98.0 %  68.7 %  79.5 %  98.1 %  99.9 % 100.0 %
    wrong proven, best lost    none    none    none    none    none    none

With all of them missing something by a hair, 3.1 % of races ever prove one of 100 cases, 1.1 % of
500, 1.3 % of 1,000 (asking all: 5.5, 13.3 and 14.6 %): that aim, 5 % at most, holds everywhere.
With all exactly at a bound 0.1 % lose the best of them; where all are alike none does, and nothing
is saved: it is asked to the end which of equals costs less. That of 60 % saved and that of 95 % who
choose alike hold from 500 cases on. Around 200 and 300 a race knows a dearer one that is proven,
and not yet the cheaper one: asking all proves that, since each of its bounds may be wrong as often
as all bounds of a race together.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from runner.measure.anytime import PARTS, above, below, log_capital, shared_tail, stakes
from runner.measure.racing import dearer, standing
from runner.measure.statistics import percentile, rate
from tests.simulations.draws import Floats, Random

CANDIDATES = 8
BLOCK = 8  # cases between two looks
BOUNDS = np.array([0.8, 0.95, 0.95])  # least shares of answers that are right, valid, and in time
CONFIDENCE = 0.95
CEILING = 10.0

SIZES = (100, 200, 300, 500, 700, 1000)
_SHARES = {
    "proven": "a race proves one",
    "full_proven": "asking all does",
    "as_full": "chooses alike",
    "wrong": "wrong proven",
    "dropped": "best one dropped",
}

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Field(NamedTuple):
    """`truth` has the three shares of each candidate of each sweep, `price` the mean cost."""

    truth: Floats
    price: Floats

    @property
    def fit(self) -> Bools:
        return np.asarray((self.truth >= BOUNDS).all(axis=-1))


def clear_half(draw: Random, sweeps: int) -> Field:
    """Four are fit, by a margin that differs; four miss one of the three by far."""
    size = sweeps, CANDIDATES
    half = np.tile(np.arange(CANDIDATES) < CANDIDATES // 2, (sweeps, 1))
    losers, missing = draw.permuted(half, axis=1), draw.integers(3, size=size)
    fit = ((0.92, 0.99), (0.985, 1.0), (0.985, 1.0))
    unfit = ((0.3, 0.6), (0.5, 0.8), (0.5, 0.8))
    shares = [
        np.where(
            losers & (missing == n), draw.uniform(*unfit[n], size), draw.uniform(*fit[n], size)
        )
        for n in range(3)
    ]
    return Field(np.stack(shares, axis=-1), 30.0 ** draw.random(size))


def by_a_hair(draw: Random, sweeps: int) -> Field:
    """All miss one of the three by a hair, and are sure of the others: who is proven is wrong."""
    size = sweeps, CANDIDATES
    missing = draw.integers(3, size=size)[..., np.newaxis] == np.arange(3)
    return Field(np.where(missing, BOUNDS - 1e-6, 1.0), 30.0 ** draw.random(size))


def at_a_bound(draw: Random, sweeps: int) -> Field:
    """All meet one of the three exactly: none can be proven, and who is dropped is lost."""
    field = by_a_hair(draw, sweeps)
    return field._replace(truth=np.where(field.truth < BOUNDS, BOUNDS, field.truth))


def alike(draw: Random, sweeps: int) -> Field:
    """All are fit, and cost the same."""
    size = sweeps, CANDIDATES
    return Field(np.broadcast_to([0.95, 0.99, 0.99], (*size, 3)), np.ones(size))


FIELDS: dict[str, Callable[[Random, int], Field]] = {
    "a clear loser half": clear_half,
    "all miss by a hair": by_a_hair,
    "all at a bound": at_a_bound,
    "all alike": alike,
}


@dataclass(frozen=True)
class Found:
    """Shares of all sweeps, but for `saved`, of dollars, and `cases`, both means.

    `as_full` are those whose choice is that of the sweep that asks all, or, in truth, fit and no
    dearer by more than 5 %; `wrong` those in which one that is not fit was ever proven, `dropped`
    those in which the cheapest of those that are fit was.
    """

    saved: float
    cases: float
    proven: float
    full_proven: float
    as_full: float
    wrong: float
    dropped: float


def simulate(field: Callable[[Random, int], Field], n: int, sweeps: int, seed: int = 0) -> Found:
    draw, chunk = np.random.default_rng([seed, n]), max(20, 200_000 // n)
    sizes = [min(chunk, sweeps - start) for start in range(0, sweeps, chunk)]
    parts = [_sweeps(draw, field(draw, size), n) for size in sizes]
    return Found(
        *(
            float(np.average([getattr(part, each.name) for part in parts], weights=sizes))
            for each in fields(Found)
        )
    )


def _sweeps(draw: Random, field: Field, n: int) -> Found:
    """A case that is hard, or long, is so for everybody, at least in part."""
    sweeps = len(field.truth)
    alike, own = draw.random((sweeps, 1, n, 3)), draw.random((sweeps, CANDIDATES, n, 3))
    shared = draw.random((sweeps, 1, n, 3)) < 0.5
    passed = np.where(shared, alike, own) < field.truth[:, :, np.newaxis]
    spread = 0.5 * draw.standard_normal((sweeps, 1, n))
    spread = spread + 0.3 * draw.standard_normal((sweeps, CANDIDATES, n))
    costs = np.minimum(np.exp(spread - 0.17), CEILING) * field.price[..., np.newaxis]
    return _held_against_all(field, passed, costs, _race(passed, costs, CEILING * field.price))


class _Race(NamedTuple):
    """Of each candidate: how many cases it was asked, and what became of it."""

    asked: Ints
    proven: Bools  # when it was asked no more
    ever: Bools  # proven at any look
    missed: Bools
    beaten: Bools


def _race(passed: Bools, costs: Floats, most: Floats) -> _Race:
    sweeps, candidates, n, requirements = passed.shape
    tail = shared_tail(CONFIDENCE, candidates, requirements)
    need, enough = -np.log(tail), -np.log(tail / 2)  # of one bound, and at the looks on the way
    (met, missing), total = _edges(n, 1 - tail), passed.sum(axis=2)
    asked = np.full((sweeps, candidates), n)
    proven, ever, missed, beaten, gone = np.zeros((5, sweeps, candidates), dtype=bool)
    each = BOUNDS[:, np.newaxis]
    won, lost = (stakes(above(np.array(x), 1.0, each, (0.0, 1.0))) for x in (1.0, 0.0))
    kept, fell = (stakes(below(np.array(x), 1.0, each, (1.0, 1.0))) for x in (1.0, 0.0))
    on = np.arange(sweeps)  # those that are not over
    up, down, dear = (
        np.zeros(1),
        np.zeros(1),
        np.zeros((sweeps, candidates, candidates, len(PARTS))),
    )
    held = np.zeros(sweeps, dtype=bool)  # whether costs are held against each other yet
    for start in range(0, n, BLOCK):
        block = slice(start, start + BLOCK)
        right = passed[on, :, block].sum(axis=2)[..., np.newaxis]
        wrong = passed[on, :, block].shape[2] - right
        up, down = up + right * won + wrong * lost, down + right * kept + wrong * fell
        fails, sure = log_capital(down) >= enough, log_capital(up) >= enough
        if block.stop >= n:  # the last look
            fails, sure = total[on] < missing, total[on] >= met
        fails, sure = fails.any(axis=-1), sure.all(axis=-1)
        still, never = ~gone[on], np.zeros_like(fails)
        ever[on] |= sure & still
        some = on[ever[on].any(axis=-1)]  # nobody is beaten where nobody is proven
        for which, since in ((some[held[some]], start), (some[~held[some]], 0)):
            cost, worst = (
                costs[which, :, since : block.stop],
                most[which][:, np.newaxis, :, np.newaxis],
            )
            dear[which] += stakes(dearer(cost[:, :, np.newaxis], cost[:, np.newaxis], worst))
        held[some] = True
        found = standing(fails, sure, never, log_capital(dear[on]) >= need, gone[on])
        missed[on] |= fails & still
        beaten[on] |= found.beaten & ~fails & still
        proven[on] = np.where(still, sure, proven[on])
        out = found.out(fails) & still
        asked[on] = np.where(out, min(start + BLOCK, n), asked[on])
        gone[on] |= out
        left = ~gone[on].all(axis=-1)
        on, up, down = on[left], up[left], down[left]
        if not len(on):
            break
    return _Race(asked, proven, ever, missed, beaten)


def _held_against_all(field: Field, passed: Bools, costs: Floats, race: _Race) -> Found:
    """The race beside the sweep that asks every candidate everything."""
    n = passed.shape[2]
    in_race = np.arange(n) < race.asked[..., np.newaxis]
    spent, right = (costs * in_race).sum(axis=-1), (passed & in_race[..., np.newaxis]).sum(axis=2)
    out = race.missed | race.beaten
    leaning = (right >= BOUNDS * race.asked[..., np.newaxis]).all(axis=-1)
    choice = _cheapest(race.proven & ~out, leaning & ~out, spent / race.asked)
    met, fails, leans = _words(passed.sum(axis=2), n)
    full = _cheapest(met, leans & ~fails, costs.mean(axis=-1))
    rows = np.arange(len(choice))
    no_dearer = field.price[rows, choice] <= 1.05 * field.price[rows, full]
    tie = (choice >= 0) & (full >= 0) & field.fit[rows, choice] & no_dearer
    best = np.where(field.fit, field.price, np.inf).argmin(axis=-1)
    found = {
        "saved": 1 - spent.sum(axis=-1) / costs.sum(axis=(-1, -2)),
        "cases": race.asked,
        "proven": (race.proven & ~out).any(axis=-1),
        "full_proven": met.any(axis=-1),
        "as_full": (choice == full) | tie,
        "wrong": (race.ever & ~field.fit).any(axis=-1),
        "dropped": (out & field.fit)[rows, best],
    }
    return Found(**{name: float(values.mean()) for name, values in found.items()})


def _cheapest(first: Bools, second: Bools, cost: Floats) -> Ints:
    """Of the first where there are any, else of the second; -1: there is none."""
    pool = np.where(first.any(axis=-1, keepdims=True), first, second)
    cheapest = np.where(pool, cost, np.inf).argmin(axis=-1)
    return np.where(pool.any(axis=-1), cheapest, -1)


def _words(right: Ints, n: int) -> tuple[Bools, Bools, Bools]:
    """Who is proven, who misses something, and who meets all as measured, when all was asked."""
    met, missed = _edges(n)
    leaning, some = (right >= BOUNDS * n).all(axis=-1), (right < missed).any(axis=-1)
    return np.asarray((right >= met).all(axis=-1)), np.asarray(some), np.asarray(leaning)


@cache
def _edges(n: int, confidence: float = CONFIDENCE) -> tuple[Ints, Ints]:
    """From how many on of n a bound is met, and until below how many it is missed."""

    def in_time(right: int) -> tuple[float, float]:
        late = [2.0] * (n - right)
        found = percentile([0.0] * right + late, 95, confidence=confidence)
        low = -1.0 if found.low is None else found.low
        return (1.0 if low <= 1 else 0.0), (
            1.0 if found.high is not None and found.high < 1 else 0.0
        )

    def share(right: int) -> tuple[float, float]:
        found = rate(right, n, confidence)
        return found.high or 0.0, found.low or 0.0

    of = (share, 0.8), (share, 0.95), (in_time, 1.0)
    missed, met = (
        [bisect_left(range(n), bound, key=lambda k: how(k)[end]) for how, bound in of]
        for end in (0, 1)
    )
    return np.array(met), np.array(missed)


def show(sizes: Sequence[int], sweeps: int) -> None:
    """The table of `python -m tests.simulations race`."""
    table = Table(title=f"{sweeps:,} sweeps of {CANDIDATES} candidates each")
    for heading in ("candidates", "cases", "saved", "cases asked", *_SHARES.values()):
        table.add_column(heading, justify="left" if heading == "candidates" else "right")
    console = Console(width=max(140, Console().width))
    for name, field in FIELDS.items():
        for n in sizes:
            with console.status(f"{name}, {n}"):
                found = simulate(field, n, sweeps)
            shares = (f"{getattr(found, key):.1%}" for key in _SHARES)
            table.add_row(name, f"{n:,}", f"{found.saved:.1%}", f"{found.cases:.0f}", *shares)
    console.print(table)
