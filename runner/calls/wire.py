"""What one call looked like at the socket, seen through aiohttp, whoever sent it.

litellm's own account of a call is a reconstruction: it may post twice, guess a status from a
message, time its own imports, or lose a part of the text. The wire has the facts.
"""

import json
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import inf
from operator import le
from typing import Any
from weakref import proxy

import aiohttp

from runner.calls.dialects import Reader, Said, reader
from runner.calls.events import Lines, Messages, events, read
from runner.cases.attachments import without_bytes
from runner.record.outcomes import Message, Usage

Clock = Callable[[], float]
PROXY_REFUSED = 407  # which wants a password
_CHUNK_BYTES = 65536
_EXCERPT = 300  # bytes of a reply that nobody can read
_ERROR_BYTES = 100_000  # that are read of an error


@dataclass
class Wire:
    """What was seen of one call at the socket; times are of `clock`, which is in seconds.

    `litellm` is the prefix that names the provider's format; `hashes` are those of the images in
    `messages` by their base64.
    """

    litellm: str
    messages: list[Message]
    stream: bool = False  # whether one was asked for
    hashes: dict[str, str] = field(default_factory=dict)
    clock: Clock = time.perf_counter
    by_litellm: str = ""  # why it sent this
    http_requests: int = 0
    body: list[bytes] = field(default_factory=list)
    sent: float | None = None
    received: float | None = None
    first_token: float | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)  # of the reply; names in lower case
    reply: bytearray = field(default_factory=bytearray)  # of a stream: what is no event yet
    garbled: str = ""  # the start of what in the reply was to be JSON of the known form and is not
    location: str = ""  # where the reply, a redirect, points
    proxy: str = ""  # that it goes by
    cut: bool = False  # the connection broke within the reply
    too_long: bool = False
    max_reply_bytes: int | None = None
    most_tokens: tuple[float, float] = (inf, inf)  # in and out: counts beyond are not believed
    delivered: bool = False  # some of its text was handed on
    # Called when a request comes to the socket.
    starts: list[Callable[[], None]] = field(default_factory=list)
    said: Said = field(init=False)
    _read: Reader = field(init=False)
    _decode: Callable[[bytes], bytes] = bytes
    streamed: bool = False
    size: int = 0  # of what came of the body
    _taken: bool = False  # all of it was read
    _seen: float | None = None  # when the stream was read from last; the end may come before
    _events: Lines | Messages = field(default_factory=Lines)
    _body: "_Seen | None" = None

    def __post_init__(self) -> None:
        self.said, self._read = reader(self.litellm)

    @property
    def usage(self) -> Usage | None:
        """What the provider counted; a stream that broke off has counted the prompt at most."""
        usage = None if self.stream and not self.said.finish_reason else self.said.usage
        if usage is None:
            return None
        stated = usage.input_tokens, usage.output_tokens
        return usage if all(map(le, stated, self.most_tokens)) else None

    @property
    def seconds(self) -> float:
        if self.sent is None:
            return 0.0
        end = self._seen if self.streamed and self.received else self.received
        return (end or self.clock()) - self.sent

    @property
    def first_token_seconds(self) -> float | None:
        if self.sent is None or self.first_token is None:
            return None
        return self.first_token - self.sent

    def request(self) -> dict[str, Any]:
        """The body that was sent; messages only where the provider wants another form of them."""
        try:
            body: dict[str, Any] = json.loads(b"".join(self.body) or b"{}")
        except ValueError:
            return {"unreadable": True}
        if body.get("messages") == self.messages:
            del body["messages"]
        return without_bytes(body, self.hashes) if self.hashes else body

    def answered(self, response: aiohttp.ClientResponse) -> None:
        """The head of the reply is there; its body will pass by `saw`."""
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        kind = response.content_type
        self.streamed = self.stream and kind not in ("application/json", "text/html")
        self._events = events(kind)
        if response.headers.get("content-encoding") in ("gzip", "deflate"):  # unasked
            self._decode = zlib.decompressobj(wbits=47).decompress  # 47: either of the two
        body = response.content
        body.on_eof(self.ended)
        self._body = _Seen(body, proxy(self))  # a circle would keep all of it for a while
        response.content = self._body  # type: ignore[assignment]  # stands in for it

    def saw(self, data: bytes) -> None:
        """Raises Broken when more came than a reply may have."""
        data = self._decode(data)
        self.size += len(data)
        if self.max_reply_bytes and self.size > self.max_reply_bytes:
            self.too_long = True
            raise Broken("the reply is too long")
        if not self.streamed:
            self.reply += data
            return
        self._seen = self.clock()
        for event in self._events.feed(data):
            self._event(event)
        self.reply = self._events.rest
        if self.first_token is None and (self.said.text or self.said.calls):
            self.first_token = self._seen

    def read(self) -> None:
        """Take in what is left of a reply that is all there: all of it, if it was no stream."""
        if self.received is None or self._taken:
            return
        self._taken = True
        if self.streamed:
            for event in self._events.end():
                self._event(event)
        elif self.reply:
            self._event(read(bytes(self.reply)))

    async def drained(self) -> bool:
        """Whether it is `whole`, once what nobody has read of a stream is read, too."""
        if self._body and self.streamed and not self.failed:
            with suppress(aiohttp.ClientError, OSError, Broken):
                async for _ in self._body.iter_chunked(_CHUNK_BYTES):
                    pass
        return self.whole

    @property
    def whole(self) -> bool:
        """Whether all of a reply is there, whatever it says."""
        return self.received is not None and not (self.cut or self.too_long or self.garbled)

    @property
    def failed(self) -> bool:
        return (self.status or 0) >= 400

    def ended(self) -> None:
        self.received = self.clock()

    def _event(self, event: Any) -> None:
        try:
            self._read(event, self.said)
        except Exception:  # no JSON, too deep, or not of the form that the provider documents
            self.garbled = _excerpt(event) or "nothing"


def _excerpt(event: Any) -> str:
    with suppress(ValueError, RecursionError):
        event = event if isinstance(event, bytes) else json.dumps(event).encode()
    return bytes(event[:_EXCERPT]).decode(errors="replace") if isinstance(event, bytes) else ""


class _Seen:
    """The body of a reply, which `wire` sees pass by on its way to litellm."""

    def __init__(self, body: aiohttp.StreamReader, wire: Wire) -> None:
        self._body = body
        self._wire = wire

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """A stream as it comes; else what makes sense, whole, and of an error only the start.

        litellm would look at any text for minutes, or fall over it.
        """
        wire, held = self._wire, list[bytes]()
        try:
            while data := await self._body.read(size):
                wire.saw(data)
                if wire.streamed:
                    yield data
                else:
                    held.append(data)
                if wire.failed and wire.size > _ERROR_BYTES:
                    wire.ended()
                    break
        except (aiohttp.ClientError, OSError):
            wire.cut = True
            raise
        if wire.streamed:
            return
        if not wire.failed:
            wire.read()
            if wire.garbled:
                raise Broken("no JSON of the known form")
        whole = b"".join(held)
        yield whole[:_EXCERPT] if wire.failed else whole

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)


class Broken(Exception):
    """There was no reply to go on with; litellm does not know it, and so tries nothing else."""


current: ContextVar[Wire | None] = ContextVar("wire", default=None)
