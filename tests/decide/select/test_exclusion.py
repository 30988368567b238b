"""What one's own runs measured counts for more than what a model's file says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.config.schema import Job, Single
from runner.decide import own_runs
from runner.decide.select.candidates import Prospect
from runner.record.outcomes import Metric
from tests.decide.select.test_candidates import ranked
from tests.decide.test_own_runs import kept

MakeJob = Callable[..., Job]
Candidates = Callable[..., Prospect]


def metric(value: float, low: float | None, high: float | None, unit: str) -> Metric:
    return Metric(value=value, low=low, high=high, n=60, unit=unit)


@pytest.fixture
def candidate(make_job: MakeJob, tmp_path: Path) -> Candidates:
    """The candidate that a finished run makes of a model whose file says it takes 5.5 s."""
    typical = {"model.typical": {"ttft_ms": 500, "tokens_per_second": 100}}
    thinks = {"model.reasoning": {"default": "high"}}
    job = make_job("http://127.0.0.1:9/v1", **typical, **thinks)

    def make(requirements: dict[str, Any], **metrics: Metric) -> Prospect:
        assert isinstance(job.model, Single)
        when = "2026-11-20T00:00:00+00:00"
        kept(tmp_path / "outputs/runs/a", job, 0.9, when, metrics=metrics)
        models = {"demo-model": job.model}
        measured, _ = own_runs.of_task(tmp_path / "outputs", job.task, models)
        [found] = ranked(job.model, requirements=requirements, measured=measured)
        return found

    return make


def test_a_measured_latency_beats_a_typical_one(candidate: Candidates) -> None:
    """Proven within the bound it stays, and nothing is open, whatever somebody else measured."""
    fast = metric(900, 800, 1000, "ms")
    found = candidate({"max_latency_ms": 1500}, latency_p95_ms=fast)
    assert (found.excluded, found.open, found.thinks) == ((), (), False)


@pytest.mark.parametrize(
    ("requirements", "measured", "said"),
    [
        ({"max_latency_ms": 700}, {"latency_p95_ms": metric(900, 800, 1000, "ms")},
         "max_latency_ms: latency_p95_ms 900 ms in "),
        ({"min_quality_score": 0.9}, {"quality": metric(0.5, 0.4, 0.6, "score")},
         "min_quality_score: quality 0.500 in "),
        ({"availability": 0.99}, {"error_rate": metric(0.3, 0.2, 0.4, "rate")},
         "availability: error_rate 0.300 in "),
        ({"bounds": {"truncated_rate": {"max": 0.1}}},
         {"truncated_rate": metric(0.3, 0.2, 0.4, "rate")},
         "bounds.truncated_rate: truncated_rate 0.300 in "),
    ],
)  # fmt: skip
def test_what_was_proven_to_miss_is_out(
    candidate: Candidates, requirements: dict[str, Any], measured: dict[str, Metric], said: str
) -> None:
    """The whole interval on the wrong side excludes, with the run that shows it."""
    found = candidate(requirements, **measured)
    [reason] = found.excluded
    assert str(reason).startswith(said)
    assert "runs/a (4 cases, 2026-11-20), " in str(reason)
    assert reason.times is not None and reason.times > 1


def test_what_is_not_proven_is_open(candidate: Candidates) -> None:
    """An interval on both sides of a bound neither excludes nor passes."""
    wide = metric(0.88, 0.8, 0.95, "score")
    found = candidate({"min_quality_score": 0.85}, quality=wide)
    assert found.excluded == ()
    [said] = found.open
    assert said.startswith("min_quality_score is open: quality 0.880 in ")


def test_counted_tokens_make_the_cost(candidate: Candidates) -> None:
    """Thinking is among the tokens that a run counted, and so in the price of a request."""
    counted = {
        "input_tokens": metric(100, 90, 110, "tokens"),
        "output_tokens": metric(3000, 2000, 4000, "tokens"),
    }
    found = candidate({"max_cost_per_request": 0.003}, **counted)
    assert found.usd_per_request == pytest.approx((100 * 1 + 3000 * 2) / 1e6)
    assert [str(each).partition(":")[0] for each in found.excluded] == ["max_cost_per_request"]
