"""`python -m tests.simulations` in little: intervals hold, and are the tightest that do."""

import pytest

from tests.simulations.__main__ import simulate, too_often
from tests.simulations.draws import POPULATIONS, Population
from tests.simulations.methods import betting, ours


@pytest.mark.parametrize("population", POPULATIONS, ids=lambda one: one.name)
def test_few_intervals_are_wrong(population: Population) -> None:
    """At 10, 30 and 100 cases at most 2.5 % are wrong on either side, as far as chance lets see."""
    for n in (10, 30, 100):
        found = simulate(population, ours, n, runs=120)
        assert not too_often(found.above, found.runs), (n, found)
        assert not too_often(found.below, found.runs), (n, found)


@pytest.mark.parametrize(
    "population", [one for one in POPULATIONS if "answer" not in one.name], ids=lambda one: one.name
)
def test_bets_are_wider(population: Population) -> None:
    """Of the two kinds of interval that hold, both bounds of this one are nearer to the truth."""
    mine, other = (simulate(population, method, 40, runs=30) for method in (ours, betting))
    assert mine.down < other.down
    assert mine.up < other.up
