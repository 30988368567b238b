"""The numbers of cases are those of published examples, and those that simulations need."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from runner.measure.paired import paired
from runner.measure.power import more_cases, smallest_pass_difference, smallest_score_difference
from runner.measure.statistics import Estimate, mean, needed, percentile, rate, ratio
from runner.record.outcomes import Metric

Floats = NDArray[np.float64]
Draw = Callable[[int], Floats]


def metric(estimate: Estimate, n: int, unit: str = "rate") -> Metric:
    return Metric(**estimate._asdict(), n=n, unit=unit)


def clear(estimate: Estimate, limit: float) -> bool:
    """Whether the interval lies on one side of the limit."""
    _, low, high = estimate
    return (low is not None and low > limit) or (high is not None and high < limit)


def settled(
    first: Floats,
    draw: Draw,
    more: int,
    estimate: Callable[[Floats], Estimate],
    limit: float,
    runs: int = 60,
) -> float:
    """The share of runs with so many more cases whose interval clears the limit."""
    found = (estimate(np.concatenate([first, draw(more)])) for _ in range(runs))
    return sum(clear(one, limit) for one in found) / runs


def test_mcnemars_power() -> None:
    """50 pairs, 40 % of them discordant at odds of 1 to 4, have a power of 0.839343 at 5 %.

    The example of the G*Power manual (chapter on McNemar's test), one-sided.
    """
    found = smallest_pass_difference(50, 0.4, tail=0.05, power=0.839343)
    assert found == pytest.approx(0.32 - 0.08, abs=1e-4)


@pytest.mark.parametrize(("n", "deviation"), [(30, 0.2), (60, 0.3), (200, 0.1)])
def test_what_graded_pairs_show(n: int, deviation: float) -> None:
    """The smallest difference is shown by about 80 of 100 comparisons, half of it by few."""
    draw = np.random.default_rng(3)
    found = smallest_score_difference(n, deviation)
    assert found is not None

    def shown(difference: float) -> float:
        lows = []
        for _ in range(60):
            differences = np.clip(draw.normal(difference, deviation, n), -1, 1)
            before = {str(case): [0.0] for case in range(n)}
            after = {str(case): [float(one)] for case, one in enumerate(differences)}
            lows.append(paired(before, after).low)
        return sum(low is not None and low > 0 for low in lows) / len(lows)

    assert 0.65 <= shown(found) <= 0.95
    assert shown(found / 2) <= 0.4


def test_more_cases_show_less() -> None:
    """The smallest difference falls with the cases, about with their root."""
    found = [smallest_pass_difference(n, 0.2) for n in (60, 240, 960)]
    assert found[0] is not None and found[1] is not None and found[2] is not None
    assert found[0] > found[1] > found[2]
    assert found[1] / found[2] == pytest.approx(2, abs=0.15)


def test_too_few_cases_show_nothing() -> None:
    """Where no outcome would be a proof there is no smallest difference."""
    assert smallest_pass_difference(5, 0.5) is None
    assert smallest_pass_difference(60, 0.0) is None
    assert smallest_score_difference(1, 0.2) is None
    assert smallest_score_difference(24, 0.0) is None


def test_nothing_but_passes() -> None:
    """If all cases pass it takes the least number that can prove the limit at all."""
    for n, limit in ((24, 0.9), (24, 0.99), (1, 0.95)):
        found = more_cases(metric(rate(n, n), n), limit)
        assert found is not None
        assert n + found == needed(limit)


def test_nothing_but_failures_of_a_rate() -> None:
    """A rate of 0 proves an upper bound as soon as a rate of 1 does a lower one."""
    assert more_cases(metric(rate(0, 30), 30), 0.05) == needed(0.95) - 30


@pytest.mark.parametrize(
    ("passed", "n", "limit"), [(54, 60, 0.85), (23, 24, 0.9), (28, 40, 0.8), (1, 60, 0.05)]
)
def test_shares_settle(passed: int, n: int, limit: float) -> None:
    """Of runs with that many more cases most are settled; with 1/1.7 of them hardly most."""
    first = np.array([1.0] * passed + [0.0] * (n - passed))
    found = more_cases(metric(rate(passed, n), n), limit)
    assert found is not None
    draw = np.random.default_rng(1)

    def cases(count: int) -> Floats:
        return (draw.random(count) < passed / n).astype(float)

    def estimate(values: Floats) -> Estimate:
        return rate(int(values.sum()), len(values))

    assert settled(first, cases, found, estimate, limit) >= 0.6
    assert settled(first, cases, round(found / 1.7), estimate, limit) <= 0.65


@pytest.mark.parametrize(("unit", "limit"), [("score", 0.75), ("usd", 0.75)])
def test_means_settle(unit: str, limit: float) -> None:
    """Graded scores and costs: most runs with that many more are settled, with a third few."""
    draw = np.random.default_rng(4)
    first = draw.beta(8, 2, 30)
    first += 0.79 - first.mean()

    def estimate(values: Floats) -> Estimate:
        if unit == "usd":
            return ratio(values.tolist(), [1.0] * len(values))
        return mean(values.tolist(), most=1.0)

    def cases(count: int) -> Floats:
        return draw.choice(first, count)

    found = more_cases(metric(estimate(first), 30, unit), limit)
    assert found is not None
    assert settled(first, cases, found, estimate, limit) >= 0.6
    assert settled(first, cases, round(found / 3), estimate, limit) <= 0.6


@pytest.mark.parametrize(("n", "limit"), [(40, 1000.0), (150, 900.0), (100, 640.0)])
def test_percentiles_settle(n: int, limit: float) -> None:
    """Latencies: most runs with that many more values have a p95 on one side of the limit."""
    draw = np.random.default_rng(9)

    def latencies(count: int) -> Floats:
        return draw.lognormal(6, 0.4, count)

    def estimate(values: Floats) -> Estimate:
        return percentile(values.tolist(), 95)

    first = latencies(n)
    value = estimate(first).value
    assert value is not None
    first *= np.exp(6 + 0.4 * 1.6449) / value  # as slow as the truth
    found = more_cases(metric(estimate(first), n, "ms"), limit, percentile=95)
    assert found is not None
    assert not clear(estimate(first), limit)
    assert settled(first, latencies, found, estimate, limit, runs=20) >= 0.6


def test_a_percentile_far_below_its_limit() -> None:
    """It takes no more than the 72 values that can bound a p95 at all."""
    found = metric(Estimate(300.0, 280.0, None), 24, "ms")
    assert more_cases(found, 5_000, percentile=95) == needed(0.95) - 24


def test_repeats_are_counted_as_cases() -> None:
    """24 cases asked five times each are 24 cases that passed, and cases is what is missing."""
    found = metric(rate(24, 24), 120)
    assert more_cases(found, 0.9, repeats=5) == needed(0.9) - 24


@pytest.mark.parametrize(
    ("estimate", "unit", "limit"),
    [
        (Estimate(None), "rate", 0.9),
        (rate(9, 10), "rate", 0.9),  # on the limit
        (rate(900, 1000), "rate", 0.90001),  # beyond a million
        (Estimate(0.002), "usd", 0.003),  # equal costs have no spread
        (Estimate(300.0), "ms", 400),
    ],
)
def test_never(estimate: Estimate, unit: str, limit: float) -> None:
    """Nothing is said where no number of cases would do, or none is known."""
    n = 1000 if estimate == rate(900, 1000) else 10
    assert more_cases(metric(estimate, n, unit), limit) is None


def test_nearer_takes_longer() -> None:
    """The nearer the value to the limit, the more cases."""
    found = [more_cases(metric(rate(54, 60), 60), limit) for limit in (0.8, 0.85, 0.88)]
    assert found[0] is not None and found[1] is not None and found[2] is not None
    assert found[0] < found[1] < found[2]


def test_percentiles_of_one_value_settle_by_their_number() -> None:
    """Where nothing shows a spread it takes as many as give a bound at all: 72 for the 95th."""
    one = Metric(value=4.0, low=None, high=None, n=1, unit="ms")
    assert more_cases(one, 2000.0, percentile=95) == 71
    assert more_cases(one, 2.0, percentile=95) is None
    alike = Metric(value=4.0, low=4.0, high=None, n=40, unit="ms")
    assert more_cases(alike, 2000.0, percentile=95) == 32
