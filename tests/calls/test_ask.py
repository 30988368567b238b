"""Retries and fallbacks, over a real socket."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.calls.ask import Asker
from runner.calls.budget import Budget
from runner.calls.dispatch import Dispatch
from runner.calls.transport import Transport
from runner.cases.call_log import CallLog
from runner.cases.cases import Case
from runner.cases.query import Query
from runner.config.schema import Job
from runner.drill.loopback.server import Host, LoopbackProvider
from runner.record.ledger import Ledger
from runner.record.outcomes import Sent
from tests import loopback
from tests.conftest import KEY, model
from tests.loopback import Answer, AnswerFunction, Loopback, in_turn
from tests.loopback.answers import Chat
from tests.simulated import now, simulated

MakeJob = Callable[..., Job]


async def asked(
    job: Job,
    *,
    times: int = 1,
    host: Host | None = None,
    ledger: Ledger | None = None,
    **case: Any,
) -> CallLog:
    """The last of so many questions, one after the other; with `host` on a simulated loop."""
    query = Query(
        case=Case(id="c0", input="hello", **case),
        messages=[{"role": "user", "content": "hello"}],
        sampling=job.task.sampling,
        output=job.task.output,
        task=job.task,
    )
    async with Transport(unix_socket=host.socket, clock=now) if host else Transport() as transport:
        dispatch = Dispatch(transport, Budget(job.budget_usd))
        asker = Asker(dispatch, job.retry, job.fallback, ledger=ledger)
        for _ in range(times):
            found = await asker.ask(job.model, query)
    return found


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


@simulated
async def test_retry_after_is_obeyed(make_job: MakeJob) -> None:
    """The wait is what the provider asks for, though our own back-off is shorter."""
    server = LoopbackProvider(in_turn(loopback.rate_limited(30), loopback.echo), Chat())
    async with Host() as host:
        result = await asked(make_job(host.add(server)), host=host)
    first, second = server.requests
    assert second.time - first.time == pytest.approx(30, abs=1e-3)
    assert result.attempts[1].waited_seconds == 30


@simulated
async def test_total_budget(make_job: MakeJob) -> None:
    """A wait that would end after the total is not begun."""
    server = LoopbackProvider(loopback.rate_limited(60), Chat())
    async with Host() as host:
        job = make_job(host.add(server), **{"retry.total": "59s"})
        result = await asked(job, host=host)
        assert now() < 1
    assert len(server.requests) == 1
    assert result.error is not None
    assert result.error.kind == "rate_limit"


class _OnSlowDisk(Ledger):
    async def put(self, sent: Sent) -> None:
        await asyncio.sleep(60)
        await super().put(sent)


@simulated
async def test_total_is_the_providers(make_job: MakeJob, tmp_path: Path) -> None:
    """What we do ourselves between requests, be it for minutes, takes no attempt away."""
    ledger = _OnSlowDisk(tmp_path / "cases.jsonl")
    async with Host() as host:
        job = make_job(
            host.add(LoopbackProvider(loopback.overloaded(), Chat())), **{"retry.total": "59s"}
        )
        result = await asked(job, host=host, ledger=ledger)
        assert now() > 300
    assert len(result.attempts) == 3


@simulated
async def test_timeout_cost_is_unknown(make_job: MakeJob) -> None:
    """Nobody can say what a call that timed out has cost, so it is unknown and not zero."""
    async with Host() as host:
        base_url = host.add(LoopbackProvider(in_turn(loopback.hang(), loopback.echo), Chat()))
        result = await asked(make_job(base_url), host=host)
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


@pytest.mark.parametrize(
    ("flaw", "answer"),
    [("truncated", loopback.truncated()), ("invalid_output", loopback.text("no JSON"))],
)
async def test_flawed_answers_fall_back_when_listed(
    make_job: MakeJob, flaw: str, answer: Answer
) -> None:
    """An answer that is cut off or malformed goes to the next model only where `on` says so."""
    good = loopback.json_text({"a": 1})
    with Loopback(answer) as primary, Loopback(good) as second:
        chain = with_fallback(second.base_url, [flaw])
        found = await asked(make_job(primary.base_url, **chain, **{"task.output": "json"}))
        chain = with_fallback(second.base_url, ["timeout"])
        kept = await asked(make_job(primary.base_url, **chain, **{"task.output": "json"}))
    assert (found.served_by, found.fallback) == ("second-model", "first")
    assert [attempt.error for attempt in found.attempts] == [flaw, None]
    assert found.attempts[0].cost_usd == pytest.approx(20e-6)  # it was an answer, and is paid for
    assert (kept.served_by, kept.fallback) == ("demo-model", None)


async def test_flawed_answer_stands_when_nobody_does_better(make_job: MakeJob) -> None:
    """The primary's own answer, however bad, is better than the failure of its fallback."""
    with Loopback(loopback.truncated("The")) as primary, Loopback(loopback.wrong_key) as second:
        job = make_job(primary.base_url, **with_fallback(second.base_url, ["truncated"]))
        found = await asked(job)
    assert found.reply is not None
    assert found.error is None
    assert (found.reply.text, found.served_by, found.fallback) == ("The", "demo-model", None)


async def test_unfit_fallback_is_skipped(make_job: MakeJob) -> None:
    """A fallback whose window is too small is passed over, and the record says why."""
    with Loopback(loopback.overloaded()) as primary, Loopback(loopback.echo) as second:
        chain = with_fallback(second.base_url, ["overloaded"])["fallback"]
        small = model(second.base_url, "small-model") | {"context_tokens": 10}
        chain["chain"] = {"small": small, **chain["chain"]}
        found = await asked(make_job(primary.base_url, fallback=chain))
    assert found.served_by == "second-model"
    assert [skipped.model for skipped in found.skipped] == ["small-model"]
    assert "do not fit" in found.skipped[0].why


async def test_open_circuit_goes_to_the_fallback(make_job: MakeJob) -> None:
    """A provider that failed too often is not asked while it cools, and the record says so."""
    breaker = {"retry.attempts": 1, "retry.breaker": {"failures": 2, "cooling": "1h"}}
    with Loopback(loopback.overloaded()) as primary, Loopback(loopback.echo) as second:
        chain = with_fallback(second.base_url, ["overloaded"])
        chain["fallback"]["chain"]["first"]["provider"]["name"] = "another"
        found = await asked(make_job(primary.base_url, **chain, **breaker), times=4)
    assert len(primary.requests) == 2
    assert len(second.requests) == 4
    assert found.served_by == "second-model"
    assert "left alone" in found.skipped[0].why


async def test_budget_stops_before_the_request(make_job: MakeJob) -> None:
    """A request that might cost more than is left is not sent."""
    with Loopback(loopback.echo) as server:
        found = await asked(make_job(server.base_url, budget_usd=1e-7))
    assert server.requests == []
    assert found.error is not None
    assert found.error.kind == "budget"


async def test_an_unreadable_reply_is_asked_for_again(make_job: MakeJob) -> None:
    """A reply that nobody can read is asked for as often again as `retry` says."""
    for again, requests in ((0, 1), (1, 2)):
        with Loopback(loopback.garbage()) as server:
            job = make_job(server.base_url, **{"retry.invalid_replies": again})
            log = await asked(job)
        assert log.error is not None and log.error.kind == "invalid_reply"
        assert len(server.requests) == len(log.attempts) == requests
