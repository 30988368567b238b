"""Bounds of means are monotone, agree with exact ones, and hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from runner.measure import bounded
from runner.measure.bounded import chance_below, quantile
from runner.measure.statistics import mean, rate, ratio

GRIDS = (
    [0.0, 1.0],
    [0.0, 1 / 3, 2 / 3, 1.0],
    [k / 4 for k in range(5)],
    [k / 97 for k in range(98)],
)
NOISE = 1e-9  # numerical


@st.composite
def worsened(draw: st.DrawFn) -> tuple[list[float], list[float]]:
    """Scores on a grid, and the same with one of them lower."""
    grid = draw(st.sampled_from(GRIDS))
    scores = draw(st.lists(st.sampled_from(grid), min_size=1, max_size=120))
    which = draw(st.integers(0, len(scores) - 1))
    worse = list(scores)
    worse[which] = draw(st.sampled_from([step for step in grid if step <= scores[which]]))
    return scores, worse


@settings(max_examples=60, deadline=None)
@given(worsened(), st.sampled_from([0.8, 0.95, 0.99]))
def test_one_more_mistake_never_raises_a_bound(
    pair: tuple[list[float], list[float]], confidence: float
) -> None:
    """Of any number of scores on any grid, neither bound rises where one score falls."""
    before, after = (mean(scores, most=1.0, confidence=confidence) for scores in pair)
    assert before.low is not None and after.low is not None
    assert before.high is not None and after.high is not None
    assert after.low <= before.low + NOISE
    assert after.high <= before.high + NOISE


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
def test_one_more_case_that_failed_never_raises_a_bound(scores: list[float]) -> None:
    """Nor does a case that is added, with the worst score there is."""
    before, after = mean(scores, most=1.0), mean([*scores, 0.0], most=1.0)
    assert before.low is not None and after.low is not None
    assert before.high is not None and after.high is not None
    assert after.low <= before.low + NOISE
    assert after.high <= before.high + NOISE


@settings(max_examples=30, deadline=None)
@given(worsened(), st.integers(0, 119))
def test_a_dearer_request_never_lowers_a_bound(
    pair: tuple[list[float], list[float]], unanswered: int
) -> None:
    """Neither does one that is not answered any more."""
    cheaper, dearer = reversed(pair)
    answers = [1.0] * len(dearer)
    before = ratio(cheaper, answers, most=20.0)
    answers[unanswered % len(answers)] = 0.0
    after = ratio(dearer, answers, most=20.0)
    if after.value is not None:
        assert before.low is not None and after.low is not None
        assert before.high is not None and after.high is not None
        assert after.low >= before.low * (1 - NOISE)
        assert after.high >= before.high * (1 - NOISE)


def test_no_jump_between_kinds_of_scores() -> None:
    """Thirty scores, of which ever more are two thirds: each of them lowers the bound."""
    lows = [mean([1.0] * (30 - k) + [2 / 3] * k, most=1.0).low for k in range(31)]
    assert (np.diff(np.array(lows, float)) < 0).all()


@pytest.mark.parametrize("n", [1, 2, 5, 30, 200, 10_000])
def test_passes_and_failures_are_clopper_and_pearsons(n: int) -> None:
    """At any size the bounds of zeros and ones are the exact binomial ones."""
    for passed in {0, 1, n // 3, n - 1, n}:
        found = mean([1.0] * passed + [0.0] * (n - passed), most=1.0)
        assert found == pytest.approx(rate(passed, n), abs=1e-10)


def test_the_integral_is_that_of_a_b_spline() -> None:
    """A mean with Dirichlet weights has a B-spline with knots at its values as its density.

    Curry and Schoenberg 1966, "On Pólya frequency functions IV", Journal d'Analyse Mathématique
    17, whose integral is the divided difference below.
    """
    draw = np.random.default_rng(3)
    for n in (2, 3, 5, 9):
        values = np.sort(draw.random(n + 1))
        for point in np.quantile(values, [0.2, 0.5, 0.9]):
            above = [
                (value - point) ** n / np.prod(value - np.delete(values, k))
                for k, value in enumerate(values)
                if value > point
            ]
            found = chance_below(values - point, np.ones(n + 1, dtype=int))
            assert found == pytest.approx(1 - sum(above), abs=1e-7)


@pytest.mark.parametrize("scale", [1, 1e3, 1e6])
def test_the_quantile_of_a_ratio_is_that_of_random_weights(scale: float) -> None:
    """Costs over answers, where one cost is far above the others: as 200,000 draws have it."""
    draw = np.random.default_rng(4)
    costs = np.append(draw.lognormal(0, 0.5, 40), 2 * scale)
    answers = np.append((draw.random(40) < 0.9).astype(float), 0.0)
    weights = draw.exponential(size=(200_000, 41))
    drawn = (weights @ costs) / (weights @ answers)
    for share in (0.025, 0.5, 0.975):
        found = quantile(costs, answers, share)
        assert (drawn <= found).mean() == pytest.approx(share, abs=0.002)


def test_small_samples() -> None:
    """No, one or two values never fail, whatever they are."""
    for values in ([], [0.0], [1.0], [0.3], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.2, 0.2]):
        for most in (None, 0.0, 0.5, 1.0):
            found = mean(values, most=most)
            assert (found.value is None) == (not values)
            priced = ratio(values, [0.0] * len(values), most=most)
            assert priced.value is None


def test_ten_thousand_values_that_all_differ() -> None:
    """As many as a large run has, the interval is that of the normal distribution."""
    values = np.random.default_rng(5).beta(9, 1, 10_000)
    found = mean(values.tolist(), most=1.0)
    reach = stats.norm.ppf(0.975) * values.std() / 100
    assert found.low == pytest.approx(values.mean() - reach, abs=reach / 10)
    assert found.high == pytest.approx(values.mean() + reach, abs=reach / 10)


SHAPES = {
    "scores": lambda draw, n: draw.beta(8, 2, n),
    "milliseconds": lambda draw, n: draw.lognormal(6, 0.7, n),
    "a long tail": lambda draw, n: draw.pareto(1.5, n),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("answered", [1.0, 0.9])
def test_a_great_many_values(monkeypatch: pytest.MonkeyPatch, shape: str, answered: float) -> None:
    """On a grid a bound lies no nearer, and further out by no more than anybody could see."""
    draw = np.random.default_rng(5)
    over = np.append(SHAPES[shape](draw, 4000), 0.0)
    under = np.append(draw.random(4000) < answered, 1.0).astype(float)
    value = over.sum() / under.sum()
    shares = 0.025, 0.975
    exact = [quantile(over, under, share) for share in shares]
    monkeypatch.setattr(bounded, "_MANY", 1000)
    gridded = [quantile(over, under, share) for share in shares]
    for one, other in zip(exact, gridded, strict=True):
        assert 0 <= (other - one) / (one - value) < 1e-5
    over[7] *= 1.001
    for before, share in zip(gridded, shares, strict=True):
        assert quantile(over, under, share) >= before
