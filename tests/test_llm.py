"""One request over a real socket, against a server that speaks OpenAI's wire format."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from runner.errors import CallFailed, ConfigError, ErrorKind
from runner.llm import Client, check_parameters
from runner.records import Reply
from runner.schema import Job
from tests import loopback
from tests.conftest import KEY
from tests.loopback import Answer, AnswerFunction, Loopback

MakeJob = Callable[..., Job]
MESSAGES = [{"role": "user", "content": "hello"}]


async def ask(job: Job, **params: Any) -> Reply:
    async with Client() as client:
        return await client.complete(job.model, MESSAGES, {"max_tokens": 7} | params)


async def fail(job: Job) -> CallFailed:
    with pytest.raises(CallFailed) as raised:
        await ask(job)
    return raised.value


async def test_reply(make_job: MakeJob) -> None:
    """A reply carries text, finish reason, usage with its details, and the model that answered."""
    usage = loopback.tokens(100, 20, cached=40, reasoning=8)
    with Loopback(loopback.text("hi", usage=usage, model="served-2026")) as server:
        reply = await ask(make_job(server.base_url))
    assert (reply.text, reply.finish_reason, reply.model_served) == ("hi", "stop", "served-2026")
    assert reply.usage is not None
    assert reply.usage.model_dump() == {
        "input_tokens": 100,
        "output_tokens": 20,
        "cached_input_tokens": 40,
        "reasoning_tokens": 8,
    }


@pytest.mark.parametrize("prefix", ["openai", "hosted_vllm", "mistral", "together_ai"])
async def test_effective_request(make_job: MakeJob, prefix: str) -> None:
    """The record shows the body that the server got, messages apart."""
    with Loopback(loopback.echo) as server:
        job = make_job(server.base_url, **{"model.provider.litellm": prefix})
        reply = await ask(job, temperature=0.0, seed=3)
    [request] = server.requests
    assert reply.request | {"messages": MESSAGES} == request.body
    assert request.body["max_tokens"] == 7
    assert request.headers["authorization"] == f"Bearer {KEY}"


async def test_extra_body(make_job: MakeJob) -> None:
    """A model's extra_body reaches the wire as it is."""
    with Loopback(loopback.echo) as server:
        await ask(make_job(server.base_url, **{"model.extra_body": {"top_k": 40}}))
    assert server.requests[0].body["top_k"] == 40


async def test_seconds(make_job: MakeJob) -> None:
    """The time is that of the request on the wire, not of litellm's first-call imports."""
    with Loopback(loopback.text("hi", delay=0.2)) as server:
        reply = await ask(make_job(server.base_url))
    assert 0.19 < reply.seconds < 0.35


async def test_no_usage_is_unknown(make_job: MakeJob) -> None:
    """A reply without usage is an answer of unknown usage, not of zero tokens."""
    with Loopback(loopback.text("hi", usage=None)) as server:
        assert (await ask(make_job(server.base_url))).usage is None


FAULTS: list[tuple[Answer | AnswerFunction, ErrorKind, int | None, bool]] = [
    (loopback.wrong_key, "auth", 401, True),
    (loopback.rate_limited(), "rate_limit", 429, True),
    (loopback.no_quota(), "insufficient_quota", 429, True),
    (loopback.too_long(), "context_window", 400, True),
    (loopback.against_policy(), "content_policy", 400, True),
    (loopback.no_model, "not_found", 404, True),
    (loopback.server_error(), "server_error", 500, True),
    (loopback.error_reply(502, "bad gateway"), "server_error", 502, True),
    (loopback.overloaded(), "overloaded", 503, True),
    (loopback.error_reply(529, "overloaded"), "overloaded", 529, True),
    (loopback.error_reply(422, "unprocessable"), "bad_request", 422, True),
    (loopback.garbage(), "invalid_reply", 200, False),
    (loopback.no_choices(), "invalid_reply", 200, False),
    (loopback.filtered(), "content_policy", 200, False),
    (loopback.reset(), "connection", None, False),
    (loopback.closed(), "connection", None, False),
    (loopback.cut_off(), "connection", 200, False),
]


@pytest.mark.parametrize("prefix", ["openai", "hosted_vllm"])
@pytest.mark.parametrize(("answer", "kind", "status", "unbilled"), FAULTS)
async def test_faults(
    make_job: MakeJob,
    prefix: str,
    answer: Answer | AnswerFunction,
    kind: ErrorKind,
    status: int | None,
    unbilled: bool,
) -> None:
    """Each way to fail gets its kind, its status on the wire, and says whether it was billed."""
    with Loopback(answer) as server:
        error = await fail(make_job(server.base_url, **{"model.provider.litellm": prefix}))
    assert (error.kind, error.status, error.unbilled) == (kind, status, unbilled)
    assert error.http_requests == len(server.requests) == 1
    assert "\n" not in error.message


async def test_timeout(make_job: MakeJob) -> None:
    """A server that hangs is given up after the provider's time-out."""
    with Loopback(loopback.hang()) as server:
        error = await fail(make_job(server.base_url, **{"model.provider.timeout": "300ms"}))
    assert (error.kind, error.unbilled, error.message) == (
        "timeout",
        False,
        "no answer within 0.3 s",
    )
    assert 0.25 < error.seconds < 1.0


async def test_server_down(make_job: MakeJob) -> None:
    """A refused connection is an error of the connection that cost nothing."""
    error = await fail(make_job("http://127.0.0.1:9/v1"))
    assert (error.kind, error.unbilled, error.status) == ("connection", True, None)


@pytest.mark.parametrize(("header", "seconds"), [("3", 3.0), ("0.5", 0.5), ("soon", None)])
async def test_retry_after(make_job: MakeJob, header: str, seconds: float | None) -> None:
    """Retry-After is read off the wire; one that is no number is none."""
    with Loopback(loopback.rate_limited(header)) as server:
        assert (await fail(make_job(server.base_url))).retry_after == seconds


async def test_key_is_scrubbed(make_job: MakeJob) -> None:
    """A key that the server quotes back is not in the error."""
    with Loopback(loopback.wrong_key_in_full) as server:
        error = await fail(make_job(server.base_url))
    assert KEY not in repr(error)
    assert "[redacted]" in error.message


async def test_refused_parameter(make_job: MakeJob) -> None:
    """A parameter that the model does not take is refused before anything is sent."""
    with Loopback(loopback.echo) as server:
        job = make_job(server.base_url, **{"model.id": "o3-2025-04-16"})
        with pytest.raises(ConfigError, match="drop_params"):
            check_parameters(job.model, {"temperature": 0.0})
        check_parameters(job.model, {"max_tokens": 5})
    assert server.requests == []


@pytest.mark.parametrize("message", [["bad", "worse"], {"why": "bad"}, 7, "line one\nline two"])
async def test_odd_error_body(make_job: MakeJob, message: Any) -> None:
    """An error whose message is no text, or of several lines, is a failure in a line."""
    odd = Answer(status=422, body={"error": {"message": message}})
    with Loopback(odd) as server:
        error = await fail(make_job(server.base_url, **{"model.provider.litellm": "hosted_vllm"}))
    assert (error.kind, len(error.message.splitlines())) == ("bad_request", 1)


async def test_a_minutes_limit_is_no_empty_account(make_job: MakeJob) -> None:
    """Google words a limit that passes as OpenAI words an account that has run out."""
    passing = "You exceeded your current quota. Please retry in 32.4s."
    with Loopback(loopback.error_reply(429, passing)) as server:
        assert (await fail(make_job(server.base_url))).kind == "rate_limit"


async def test_loopback_needs_no_proxy(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on this machine is reached directly, whatever HTTP_PROXY says."""
    with Loopback(loopback.echo) as server, Loopback(loopback.server_error()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
        monkeypatch.setenv("NO_PROXY", "example.org")
        assert (await ask(make_job(server.base_url))).text == "hello"
    assert proxy.requests == []


async def test_filtered_answer_is_paid_for(make_job: MakeJob) -> None:
    """An answer that was filtered out is a failure, empty or not, and its usage is kept."""
    with Loopback(loopback.text("", finish_reason="content_filter")) as server:
        error = await fail(make_job(server.base_url))
    assert (error.kind, error.usage.input_tokens) == ("content_policy", 10)


async def test_cancelled(make_job: MakeJob) -> None:
    """Cancelling a call ends it at once and is no failure."""
    with Loopback(loopback.hang()) as server:
        task = asyncio.create_task(ask(make_job(server.base_url)))
        await asyncio.to_thread(server.wait_for, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
