"""One request over a real socket, against a server that speaks OpenAI's wire format."""

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.calls.translate import check_parameters
from runner.calls.transport import Transport
from runner.cases import attachments
from runner.config.schema import Job, Single
from runner.drill.loopback.dialect import Saying
from runner.drill.loopback.server import Host, LoopbackProvider
from runner.errors import CallFailed, ConfigError, ErrorKind
from runner.record.outcomes import Reply
from tests import loopback
from tests.conftest import KEY
from tests.loopback import Answer, AnswerFunction, Loopback, Request
from tests.loopback.answers import Anything, Chat
from tests.loopback.formats import FORMATS
from tests.simulated import now, simulated

MakeJob = Callable[..., Job]
MESSAGES = [{"role": "user", "content": "hello"}]


def single(job: Job) -> Single:
    assert isinstance(job.model, Single)
    return job.model


async def ask(job: Job, on_text: Callable[[str], None] | None = None, **params: Any) -> Reply:
    async with Transport() as transport:
        return await transport.complete(single(job), MESSAGES, {"max_tokens": 7} | params, on_text)


async def fail(job: Job, on_text: Callable[[str], None] | None = None) -> CallFailed:
    with pytest.raises(CallFailed) as raised:
        await ask(job, on_text)
    return raised.value


async def test_reply(make_job: MakeJob) -> None:
    """A reply carries text, finish reason, usage with its details, and the model that answered."""
    usage = loopback.tokens(100, 20, cached=40, reasoning=8)
    with Loopback(loopback.text("hi", usage=usage, model="served-2026")) as server:
        reply = await ask(make_job(server.base_url), max_tokens=20)
    assert (reply.text, reply.finish_reason, reply.model_served) == ("hi", "stop", "served-2026")
    assert reply.usage is not None
    assert reply.usage.model_dump() == {
        "input_tokens": 100,
        "output_tokens": 20,
        "cached_input_tokens": 40,
        "cache_write_tokens": 0,
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
    """The time is that of the request on the wire, not of what comes before and after it."""
    clock = 5.0

    def answer(_: Request) -> Answer:
        nonlocal clock
        clock += 2.0
        return loopback.text("hi")

    with Loopback(answer) as server:
        async with Transport(clock=lambda: clock) as transport:
            clock += 5.0
            reply = await transport.complete(single(make_job(server.base_url)), MESSAGES, {})
            clock += 5.0
    assert reply.seconds == 2.0


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


@simulated
async def test_timeout(make_job: MakeJob) -> None:
    """A server that hangs is given up after the provider's time-out."""
    async with Host() as host, Transport(unix_socket=host.socket, clock=now) as transport:
        base_url = host.add(LoopbackProvider(loopback.hang(), Chat()))
        job = make_job(base_url, **{"model.provider.timeout": "5m"})
        with pytest.raises(CallFailed) as raised:
            await transport.complete(single(job), MESSAGES, {})
    error = raised.value
    assert (error.kind, error.unbilled, error.message) == (
        "timeout",
        False,
        "no answer within 300 s",
    )
    assert error.seconds == pytest.approx(300, abs=1e-3)


async def test_server_down(make_job: MakeJob) -> None:
    """A refused connection is an error of the connection that cost nothing."""
    error = await fail(make_job("http://127.0.0.1:9/v1"))
    assert (error.kind, error.unbilled, error.status) == ("connection", True, None)


PAST = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3.0), ("0.5", 0.5), ("soon", None), (PAST, 0.0), ("-1", 0.0)]
)
async def test_retry_after(make_job: MakeJob, header: str, seconds: float | None) -> None:
    """Retry-After is read off the wire; one that is neither a number nor a date is none."""
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
            check_parameters(single(job), {"temperature": 0.0})
        check_parameters(single(job), {"max_tokens": 5})
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


async def test_stream(make_job: MakeJob) -> None:
    """A streamed answer comes piece by piece, with the usage that the stream states at its end."""
    pieces: list[str] = []
    answer = loopback.text("one two", usage=loopback.tokens(30, 2), model="served")
    with Loopback(answer) as server:
        reply = await ask(make_job(server.base_url), pieces.append)
    assert pieces == ["one", " two"]
    assert (reply.text, reply.finish_reason, reply.model_served) == ("one two", "stop", "served")
    assert reply.usage is not None and reply.usage.input_tokens == 30
    assert reply.first_token_seconds is not None
    assert 0 < reply.first_token_seconds <= reply.seconds


@pytest.mark.parametrize("prefix", ["hosted_vllm", "mistral", "anthropic", "gemini", "ollama_chat"])
async def test_streams_are_seen(make_job: MakeJob, prefix: str) -> None:
    """A transport whose first call is a stream has it on the wire that it watches."""
    with Loopback(loopback.no_model) as server:
        job = make_job(server.base_url, **{"model.provider.litellm": prefix})
        error = await fail(job, lambda _: None)
    assert (error.status, error.http_requests) == (404, 1)


async def test_error_within_a_stream(make_job: MakeJob) -> None:
    """An error in the midst of a stream is the provider's own, less the key that it quotes."""
    event = b'data: {"error": {"code": 429, "message": "slow down, %s"}}\n\n' % KEY.encode()
    first = loopback.sse(loopback.chunks(loopback.completion("one"))[1])
    answer = Answer(
        headers={"content-type": "text/event-stream"},
        pieces=(loopback.Piece(first), loopback.Piece(event)),
    )
    with Loopback(answer) as server:
        error = await fail(make_job(server.base_url), lambda _: None)
    assert (error.kind, error.delivered, error.unbilled) == ("rate_limit", True, False)
    assert error.message == "slow down, [redacted]"


async def test_listener_is_not_the_provider(make_job: MakeJob) -> None:
    """What goes wrong where the text is shown is no failure of the call."""

    def broken(_: str) -> None:
        raise BrokenPipeError("nobody reads")

    with Loopback(loopback.text("one two")) as server, pytest.raises(BrokenPipeError):
        await ask(make_job(server.base_url), broken)


async def test_ollama_is_asked_once(make_job: MakeJob) -> None:
    """litellm does not ask the server behind our back about a model that it doesn't know."""
    speaks = FORMATS["ollama"]
    saying = Saying("hi", model="a-model-that-nobody-knows")
    with Loopback(lambda request: speaks.say(request, saying), speaks) as server:
        await ask(make_job(server.base_url, **{"model.provider.litellm": "ollama_chat"}))
        await asyncio.sleep(0.05)
        assert len(server.requests) == 1


async def test_changed_image(make_job: MakeJob, tmp_path: Path) -> None:
    """An image that is no longer the one that was recorded is not sent."""
    image = tmp_path / "a.png"
    image.write_bytes(b"\x89PNG\r\n\x1a\n one")
    part = attachments.part(str(image))
    image.write_bytes(b"\x89PNG\r\n\x1a\n two")
    with Loopback(loopback.echo) as server:
        job = make_job(server.base_url)
        async with Transport() as transport:
            with pytest.raises(CallFailed, match="changed while the run was on") as raised:
                await transport.complete(single(job), [{"role": "user", "content": [part]}], {})
    assert (raised.value.unbilled, server.requests) == (True, [])


def test_no_tool_in_place_of_a_schema(make_job: MakeJob) -> None:
    """A schema that would be asked for by way of a tool is refused: nothing would enforce it."""
    changes = {"model.id": "claude-3-9-none", "model.provider.litellm": "anthropic"}
    model = single(make_job("http://127.0.0.1:9", **changes))
    schema = {"name": "x", "schema": {"type": "object", "properties": {}}}
    form = {"type": "json_schema", "json_schema": schema}
    with pytest.raises(ConfigError, match="json_schema in the drop_params"):
        check_parameters(model, {"response_format": form})


async def test_compressed_reply(make_job: MakeJob) -> None:
    """A reply that a proxy compressed, though nobody asked for it, is read all the same."""
    body = loopback.completion("hi", model="served")
    packed = gzip.compress(json.dumps(body).encode())
    with Loopback(Answer(body=packed, headers={"content-encoding": "gzip"})) as server:
        reply = await ask(make_job(server.base_url))
    assert (reply.text, reply.model_served) == ("hi", "served")
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("prefix", ["openai", "hosted_vllm"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_reasoning_in_the_text(make_job: MakeJob, prefix: str, streamed: bool) -> None:
    """Reasoning in a model's tags is no part of its answer, streamed or whole, and is kept."""
    pieces: list[str] = []
    with Loopback(loopback.text("<think>\nhm, {}\n</think>\n\nyes, it is")) as server:
        tags = {"model.provider.litellm": prefix, "model.reasoning_tags": ["<think>", "</think>"]}
        reply = await ask(make_job(server.base_url, **tags), pieces.append if streamed else None)
    assert (reply.text, reply.reasoning) == ("yes, it is", "hm, {}")
    assert "".join(pieces) == ("yes, it is" if streamed else "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("prefix", ["openai", "hosted_vllm", "anthropic", "gemini"])
async def test_redirect(make_job: MakeJob, prefix: str, status: int) -> None:
    """A redirect is not followed, which would hand over key and prompt, and is named."""
    with Loopback(loopback.echo) as elsewhere:
        there = f"{elsewhere.base_url}/chat/completions"
        moved = Answer(status=status, headers={"location": there})
        with Loopback(lambda _: moved, Anything()) as server:
            error = await fail(make_job(server.base_url, **{"model.provider.litellm": prefix}))
    assert (error.kind, error.status, elsewhere.requests) == ("bad_request", status, [])
    assert there in error.message


async def test_a_reply_has_a_cap(make_job: MakeJob) -> None:
    """A reply that grows beyond the provider's max_reply_bytes is given up, and says so."""
    with Loopback(loopback.text("x" * 3000)) as server:
        error = await fail(make_job(server.base_url, **{"model.provider.max_reply_bytes": 2000}))
    assert error.kind == "invalid_reply"
    assert "max_reply_bytes, 2000" in error.message


@pytest.mark.parametrize("streamed", [False, True])
async def test_half_characters(make_job: MakeJob, streamed: bool) -> None:
    """Halves of characters are joined, across the pieces of a stream too, and else replaced."""
    halves = ["so \ud83d", "\ude00 far", " \ud83d", "!"]
    body = loopback.completion("".join(halves))
    events = [json.loads(json.dumps(loopback.chunks(body)[0])) for _ in halves]
    for event, half in zip(events, halves, strict=True):
        event["choices"][0]["delta"] = {"content": half}
    frames = [loopback.sse(each) for each in (*events, *loopback.chunks(body)[-1:], "[DONE]")]
    answer = Answer(body=body)
    if streamed:
        usage = loopback.sse({"choices": [], "usage": {**loopback.USAGE, "completion_tokens": 5}})
        headers = {"content-type": "text/event-stream"}
        answer = Answer(headers=headers, pieces=tuple(map(loopback.Piece, [*frames[:-1], usage])))
    pieces: list[str] = []
    with Loopback(lambda _: answer, Anything()) as server:
        reply = await ask(make_job(server.base_url), pieces.append if streamed else None)
    assert reply.text == "so \N{GRINNING FACE} far \N{REPLACEMENT CHARACTER}!"
    assert "".join(pieces) == (reply.text if streamed else "")


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 10**400, "completion_tokens": 2},
        {"prompt_tokens": -3, "completion_tokens": 2},
        {"prompt_tokens": 1.5, "completion_tokens": 2},
        {"prompt_tokens": "many", "completion_tokens": 2},
        {"prompt_tokens": [5], "completion_tokens": 2},
        {
            "prompt_tokens": 9,
            "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 10},
        },
        {"prompt_tokens": 9000, "completion_tokens": 2},  # more than its context
        {"prompt_tokens": 9, "completion_tokens": 8},  # more than it was allowed
    ],
)
async def test_counts_that_cannot_be(make_job: MakeJob, usage: dict[str, Any]) -> None:
    """Usage that makes no sense is unknown, and the answer stands."""
    body = loopback.completion("hi") | {"usage": usage}
    changes = {"model.provider.litellm": "hosted_vllm"}
    with Loopback(Answer(body=body)) as server:
        reply = await ask(make_job(server.base_url, **changes))
    assert (reply.text, reply.usage) == ("hi", None)


def test_an_interrupt_while_litellm_is_imported_is_one(tmp_path: Path) -> None:
    """A half imported litellm is not imported again, which would be a crash of ours."""
    (tmp_path / "litellm.py").write_text(
        "import sys\nagain = hasattr(sys, 'tried')\nsys.tried = True\n"
        "raise AttributeError if again else KeyboardInterrupt\n"
    )
    asks = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from runner.calls.translate import check_parameters\n"
        "try:\n    check_parameters(None, {})\nexcept KeyboardInterrupt:\n    print('heard')"
    )
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, timeout=60)
    assert done.stdout == "heard\n", done.stderr


async def test_what_never_came_to_the_socket(make_job: MakeJob) -> None:
    """A request that can't be built is unsent and free; a refused connection is a failure."""
    error = await fail(make_job("http://127.0.0.1:9/v1", **{"model.provider.litellm": "nobody"}))
    assert (error.kind, error.http_requests, error.unbilled) == ("unsent", 0, True)
    error = await fail(make_job("http://127.0.0.1:9/v1", **{"model.provider.litellm": "openai"}))
    assert (error.kind, error.http_requests) == ("connection", 1)


@pytest.mark.parametrize("prefix", ["openai", "anthropic", "gemini", "ollama_chat"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_page_in_place_of_a_reply(make_job: MakeJob, prefix: str, streamed: bool) -> None:
    """A sign-in page with status 200 is named: its type, its title, the start of its words."""
    page = b"<html><title>Sign in</title><body>Use <b>SSO</b>\xe2\x80\xa8please</body></html>"
    answer = Answer(body=page, headers={"content-type": "text/html"})
    with Loopback(lambda _: answer, Anything()) as server:
        job = make_job(server.base_url, **{"model.provider.litellm": prefix})
        error = await fail(job, (lambda _: None) if streamed else None)
    assert (error.kind, error.status, error.unbilled) == ("invalid_reply", 200, False)
    wanted = "a web page (text/html) in place of a reply: Sign in: Use SSO please"
    assert error.message == wanted
