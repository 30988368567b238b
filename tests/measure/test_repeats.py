"""What repeats of the same cases say."""

from itertools import combinations

import numpy as np
import pytest

from runner.measure.repeats import flakiness, mean_pass_at_k, pass_at_k
from runner.measure.statistics import rate


def test_flaky_cases() -> None:
    """Cases whose scores disagree are counted, and listed with the most divided one first."""
    found = flakiness(
        {
            "steady": [1.0, 1.0, 1.0, 1.0],
            "rare": [1.0, 1.0, 1.0, 0.0],
            "coin": [1.0, 0.0, 1.0, 0.0],
            "wrong": [0.0, 0.0, 0.0, 0.0],
            "once": [1.0],
        }
    )
    assert found is not None
    assert (found.share.value, found.share.n) == (0.5, 4)
    assert (found.share.low, found.share.high) == rate(2, 4)[1:]
    assert list(found.cases) == ["coin", "rare"]
    assert found.cases["coin"] == 0.5


def test_one_answer_is_not_flaky() -> None:
    """Where every case was asked once nothing is known, which is not zero."""
    assert flakiness({"a": [1.0], "b": [0.0]}) is None
    assert flakiness({}) is None


@pytest.mark.parametrize(("n", "passed"), [(5, 0), (5, 2), (6, 3), (7, 7)])
def test_pass_at_k_counts_the_choices(n: int, passed: int) -> None:
    """It is the share of the ways to pick k of n tries that pick one that passed."""
    tries = [True] * passed + [False] * (n - passed)
    for k in range(1, n + 1):
        picks = list(combinations(tries, k))
        assert pass_at_k(n, passed, k) == pytest.approx(sum(map(any, picks)) / len(picks))


def test_pass_at_k_is_the_published_product() -> None:
    """With 200 tries it is what the product in figure 3 of Chen et al. 2021 gives."""
    for passed in (1, 20, 150):
        for k in (1, 10, 100):
            product = 1.0
            if 200 - passed >= k:
                product -= float(np.prod(1.0 - k / np.arange(200 - passed + 1, 201)))
            assert pass_at_k(200, passed, k) == pytest.approx(product)


def test_pass_at_k_has_no_bias() -> None:
    """Its mean over all that ten tries may bring is the true chance that one of k passes."""
    chance, n, k = 0.3, 10, 4
    weights = np.random.default_rng(2).binomial(n, chance, 20_000)
    found = np.mean([pass_at_k(n, int(passed), k) for passed in weights])
    assert found == pytest.approx(1 - (1 - chance) ** k, abs=0.01)


def test_more_tries_than_there_are() -> None:
    """pass@k of fewer than k tries is refused in a sentence."""
    with pytest.raises(ValueError, match="pass@3 takes at least 3 tries, here are 2"):
        pass_at_k(2, 1, 3)


def test_the_mean_over_cases() -> None:
    """Cases with fewer than k scores are left out, and graded scores pass at 1 alone."""
    scores = {"a": [1.0, 0.0, 0.0], "b": [0.9, 0.9, 0.9], "c": [1.0]}
    found = mean_pass_at_k(scores, 2)
    assert (found.n, found.unit) == (2, "rate")
    assert found.value == pytest.approx((2 / 3 + 0) / 2)
    assert mean_pass_at_k(scores, 4).value is None
