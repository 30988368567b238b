"""Providers on the event loop that runs, all behind one Unix socket.

    async with Host() as host, Client(unix_socket=host.socket) as client:
        base_url = host.add(answer, speaks)

They are told apart by the Host header of a request. An exception in an answer function reaches the
client as a 500, and is raised again on exit.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from runner.drill.loopback.exchange import Answer, AnswerFunction, Piece, Request, Speaks, resolve

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024  # two images of the largest size


class Provider:
    """What answers at one address, and what it was asked; `answer` may be replaced meanwhile."""

    def __init__(self, answer: Answer | AnswerFunction, speaks: Speaks) -> None:
        self.answer, self.speaks = answer, speaks
        self.requests: list[Request] = []  # the refused ones too, in order of arrival
        self.under_way = self.peak = 0  # waiting for their answers at once, now and at most
        self.raised: BaseException | None = None

    def take(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        now = asyncio.get_running_loop().time()
        request = Request(len(self.requests) + 1, method, path, headers, body, now)
        self.requests.append(request)
        try:
            refused = self.speaks.refuse(request)
            return refused or self.speaks.complete(resolve(self.answer, request), request)
        except BaseException as error:  # pytest's own failures are no Exceptions
            self.raised = self.raised or error
            return plain_error(500, f"the answer function raised {error!r}")


class Host:
    """An async context manager; `socket` is the path of the one that all are reached at."""

    def __init__(self) -> None:
        self._providers: dict[str, Provider] = {}
        self._connections: set[Connection] = set()

    async def __aenter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="drill_")
        self.socket = str(Path(self._folder.name) / "socket")
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: Connection(lambda name: self._providers[name], self._connections), self.socket
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        self._folder.cleanup()
        for provider in self._providers.values():
            if provider.raised is not None and kind is None:
                raise provider.raised

    def add(self, provider: Provider) -> str:
        """The address that it answers at from now on: nothing listens there but by `socket`."""
        name = f"127.0.0.1:{len(self._providers) + 1}"
        self._providers[name] = provider
        return f"http://{name}{provider.speaks.base_path}"


class Connection(asyncio.Protocol):
    """One keep-alive connection: one request at a time, answers in order."""

    def __init__(self, find: Callable[[str], Provider], connections: "set[Connection]") -> None:
        self._find, self._connections = find, connections
        self._provider: Provider | None = None  # of the request that is under way
        self._buffer = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._idle()
        if self._timer:
            self._timer.cancel()

    def abort(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _idle(self) -> None:
        if self._provider:
            self._provider.under_way -= 1
        self._provider = None

    def _next(self) -> None:
        if self._provider or self._transport.is_closing():
            return
        try:
            parsed = _parse(self._buffer)
        except ValueError as error:
            self._transport.write(plain_error(400, str(error)).whole())
            self._transport.close()
            return
        if parsed is None:
            return
        self._provider = self._find(parsed[2].get("host", ""))
        answer = self._provider.take(*parsed)
        self.later(answer, self._send, answer)

    def later(self, what: Answer | Piece, step: Callable[..., None], *args: Any) -> None:
        self._timer = asyncio.get_running_loop().call_later(what.delay, step, *args)

    def _send(self, answer: Answer) -> None:
        if answer.pieces:
            self._transport.write(answer.head("transfer-encoding: chunked"))
            self._flow(answer, iter(answer.pieces))
        elif answer.ending != "hang":
            self._transport.write(answer.whole())
            self._end(answer)

    def _flow(self, answer: Answer, left: Iterator[Piece], due: Piece | None = None) -> None:
        if due:
            self._transport.write(_chunk(due.data))
        for piece in left:
            if piece.delay:
                self.later(piece, self._flow, answer, left, piece)
                return
            self._transport.write(_chunk(piece.data))
        if answer.ending == "keep":
            self._transport.write(_chunk(b""))
        if answer.ending != "hang":
            self._end(answer)

    def _end(self, answer: Answer) -> None:
        if answer.ending == "reset":
            connection = self._transport.get_extra_info("socket")
            if connection.family == socket.AF_INET:
                # Lingering for zero seconds makes the kernel send RST instead of FIN.
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
        elif answer.ending == "close":
            self._transport.close()
        self._idle()
        self._next()


def plain_error(status: int, message: str) -> Answer:
    """In OpenAI's form, of which most servers have taken over this much."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return Answer(status=status, body={"error": error})


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _parse(buffer: bytearray) -> tuple[str, str, dict[str, str], Any] | None:
    """Take one whole request off the buffer; None when it isn't all there yet.

    Raises ValueError for what is no HTTP, has no plain body, or is too big.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > MAX_HEAD:
            raise ValueError("the request's head is too large")
        return None
    first, *lines = buffer[:end].decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    path, _, version = rest.partition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise ValueError("this is not HTTP")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    length = int(headers.get("content-length", "0"))
    if "transfer-encoding" in headers or not 0 <= length <= MAX_BODY:
        raise ValueError("a body needs a Content-Length of at most 64 MiB")
    if len(buffer) < end + 4 + length:
        return None
    raw = bytes(buffer[end + 4 : end + 4 + length])
    del buffer[: end + 4 + length]
    try:
        return method, path, headers, json.loads(raw)
    except ValueError:
        return method, path, headers, None
