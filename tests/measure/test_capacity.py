"""A month is carried when each provider's limits hold its busiest minute."""

from typing import Any

import pytest

from runner.measure.capacity import carries
from runner.record.outcomes import Metric, Verdict
from tests.report.make import job, model

# At the default peak_factor of 3, so many a month are 100 in the busiest minute.
A_HUNDRED_A_MINUTE = round(100 / 3 * 365.25 / 12 * 24 * 60)


def metric(value: float | None, unit: str, spread: float = 0.1) -> Metric:
    low, high = (None, None) if value is None else (value * (1 - spread), value * (1 + spread))
    return Metric(value=value, low=low, high=high, n=24, unit=unit)


METRICS = {
    "attempts_per_request": metric(1.0, "attempts"),
    "tokens_per_request": metric(200.0, "tokens"),
    "latency_mean_ms": metric(1200.0, "ms"),
    "monthly_cost_usd": metric(300.0, "usd"),
}


def limited(name: str = "small", **limits: Any) -> dict[str, Any]:
    found = model(name)
    return {**found, "provider": found["provider"] | limits}


def verdict(metrics: dict[str, Metric] | None = None, **changes: Any) -> Verdict:
    return carries(job(**changes), METRICS if metrics is None else metrics, A_HUNDRED_A_MINUTE)


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        ({"rpm": 100}, "met"),
        ({"rpm": 99}, "missed"),
        ({"tpm": 22_001}, "met"),  # 20,000 are needed, at most 22,000
        ({"tpm": 21_000}, "not proven"),
        ({"tpm": 17_000}, "missed"),
        ({"max_concurrency": 3}, "met"),  # 100 a minute of 1.2 s each are 2 at once
        ({"max_concurrency": 2}, "not proven"),
        ({"max_concurrency": 1}, "missed"),
        ({"rpm": 1000, "tpm": 17_000}, "missed"),
        ({}, "unknown"),
    ],
)
def test_limits(limits: dict[str, Any], word: str) -> None:
    """Requests, tokens and requests at once are each held against the limit that is stated."""
    assert verdict(model=limited(**limits)).verdict == word


def test_the_sentence() -> None:
    """It states the assumption about the peak, what is needed, what is there and the cost."""
    found = verdict(model=limited(rpm=500, max_concurrency=10))
    assert found.why == (
        "100 a minute at peak (3x the average): small-host takes 500 requests a minute, 100 are "
        "needed (met); small-host takes 10 requests at once, 2 are needed (met); $300 a month"
    )


def test_retries_are_requests() -> None:
    """Where each request takes two attempts the limit has to hold twice as many."""
    metrics = METRICS | {"attempts_per_request": metric(2.0, "attempts")}
    assert verdict(metrics, model=limited(rpm=199)).verdict == "missed"
    assert verdict(metrics, model=limited(rpm=200)).verdict == "met"


def test_the_peak_is_an_assumption() -> None:
    """peak_factor scales the load."""
    flat: dict[str, Any] = {"requirements": {"peak_factor": 1}}
    assert verdict(model=limited(rpm=34), **flat).verdict == "met"
    assert verdict(model=limited(rpm=33), **flat).verdict == "missed"


def test_the_whole_chain_has_to_carry_it() -> None:
    """A fallback carries all of it while the primary fails; one that states nothing is unknown."""
    primary = limited(rpm=1000)
    for limits, word in (({"rpm": 1000}, "met"), ({"rpm": 10}, "missed"), ({}, "unknown")):
        chain = {"first": limited("big", **limits)}
        assert verdict(model=primary, chain=chain).verdict == word


def test_arms_share_the_load() -> None:
    """A composite over two providers can't be proven to overload one of them."""
    arms = {name: limited(name, rpm=10) for name in ("a", "b")}
    split = {"kind": "split", "name": "ab", "arms": arms, "weights": {"a": 1, "b": 1}}
    found = verdict(model=split)
    assert found.verdict == "not proven"
    assert "share the load" in found.why


def test_a_server_of_ours_has_its_slots() -> None:
    """The embedded model takes as many requests at once as it has slots."""
    weights = {"path": "weights.gguf", "context_tokens": 2048}
    for slots, word in ((3, "met"), (1, "missed")):
        assert verdict(model=model(artifact={**weights, "slots": slots})).verdict == word


def test_nothing_was_measured() -> None:
    """Without a latency nobody knows how many requests are under way at once."""
    assert verdict({}, model=limited(max_concurrency=10)).verdict == "unknown"
