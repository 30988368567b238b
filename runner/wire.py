"""What one call looked like at the socket, seen through aiohttp's tracing.

litellm's own account of a call is a reconstruction: it may post twice, guess a status from a
message, or time its own imports. The wire has the facts.
"""

import json
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiohttp

from runner.records import Message


@dataclass
class Wire:
    """What was seen of one call at the socket; times are of `time.perf_counter`."""

    http_requests: int = 0
    body: list[bytes] = field(default_factory=list)
    sent: float | None = None
    received: float | None = None
    status: int | None = None
    retry_after: str | None = None

    @property
    def seconds(self) -> float:
        if self.sent is None:
            return 0.0
        return (self.received or time.perf_counter()) - self.sent

    def request(self, messages: list[Message]) -> dict[str, Any]:
        """The body that was sent; messages only where the provider wants another form of them."""
        try:
            body: dict[str, Any] = json.loads(b"".join(self.body) or b"{}")
        except ValueError:
            return {"unreadable": True}
        if body.get("messages") == messages:
            del body["messages"]
        return body


class _Broken(Exception):
    """The connection failed before there was a reply."""


current: ContextVar[Wire | None] = ContextVar("wire", default=None)


def tracing() -> aiohttp.TraceConfig:
    async def started(_s: Any, _c: SimpleNamespace, _p: aiohttp.TraceRequestStartParams) -> None:
        if wire := current.get():
            wire.http_requests += 1
            wire.body.clear()

    async def headers(_s: Any, _c: Any, _p: aiohttp.TraceRequestHeadersSentParams) -> None:
        if (wire := current.get()) and wire.sent is None:
            wire.sent = time.perf_counter()

    async def chunk(_s: Any, _c: Any, p: aiohttp.TraceRequestChunkSentParams) -> None:
        if wire := current.get():
            wire.body.append(p.chunk)

    async def answered(_s: Any, _c: Any, p: aiohttp.TraceRequestEndParams) -> None:
        if wire := current.get():
            wire.status = p.response.status
            wire.retry_after = p.response.headers.get("retry-after")
            p.response.content.on_eof(lambda: setattr(wire, "received", time.perf_counter()))

    async def broken(_s: Any, _c: Any, p: aiohttp.TraceRequestExceptionParams) -> None:
        if current.get() and isinstance(p.exception, aiohttp.ClientError):
            # litellm would post once more, unasked, on an exception that it knows.
            raise _Broken(str(p.exception))

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(started)
    trace.on_request_headers_sent.append(headers)
    trace.on_request_chunk_sent.append(chunk)
    trace.on_request_end.append(answered)
    trace.on_request_exception.append(broken)
    return trace
