"""Retries and fallbacks, over a real socket."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from runner.ask import Asked, Throttle, ask
from runner.llm import Client
from runner.schema import Job
from tests import loopback
from tests.conftest import KEY, model
from tests.loopback import Answer, AnswerFunction, Loopback, in_turn

MakeJob = Callable[..., Job]
MESSAGES = [{"role": "user", "content": "hello"}]


async def asked(job: Job) -> Asked:
    async with Client() as client:
        return await ask(
            job.model, job.fallback, job.retry, Throttle(client), MESSAGES, lambda _: {}
        )


@pytest.mark.parametrize(
    "fault",
    [
        loopback.overloaded(),
        loopback.server_error(),
        loopback.rate_limited(),
        loopback.reset(),
        loopback.closed(),
    ],
)
async def test_transient_errors_use_up_the_attempts(make_job: MakeJob, fault: Answer) -> None:
    """An error that may pass gets exactly `attempts` requests, each on record."""
    with Loopback(fault) as server:
        result = await asked(make_job(server.base_url))
    assert len(server.requests) == len(result.attempts) == 3
    assert result.reply is None
    assert result.error is not None
    assert [attempt.waited_seconds > 0 for attempt in result.attempts] == [False, True, True]


@pytest.mark.parametrize(
    "fault",
    [
        loopback.wrong_key,
        loopback.no_model,
        loopback.too_long(),
        loopback.against_policy(),
        loopback.no_quota(),
        loopback.error_reply(422, "unprocessable"),
        loopback.filtered(),
    ],
)
async def test_final_errors_stop_at_once(make_job: MakeJob, fault: Answer | AnswerFunction) -> None:
    """An error that would come again gets one request."""
    with Loopback(fault) as server:
        result = await asked(make_job(server.base_url))
    assert len(server.requests) == len(result.attempts) == 1
    assert result.reply is None


async def test_recovery(make_job: MakeJob) -> None:
    """A later attempt answers; the failed ones before it stay on record."""
    with Loopback(in_turn(loopback.overloaded(), loopback.rate_limited(), loopback.echo)) as server:
        result = await asked(make_job(server.base_url))
    assert result.reply is not None
    assert result.reply.text == "hello"
    assert [attempt.error for attempt in result.attempts] == ["overloaded", "rate_limit", None]
    assert [attempt.cost_usd for attempt in result.attempts] == [0.0, 0.0, pytest.approx(20e-6)]


async def test_retry_after_is_obeyed(make_job: MakeJob) -> None:
    """The wait is at least what the provider asks for, though our own back-off is shorter."""
    with Loopback(in_turn(loopback.rate_limited(1), loopback.echo)) as server:
        result = await asked(make_job(server.base_url))
    first, second = server.requests
    assert second.time - first.time >= 1.0
    assert result.attempts[1].waited_seconds == pytest.approx(1.0, abs=0.01)


async def test_total_budget(make_job: MakeJob) -> None:
    """A wait that would end after the total is not begun."""
    with Loopback(loopback.rate_limited(60)) as server:
        started = time.monotonic()
        result = await asked(make_job(server.base_url, **{"retry.total": "2s"}))
    assert len(server.requests) == 1
    assert result.error is not None
    assert result.error.kind == "rate_limit"
    assert time.monotonic() - started < 2


async def test_timeout_cost_is_unknown(make_job: MakeJob) -> None:
    """Nobody can say what a call that timed out has cost, so it is unknown and not zero."""
    with Loopback(in_turn(loopback.hang(), loopback.echo)) as server:
        job = make_job(server.base_url, **{"model.provider.timeout": "300ms"})
        result = await asked(job)
    assert [attempt.cost_usd for attempt in result.attempts] == [None, pytest.approx(20e-6)]


def with_fallback(base_url: str, on: list[str]) -> dict[str, Any]:
    chain = {"first": model(base_url, "second-model")}
    return {"fallback": {"name": "test", "chain": chain, "on": on}}


async def test_fallback(make_job: MakeJob) -> None:
    """When the attempts are used up, the next model answers and is named as the one that did."""
    with Loopback(loopback.overloaded()) as primary, Loopback(loopback.echo) as second:
        job = make_job(primary.base_url, **with_fallback(second.base_url, ["overloaded"]))
        result = await asked(job)
    assert (len(primary.requests), len(second.requests)) == (3, 1)
    assert result.served_by == "second-model"
    assert [attempt.model for attempt in result.attempts] == ["demo-model"] * 3 + ["second-model"]


async def test_no_fallback_for_other_errors(make_job: MakeJob) -> None:
    """A wrong key of the primary is never papered over by another model."""
    with Loopback(loopback.wrong_key) as primary, Loopback(loopback.echo) as second:
        job = make_job(primary.base_url, **with_fallback(second.base_url, ["overloaded"]))
        result = await asked(job)
    assert (len(primary.requests), len(second.requests)) == (1, 0)
    assert result.reply is None
    assert KEY not in str(result.error)
