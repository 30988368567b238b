"""A drill's own pace: every time of the config, divided by one factor."""

from collections.abc import Callable
from typing import Any

import pytest

from runner.config.schema import Job, Single
from runner.drill.pace import answer_seconds, faster, highest
from runner.drill.stage import offline
from tests.conftest import model

MakeJob = Callable[..., Job]
URL = "http://127.0.0.1:9/v1"


def single(job: Job) -> Single:
    assert isinstance(job.model, Single)
    return job.model


def test_all_times_shrink_alike(make_job: MakeJob) -> None:
    """Time-outs, waits and cooling get shorter, and rates a minute higher, by the same factor."""
    changes: dict[str, Any] = {
        "retry.total": "2m",
        "retry.jitter": "1s",
        "retry.breaker": {"failures": 3, "cooling": "30s"},
        "model.provider.rpm": 60,
        "model.provider.tpm": None,
    }
    found = faster(make_job(URL, **changes), 10)
    assert found.retry.breaker is not None
    assert (found.retry.total, found.retry.jitter, found.retry.breaker.cooling) == (12, 0.1, 3)
    assert found.retry.attempts == 3
    provider = single(found).provider
    assert (provider.timeout, provider.rpm, provider.tpm) == (1, 600, None)


@pytest.mark.parametrize(
    ("changes", "speed"),
    [
        ({}, 10),  # the model's time-out is 10s
        ({"retry.total": "4s"}, 4),
        ({"retry.total": "4s", "retry.attempts": 1}, 10),
        ({"model.provider.timeout": "300ms"}, 1),
        ({"model.provider.timeout": "5m"}, 30),  # retry.total is 30s
    ],
)
def test_no_time_out_gets_too_short(make_job: MakeJob, changes: Any, speed: float) -> None:
    """The pace leaves at least a second of real time to a request and to the attempts of a case."""
    assert highest(make_job(URL, **changes), 50) == speed


@pytest.mark.parametrize(
    ("typical", "seconds"),
    [
        ({"ttft_ms": 200, "tokens_per_second": 50}, 2.2),
        ({"tokens_per_second": 50}, 2.0),
        ({"ttft_ms": 200}, 0.2),
        ({}, 0.0),
    ],
)
def test_answers_take_their_typical_time(
    make_job: MakeJob, typical: dict[str, float], seconds: float
) -> None:
    """An answer takes the time to its first token, and each token its share."""
    job = make_job(URL, **{"model.typical": typical})
    assert answer_seconds(single(job), tokens=100) == pytest.approx(seconds)


def test_offline(make_job: MakeJob) -> None:
    """No place of a job keeps a key, weights, or somebody who is told of calls."""
    chain = {"name": "test", "chain": {"first": model(URL, "second")}, "on": ["overloaded"]}
    tracing = {"endpoint": "https://traces.example.com", "data": "third_party"}
    job = offline(make_job(URL, fallback=chain, callbacks=["langfuse"], tracing=tracing))
    assert [each.provider.api_key_env for each in job.models.values()] == [None, None]
    assert [each.provider.data for each in job.models.values()] == ["third_party"] * 2
    assert (job.callbacks, job.tracing) == ((), None)
