"""Connections: one that was closed meanwhile is nobody's failure, and proxies are named."""

import asyncio
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from runner.calls.ask import Asker
from runner.calls.budget import Budget
from runner.calls.connections import _spare_loopback_the_proxy
from runner.calls.dispatch import Dispatch
from runner.calls.transport import Transport
from runner.cases.cases import Case
from runner.cases.query import Query
from runner.config.schema import Job, Single
from runner.errors import CallFailed
from runner.record.outcomes import Reply
from tests import loopback
from tests.loopback import Loopback

MakeJob = Callable[..., Job]
MESSAGES = [{"role": "user", "content": "hello"}]
ELSEWHERE = "127.0.0.2"  # an address that no proxy is spared by itself

# What a server does with the second request on a connection.
Second = Callable[[asyncio.StreamWriter], None]


def single(job: Job) -> Single:
    assert isinstance(job.model, Single)
    return job.model


@asynccontextmanager
async def server(
    second: Second, *, at_once: int = 1, up: list[asyncio.Server] | None = None
) -> AsyncIterator[tuple[str, list[int]]]:
    """Its address, and the number of each request on its connection; the first is answered.

    So it is once `at_once` of them have come.
    """
    asked: list[int] = []
    together = asyncio.Barrier(at_once)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = json.dumps(loopback.completion("hi")).encode()
        for number in (1, 2):
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            except asyncio.IncompleteReadError:
                writer.close()
                return
            await reader.readexactly(int(head.partition("content-length: ")[2].split()[0]))
            asked.append(number)
            if number == 2:
                second(writer)
                return
            await together.wait()
            head = (
                f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
            )
            writer.write(head.encode() + b"\r\n\r\n" + body)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    if up is not None:
        up.append(listening)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", asked


def close(writer: asyncio.StreamWriter) -> None:
    writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def close_after(start: bytes) -> Second:
    def second(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        writer.close()

    return second


async def twice(make_job: MakeJob, base_url: str, **changes: str | bool) -> Reply | CallFailed:
    """The second of two calls, one after the other."""
    model = single(make_job(base_url, **changes))
    async with Transport() as transport:
        await transport.complete(model, MESSAGES, {})
        try:
            return await transport.complete(model, MESSAGES, {})
        except CallFailed as error:
            return error


@pytest.mark.parametrize("prefix", ["openai", "hosted_vllm", "mistral"])
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("second", [close, reset])
async def test_closed_meanwhile(
    make_job: MakeJob, second: Second, compiled: bool, prefix: str
) -> None:
    """What came too late on a connection that was kept is sent once more, on one of its own."""
    async with server(second) as (base_url, asked):
        changes: dict[str, str | bool] = {"model.provider.litellm": prefix}
        changes["model.compiled"] = compiled
        reply = await twice(make_job, base_url, **changes)
    assert isinstance(reply, Reply), reply
    assert (asked, reply.http_requests) == ([1, 2, 1], 2)
    assert reply.request["model"]


async def test_nobodys_failure(make_job: MakeJob) -> None:
    """It is one attempt that answered, and is paid for once."""
    async with server(close) as (base_url, asked), Transport() as transport:
        job = make_job(base_url, budget_usd=1.0)
        case = Case(id="c0", input="hello")
        query = Query(case, MESSAGES, job.task.sampling, task=job.task)
        asker = Asker(Dispatch(transport, Budget(job.budget_usd)), job.retry, job.fallback)
        first, second = [await asker.ask(job.model, query) for _ in range(2)]
    assert asked == [1, 2, 1]
    [once], [twice] = first.attempts, second.attempts
    assert (once.http_requests, twice.http_requests, twice.error) == (1, 2, None)
    assert once.cost_usd and once.cost_usd == twice.cost_usd
    assert twice.waited_seconds == 0


@pytest.mark.parametrize("start", [b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n{"])
@pytest.mark.parametrize("then", [close, reset])
async def test_answers_that_began(make_job: MakeJob, start: bytes, then: Second) -> None:
    """Once a byte of the answer has come, it is not asked for again."""

    def second(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        asyncio.get_running_loop().call_later(0.1, then, writer)

    async with server(second) as (base_url, asked):
        error = await twice(make_job, base_url)
    assert isinstance(error, CallFailed)
    assert (asked, error.http_requests, error.unbilled) == ([1, 2], 1, False)


async def test_all_that_were_kept(make_job: MakeJob) -> None:
    """A server that closes all that are kept at once gets each request once more, and no third."""
    async with server(close, at_once=5) as (base_url, asked), Transport() as transport:
        model = single(make_job(base_url))
        for expected in (1, 2):
            calls = (transport.complete(model, MESSAGES, {}) for _ in range(5))
            replies = await asyncio.gather(*calls)
            assert [reply.http_requests for reply in replies] == [expected] * 5
    assert sorted(asked) == [1] * 10 + [2] * 5


async def test_not_at_once(make_job: MakeJob) -> None:
    """A server that took its time had read the request, and may be paid for it: it has failed."""
    clock = 0.0

    def second(writer: asyncio.StreamWriter) -> None:
        nonlocal clock
        clock += 5
        writer.close()

    async with server(second) as (base_url, asked), Transport(clock=lambda: clock) as transport:
        model = single(make_job(base_url))
        await transport.complete(model, MESSAGES, {})
        with pytest.raises(CallFailed) as raised:
            await transport.complete(model, MESSAGES, {})
    assert (asked, raised.value.kind, raised.value.unbilled) == ([1, 2], "connection", False)


async def test_a_server_that_is_gone(make_job: MakeJob) -> None:
    """Where the new connection is refused, too, the provider has failed, once."""
    closing: list[asyncio.Server] = []

    def second(writer: asyncio.StreamWriter) -> None:
        closing[0].close()
        writer.close()

    async with server(second, up=closing) as (base_url, _), Transport() as transport:
        model = single(make_job(base_url))
        await transport.complete(model, MESSAGES, {})
        with pytest.raises(CallFailed) as raised:
            await transport.complete(model, MESSAGES, {})
    assert (raised.value.kind, raised.value.http_requests) == ("connection", 2)


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has all requests go by a proxy, whose user and password stand in its address."""

    def by(address: str) -> None:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, address.replace("://", "://user:planted-password@"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv("NO_PROXY", "")

    return by


@pytest.mark.parametrize("compiled", [True, False])
async def test_by_a_proxy(
    make_job: MakeJob, proxied: Callable[[str], None], compiled: bool
) -> None:
    """Requests go by the proxy of the environment, with its password, and not where NO_PROXY is."""
    with Loopback(loopback.text("hi")) as proxy:
        proxied(proxy.base_url.removesuffix("/v1"))
        model = single(make_job(f"http://{ELSEWHERE}:9/v1", **{"model.compiled": compiled}))
        async with Transport() as transport:
            reply = await transport.complete(model, MESSAGES, {})
    [request] = proxy.requests
    assert (reply.text, request.path) == ("hi", f"http://{ELSEWHERE}:9/v1/chat/completions")
    assert request.headers["proxy-authorization"].startswith("Basic ")


async def asked_by(make_job: MakeJob, base_url: str) -> CallFailed:
    async with Transport() as transport:
        with pytest.raises(CallFailed) as raised:
            await transport.complete(single(make_job(base_url)), MESSAGES, {})
    assert "planted-password" not in repr(raised.value)
    return raised.value


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_down(
    make_job: MakeJob, proxied: Callable[[str], None], scheme: str
) -> None:
    """It is named, less its password; nothing was billed."""
    proxied("http://127.0.0.1:9")
    error = await asked_by(make_job, f"{scheme}://{ELSEWHERE}:9/v1")
    assert (error.kind, error.unbilled) == ("connection", True)
    assert "(by the proxy http://127.0.0.1:9)" in error.message


async def test_spared_the_proxy(
    make_job: MakeJob, proxied: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What NO_PROXY names is reached directly, and no proxy is blamed."""
    proxied("http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", ELSEWHERE)
    error = await asked_by(make_job, f"http://{ELSEWHERE}:9/v1")
    assert error.kind == "connection"
    assert "proxy" not in error.message


@pytest.mark.parametrize("there", ["", "*", f"example.org, {ELSEWHERE}"])
def test_no_proxy_is_kept(there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What NO_PROXY says goes on holding, however many sessions add this machine to it."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", there)
    for _ in range(2):
        _spare_loopback_the_proxy()
    named = os.environ["no_proxy"] if there != "*" else os.environ["NO_PROXY"]
    ours = ["127.0.0.1", "localhost", "::1"] if there != "*" else []
    assert named.split(",") == [*there.replace(" ", "").split(","), *ours][not there :]


@pytest.mark.parametrize(
    ("scheme", "status", "kind"),
    [("http", 407, "auth"), ("https", 407, "auth"), ("https", 502, "connection")],
)
async def test_a_proxy_that_refuses(
    make_job: MakeJob, proxied: Callable[[str], None], scheme: str, status: int, kind: str
) -> None:
    """It is the proxy that is named, and one that wants a password is the user's to mend."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n".encode())

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        name = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        proxied(name)
        error = await asked_by(make_job, f"{scheme}://{ELSEWHERE}:9/v1")
    assert (error.kind, error.unbilled) == (kind, True)
    assert f"(by the proxy {name})" in error.message
