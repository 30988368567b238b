"""The server: in a thread with an event loop of its own, on the loopback interface only.

Async tests and programs in other processes can use it alike. An exception in the answer function
reaches the client as a 500 and is raised again on exit.
"""

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from runner.drill.loopback.answers import Chat, error_reply
from runner.drill.loopback.exchange import Answer, AnswerFunction, Piece, Request, Speaks, resolve

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024  # two images of the largest size


class Loopback:
    """A provider: a context manager. `answer` may be replaced while it runs.

    Without `speaks` it takes any chat completion, at any path.
    """

    def __init__(self, answer: Answer | AnswerFunction, speaks: Speaks | None = None) -> None:
        self.answer = answer
        self.speaks = speaks or Chat()
        self.peak = 0  # most requests that were waiting for their answers at once
        self._requests: list[Request] = []
        self._arrival = threading.Condition()
        self._raised: BaseException | None = None
        self._connections: set[_Connection] = set()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._port: int = self._socket.getsockname()[1]
        # Named, because under uvloop's policy new_event_loop() would be uvloop's.
        self._loop = asyncio.SelectorEventLoop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="loopback", daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}{self.speaks.base_path}"

    @property
    def requests(self) -> list[Request]:
        """All requests up to now, the refused ones too, in order of arrival."""
        with self._arrival:
            return list(self._requests)

    def wait_for(self, count: int, timeout: float = 10.0) -> list[Request]:
        """Block until `count` requests have arrived. Raises TimeoutError."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self._requests) >= count, timeout):
                raise TimeoutError(f"{len(self._requests)} of {count} requests in {timeout} s")
            return list(self._requests)

    def __enter__(self) -> Self:
        # The socket listens already: whoever connects before the thread runs just waits a little.
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=5)
        if self._thread.is_alive():
            raise RuntimeError("the loopback server did not stop; does its answer function block?")
        if self._raised is not None and kind is None:
            raise self._raised

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = await self._loop.create_server(
            lambda: _Connection(self), sock=self._socket, backlog=1024
        )
        await self._stop.wait()
        server.close()
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)  # lets the aborted transports close their sockets

    def _record(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Request:
        with self._arrival:
            number = len(self._requests) + 1
            request = Request(number, method, path, headers, body, time.monotonic())
            self._requests.append(request)
            self._arrival.notify_all()
        self.peak = max(self.peak, sum(connection.busy for connection in self._connections))
        return request

    def _respond(self, request: Request) -> Answer:
        try:
            refused = self.speaks.refuse(request)
            return refused or self.speaks.complete(resolve(self.answer, request), request)
        except BaseException as error:  # pytest's own failures are no Exceptions
            self._raised = self._raised or error
            return error_reply(500, f"the answer function raised {error!r}")


class _Connection(asyncio.Protocol):
    """One keep-alive connection: one request at a time, answers in order."""

    def __init__(self, server: Loopback) -> None:
        self.busy = False
        self._server = server
        self._buffer = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server._connections.discard(self)
        if self._timer:
            self._timer.cancel()

    def abort(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        if self.busy or self._transport.is_closing():
            return
        try:
            parsed = _parse(self._buffer)
        except ValueError as error:
            refused = error_reply(400, str(error))
            self._transport.write(refused.whole())
            self._transport.close()
            return
        if parsed is None:
            return
        self.busy = True
        answer = self._server._respond(self._server._record(*parsed))
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(answer.delay, self._send, answer)

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
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(piece.delay, self._flow, answer, left, piece)
                return
            self._transport.write(_chunk(piece.data))
        if answer.ending == "keep":
            self._transport.write(_chunk(b""))
        if answer.ending != "hang":
            self._end(answer)

    def _end(self, answer: Answer) -> None:
        if answer.ending == "reset":
            # Lingering for zero seconds makes the kernel send RST instead of FIN.
            linger = struct.pack("ii", 1, 0)
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
        elif answer.ending == "close":
            self._transport.close()
        self.busy = False
        self._next()


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
