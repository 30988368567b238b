"""A bound that is not proven says what would settle it."""

import pytest

from runner.measure.statistics import Estimate, rate
from runner.measure.verdict import about, verdict_on, word_for
from runner.record.outcomes import Metric


def metric(estimate: Estimate, n: int, unit: str = "score") -> Metric:
    return Metric(**estimate._asdict(), n=n, unit=unit)


@pytest.mark.parametrize(
    ("low", "high", "side", "word"),
    [
        (0.8, 0.9, "min", "met"),
        (0.7, 0.8, "min", "not proven"),
        (0.7, 0.79, "min", "missed"),
        (0.7, 0.8, "max", "met"),
        (0.8, 0.9, "max", "not proven"),
        (0.81, 0.9, "max", "missed"),
        (None, None, "min", "not proven"),
        (None, None, "max", "not proven"),
    ],
)
def test_an_interval_decides(low: float, high: float, side: str, word: str) -> None:
    """A bound is met or missed by the whole interval, and reached is met."""
    assert word_for(low, high, side, 0.8) == word  # type: ignore[arg-type]


def test_how_many_more_cases() -> None:
    """56 of 60 is not proven to be 0.85, and the sentence says how many more cases would tell."""
    found = verdict_on("q", "quality", {"quality": metric(rate(56, 60), 60)}, "min", 0.85)
    assert found.more_cases == 30
    assert found.why == (
        "quality 0.933, at least 0.838 with 95 % confidence: 0.85 is not proven; "
        "about 30 more cases would settle it; as measured it is met"
    )


def test_repeats_are_no_cases() -> None:
    """The same share of cases asked three times each asks for as many more cases."""
    metrics = {"quality": metric(rate(56, 60), 180)}
    assert verdict_on("q", "quality", metrics, "min", 0.85, repeats=3).more_cases == 30


def test_a_percentile_is_known_by_its_name() -> None:
    """A p95 without an upper bound takes as many cases as can bound a p95 at all."""
    metrics = {"latency_p95_ms": metric(Estimate(300.0, 280.0, None), 24, "ms")}
    assert verdict_on("l", "latency_p95_ms", metrics, "max", 5000).more_cases == 72 - 24


def test_where_nobody_knows_how_many() -> None:
    """Without any spread to go by the sentence says the least number that could be a proof."""
    metrics = {"latency_p95_ms": metric(Estimate(300.0), 24, "ms")}
    found = verdict_on("l", "latency_p95_ms", metrics, "max", 200)
    assert found.more_cases is None
    assert found.why.endswith(
        "is not proven (72 observations are needed, 24 are here); as measured it is missed"
    )
    assert verdict_on("l", "latency_p95_ms", metrics, "max", 5000).more_cases == 72 - 24


def test_what_is_settled_needs_no_more() -> None:
    """Neither a met nor a missed bound asks for cases."""
    for limit in (0.8, 0.99):
        found = verdict_on("q", "quality", {"quality": metric(rate(56, 60), 60)}, "min", limit)
        assert found.verdict != "not proven"
        assert found.more_cases is None


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "about 1 more case"),
        (2, "about 2 more cases"),
        (99, "about 99 more cases"),
        (101, "about 110 more cases"),
        (207, "about 210 more cases"),
        (3639, "about 3,700 more cases"),
    ],
)
def test_two_digits_are_enough(count: int, words: str) -> None:
    """The number is rounded up, since fewer would not do."""
    assert about(count) == words
