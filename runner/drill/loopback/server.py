"""Providers on the event loop that runs, all behind one Unix socket.

    async with Host() as host, Transport(unix_socket=host.socket) as transport:
        base_url = host.add(Provider(answer, speaks))

They are told apart by the Host header of a request. An exception in an answer function reaches the
client as a 500, and is raised again on exit.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from aiohttp import web

from runner.drill.loopback.exchange import (
    AnswerFunction,
    HttpAnswer,
    HttpRequest,
    Piece,
    Speaks,
    resolve,
)

MAX_BODY = 64 * 1024 * 1024  # two images of the largest size


class LoopbackProvider:
    """What answers at one address, and what it was asked; `answer` may be replaced meanwhile."""

    def __init__(self, answer: HttpAnswer | AnswerFunction, speaks: Speaks) -> None:
        self.answer, self.speaks = answer, speaks
        self.requests: list[HttpRequest] = []  # the refused ones too, in order of arrival
        self.under_way = self.peak = 0  # waiting for their answers at once, now and at most
        self.raised: BaseException | None = None

    async def respond(self, asked: web.Request) -> web.StreamResponse:
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            answer = self.take(asked, await asked.read())
            await self.due(answer)
            return await self._send(answer, asked)
        finally:
            self.under_way -= 1

    def take(self, asked: web.Request, data: bytes) -> HttpAnswer:
        try:
            body = json.loads(data)
        except ValueError:
            body = None
        headers = {name.lower(): value for name, value in asked.headers.items()}
        number, now = len(self.requests) + 1, asyncio.get_running_loop().time()
        request = HttpRequest(number, asked.method, asked.raw_path, headers, body, now)
        self.requests.append(request)
        try:
            refused = self.speaks.refuse(request)
            return refused or self.speaks.complete(resolve(self.answer, request), request)
        except BaseException as error:  # pytest's own failures are no Exceptions
            self.raised = self.raised or error
            stated = {"message": f"the answer function raised {error!r}", "type": "server_error"}
            return HttpAnswer(status=500, body={"error": stated})

    async def due(self, what: HttpAnswer | Piece) -> None:
        if what.delay:
            await asyncio.sleep(what.delay)

    async def _send(self, answer: HttpAnswer, asked: web.Request) -> web.StreamResponse:
        headers = {"content-type": "application/json"} | dict(answer.headers)
        response = web.StreamResponse(status=answer.status, headers=headers)
        pieces = answer.pieces
        if not pieces:
            content = answer.content
            response.content_length = len(content)
            pieces = (Piece(content[: answer.cut]),)
        if answer.pieces or (answer.ending != "hang" and answer.cut != 0):
            await response.prepare(asked)
            for piece in pieces:
                await self.due(piece)
                await response.write(piece.data)
        if answer.ending == "keep":
            await response.write_eof()
            return response
        if answer.ending != "hang":
            _break(asked, reset=answer.ending == "reset")
        await asyncio.Event().wait()  # until the connection is lost, which cancels this
        return response


def _break(asked: web.Request, *, reset: bool) -> None:
    transport = asked.transport
    assert isinstance(transport, asyncio.Transport)
    connection = transport.get_extra_info("socket")
    if reset and connection.family == socket.AF_INET:
        # Lingering for zero seconds makes the kernel send RST instead of FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort() if reset else transport.close()


def serving(find: Callable[[str], LoopbackProvider]) -> web.AppRunner:
    """A server whose requests are answered by whom `find` names for a Host header."""

    async def respond(asked: web.Request) -> web.StreamResponse:
        provider = find(asked.headers.get("host", ""))
        return await provider.respond(asked)

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_route("*", "/{path:.*}", respond)
    # Whatever hangs is not waited for at the end; 0 would mean for ever.
    return web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.001)


class Host:
    """An async context manager; `socket` is the path of the one that all are reached at."""

    def __init__(self) -> None:
        self._providers: dict[str, LoopbackProvider] = {}

    async def __aenter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="drill_")
        self.socket = str(Path(self._folder.name) / "socket")
        self._runner = serving(lambda name: self._providers[name])
        await self._runner.setup()
        await web.UnixSite(self._runner, self.socket).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        self._folder.cleanup()
        for provider in self._providers.values():
            if provider.raised is not None and kind is None:
                raise provider.raised

    def add(self, provider: LoopbackProvider) -> str:
        """The address that it answers at from now on: nothing listens there but by `socket`."""
        name = f"127.0.0.1:{len(self._providers) + 1}"
        self._providers[name] = provider
        return f"http://{name}{provider.speaks.base_path}"
