"""What stands in for a job's providers."""

from collections.abc import Callable

import pytest

from runner.config.schema import Job, Single
from runner.drill.loopback.dialect import Dialect
from runner.drill.loopback.dialects import Anthropic, OpenAI
from runner.drill.loopback.spoken import dialect_of
from runner.drill.stage import answer_seconds, offline
from tests.conftest import model

MakeJob = Callable[..., Job]
URL = "http://127.0.0.1:9/v1"


def single(job: Job) -> Single:
    assert isinstance(job.model, Single)
    return job.model


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


@pytest.mark.parametrize(
    ("prefix", "dialect"), [("anthropic", Anthropic), ("groq", OpenAI), ("deepseek", OpenAI)]
)
def test_dialects(make_job: MakeJob, prefix: str, dialect: type[Dialect]) -> None:
    """A provider is known by its prefix, whatever its name; a new one speaks like OpenAI."""
    provider = single(make_job(URL, **{"model.provider.litellm": prefix})).provider
    assert type(dialect_of(provider)) is dialect
