"""Providers of the suite: each in a thread of its own, on the loopback interface only.

Async tests and programs in other processes can use them alike.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from math import inf
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
from runner.drill.loopback.server import LoopbackProvider, serving
from tests.loopback.answers import Chat, echo, hang


class Gate:
    """Holds answers back until it is opened, or until so many wait for it at once."""

    def __init__(self, opens_at: float = inf) -> None:
        self._opens_at = opens_at
        self._lock = threading.Lock()
        self._open = False
        self._waiting: list[Callable[[], object]] = []

    def open(self) -> None:
        with self._lock:
            self._open = True
            waiting, self._waiting = self._waiting, []
        for then in waiting:
            then()

    def passed(self, then: Callable[[], object]) -> None:
        """Call `then` once, from any thread, as soon as it is open."""
        with self._lock:
            self._waiting.append(then)
            if not self._open and len(self._waiting) < self._opens_at:
                return
        self.open()


@dataclass(frozen=True)
class Held(HttpAnswer):
    """Sent once `gate` is open."""

    gate: Gate | None = None

    @classmethod
    def by(cls, gate: Gate, answer: HttpAnswer) -> Self:
        return cls(**{each.name: getattr(answer, each.name) for each in fields(answer)}, gate=gate)


class Loopback(LoopbackProvider):
    """A provider: a context manager. `answer` may be replaced while it runs.

    Without `speaks` it takes any chat completion, at any path. An exception in the answer function
    is raised again on exit.
    """

    def __init__(self, answer: HttpAnswer | AnswerFunction, speaks: Speaks | None = None) -> None:
        super().__init__(answer, speaks or Chat())
        self._arrival = threading.Condition()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._port: int = self._socket.getsockname()[1]
        # Named, because under uvloop's policy new_event_loop() would be uvloop's.
        self._loop = asyncio.SelectorEventLoop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="loopback", daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}{self.speaks.base_path}"

    def wait_for(self, count: int, timeout: float = 60.0) -> list[HttpRequest]:
        """Block until `count` requests have arrived. Raises TimeoutError."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self.requests) >= count, timeout):
                raise TimeoutError(f"{len(self.requests)} of {count} requests in {timeout} s")
            return list(self.requests)

    def __enter__(self) -> Self:
        # The socket listens already: whoever connects before the thread runs just waits a little.
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=60)
        if self._thread.is_alive():
            raise RuntimeError("the loopback server did not stop; does its answer function block?")
        if self.raised is not None and kind is None:
            raise self.raised

    def take(self, asked: web.Request, data: bytes) -> HttpAnswer:
        answer = super().take(asked, data)
        with self._arrival:
            self._arrival.notify_all()
        return answer

    async def due(self, what: HttpAnswer | Piece) -> None:
        if not (isinstance(what, Held) and what.gate):
            await super().due(what)
            return
        loop, opened = asyncio.get_running_loop(), asyncio.Event()
        what.gate.passed(lambda: loop.is_closed() or loop.call_soon_threadsafe(opened.set))
        await opened.wait()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        runner = serving(lambda _: self)
        await runner.setup()
        await web.SockSite(runner, self._socket, backlog=1024).start()
        await self._stop.wait()
        await runner.cleanup()


def hang_after(count: int) -> AnswerFunction:
    """So many requests are answered with what they say, and the others never."""
    return lambda request: echo(request) if request.number <= count else hang()


def in_turn(*answers: HttpAnswer | AnswerFunction) -> AnswerFunction:
    """The first answer to the first request, and so on; the last one to all the rest."""
    left = list(answers)

    def answer(request: HttpRequest) -> HttpAnswer:
        return resolve(left.pop(0) if len(left) > 1 else left[0], request)

    return answer
