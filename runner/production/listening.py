"""The sockets of a server: uvicorn, with bounds on how many connections stay open, and how long.

uvicorn waits for ever for the head of a request, and for a client that takes nothing of its answer.
"""

import asyncio
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from runner.errors import ConfigError
from runner.production.server import Front
from runner.production.serving import Limits, Serving

_BACKLOG = 2048
_KEEP_ALIVE = 30  # seconds between two requests of a connection
_LAST_WORDS = 2  # seconds for what is written to be read
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"
_FILES = 256  # that a process has open besides the connections of its clients


class _Connection(H11Protocol):
    """One client's. `silent` are those that nothing is answered on, the one longest so first."""

    limits: Limits
    most: int  # connections
    silent: "dict[_Connection, None]"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._await_head()
        self.silent[self] = None
        if len(self.connections) > self.most:
            oldest = next(iter(self.silent))
            if oldest is self:
                transport.write(_FULL)
                transport.close()
            else:
                oldest.transport.abort()
            self.silent.pop(oldest)
            self.connections.discard(oldest)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget_head()
            self.silent.pop(self, None)
        elif self._head is None:
            self._await_head()  # that of its next request has begun

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:  # and there was no other in the queue
            self.silent[self] = None
        if self.transport.is_closing():
            self._let_go_soon()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._let_go_soon()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck = self.loop.call_later(self.limits.write_time, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stuck:
            self._stuck.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        self.silent.pop(self, None)
        if self._stuck:
            self._stuck.cancel()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head = self.loop.call_later(self.limits.header_time, self.transport.abort)

    def _forget_head(self) -> None:
        if self._head:
            self._head.cancel()
            self._head = None

    def _let_go_soon(self) -> None:
        """A closed one stays open as long as its last words are not read."""
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self.limits.write_time, self.transport.abort)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # they are ours


def bound(host: str, port: int) -> socket.socket:
    """The address, taken before anything else is done. Raises ConfigError."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(f"port: {host}:{port} can't be listened at: {error.strerror}") from None


class Listener:
    """A server that is about to listen."""

    def __init__(self, front: Front, serving: Serving) -> None:
        self._front, self._drain = front, serving.drain
        self._server = _Server(
            uvicorn.Config(
                front,
                interface="asgi3",
                http=_connections(serving.limits),
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_LAST_WORDS,
            )
        )

    @property
    def connections(self) -> int:
        """That are open now."""
        return len(self._server.server_state.connections)

    async def listen(self, at: socket.socket, stop: "asyncio.Queue[None]") -> int:
        """Serve until there is something in `stop`, then drain; the next one ends that, too.

        How many requests had to be given up.
        """
        serve = asyncio.create_task(self._server.serve(sockets=[at]))
        told = asyncio.create_task(stop.get())
        await asyncio.wait({serve, told}, return_when=asyncio.FIRST_COMPLETED)
        again = asyncio.create_task(stop.get())
        draining = asyncio.create_task(self._front.drain(self._drain))
        await asyncio.wait({draining, again}, return_when=asyncio.FIRST_COMPLETED)
        given_up = await draining if draining.done() else await self._front.drain(0)
        for task in (told, again, draining):
            task.cancel()
        self._server.should_exit = True
        await serve
        return given_up


def _connections(limits: Limits) -> type[_Connection]:
    """The kind of one server: its connections know of each other."""
    most = min(limits.connections, max(16, _files(limits.connections) - _FILES))
    shared: dict[str, Any] = {"limits": limits, "most": most, "silent": {}}
    return type("Connection", (_Connection,), shared)


def _files(connections: int) -> int:
    """How many files this process may have open, as many as it takes if it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + _FILES  # requests to providers are connections, too
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(soft, allowed) if soft != resource.RLIM_INFINITY else allowed


@contextmanager
def signals() -> Iterator["asyncio.Queue[None]"]:
    """Each SIGTERM and each Ctrl-C is put into the queue, and does nothing else."""
    loop, told = asyncio.get_running_loop(), asyncio.Queue[None]()
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    for each in before:
        loop.add_signal_handler(each, told.put_nowait, None)
    try:
        yield told
    finally:
        for each, handler in before.items():
            loop.remove_signal_handler(each)
            signal.signal(each, handler)
