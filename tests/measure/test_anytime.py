"""Bounds that hold however often one looks."""

import numpy as np
import pytest

from runner.measure.anytime import proves, shared_tail, successes_needed
from runner.measure.statistics import mean, percentile, ratio
from tests.simulations.draws import POPULATIONS, Population
from tests.simulations.racing import by_a_hair, clear_half, simulate


@pytest.mark.parametrize(
    "population",
    [one for one in POPULATIONS if "repeats" not in one.name],
    ids=lambda one: one.name,
)
def test_looking_again_is_wrong_no_oftener(population: Population) -> None:
    """Of 60 samples at most a fifth has a bound of 80 % on the wrong side at any of five looks."""
    draw, wrong = np.random.default_rng(0), 0
    for _ in range(60):
        sample = population.draw(draw, 100)
        looks = []
        for n in range(20, 101, 20):
            values = sample.values[:n].tolist()
            if sample.under is None:
                looks.append(mean(values, most=population.most, confidence=0.8, anytime=True))
            else:
                under, most = sample.under[:n].tolist(), population.most
                looks.append(ratio(values, under, most=most, confidence=0.8, anytime=True))
        above = any(one.low is not None and one.low > population.truth for one in looks)
        below = any(one.high is not None and one.high < population.truth for one in looks)
        wrong += above or below
    assert wrong <= 0.2 * 60


def test_one_more_mistake_never_helps() -> None:
    """Of scores, of which one gets worse, neither bound rises, in whichever order they come."""
    draw = np.random.default_rng(1)
    for _ in range(20):
        values = draw.random(30).round(1)
        worse = values.copy()
        worse[draw.integers(30)] *= draw.random()
        one = mean(values.tolist(), most=1.0, anytime=True)
        other = mean(draw.permutation(worse).tolist(), most=1.0, anytime=True)
        assert one.low is not None
        assert one.high is not None
        assert other.low is not None
        assert other.high is not None
        assert other.low <= one.low + 1e-7
        assert other.high <= one.high + 1e-7


@pytest.mark.parametrize(("n", "late"), [(400, 3), (160, 0), (90, 0)])
def test_a_percentile_is_bounded_by_the_share_above_it(n: int, late: int) -> None:
    """The p95 is proven at most 1 just where the share of 1 and less is proven 95 % or more."""
    values = [1.0] * (n - late) + [9.0] * late
    found = percentile(values, 95, None, 0.95, True)
    share = mean([float(value <= 1) for value in values], most=1.0, anytime=True)
    assert share.low is not None
    assert (found.high is not None and found.high <= 1) == (share.low >= 0.95)
    least = successes_needed(n, 0.95, 0.025)
    assert (least is not None and n - late >= least) == (share.low >= 0.95)


def test_the_error_is_shared() -> None:
    """Eight wrong proofs, four wrong misses of the best, seven lost comparisons: 5 % in all."""
    assert shared_tail(0.95, 8, 4) * (8 + 4 + 7) == pytest.approx(0.05)
    assert proves(np.ones(6), 0.05)
    assert not proves(np.zeros(1000), 0.05)


def test_races_save_most_and_choose_alike() -> None:
    """`python -m tests.simulations race` in little: at 500 cases half of which clearly lose, at
    least 60 % of the dollars is saved and 95 % choose as asking all would; and where all miss by a
    hair, few are ever proven."""
    clear = simulate(clear_half, 500, 80)
    assert clear.saved >= 0.6
    assert clear.as_full >= 0.95
    assert clear.wrong == 0
    assert simulate(by_a_hair, 300, 120).wrong <= 0.05
