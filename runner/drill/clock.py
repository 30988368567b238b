"""An event loop on which minutes pass in no time: its clock jumps to the next timer.

It does so when nobody on the loop has anything to do, so whatever is on the other end of a socket
must be on the same loop, and the socket one that is readable once it was written to: a Unix socket
is, TCP is not. How busy the machine is has no part in what time it is.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import anyio.to_thread

Result = TypeVar("Result")

_TICK_SECONDS = 1e-7  # a real clock moves a little even between two turns of the loop
_PATIENCE_SECONDS = 2.0  # of real time: for a thread outside of the loop's own


class _Jumping(selectors.SelectSelector):
    """Threads are waited for as if they took no time; child processes take what they do."""

    clock = 0.0
    threads: Callable[[], int] = staticmethod(lambda: 0)  # at work for the loop
    children: Callable[[], bool] = staticmethod(lambda: False)  # whether any is at work

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.clock += _TICK_SECONDS
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.threads():
            return super().select()
        if self.children():
            began = time.monotonic()
            ready = super().select(timeout)
            self.clock += time.monotonic() - began
            return ready
        if timeout is None:
            if ready := super().select(_PATIENCE_SECONDS):
                return ready
            raise RuntimeError("everybody waits, and nobody will wake anybody")
        self.clock += timeout
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        self._processes: list[asyncio.SubprocessTransport] = []
        self._in_executors = 0
        self.in_anyio: Callable[[], int] = lambda: 0
        self._jumping.threads = lambda: self._in_executors + self.in_anyio()
        self._jumping.children = self._children_at_work
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.clock

    def run_in_executor(self, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future = super().run_in_executor(*args)
        self._in_executors += 1
        future.add_done_callback(self._thread_ended)
        return future

    async def subprocess_exec(self, *args: Any, **options: Any) -> Any:
        transport, protocol = await super().subprocess_exec(*args, **options)
        self._processes.append(transport)
        return transport, protocol

    def _thread_ended(self, _: asyncio.Future[Any]) -> None:
        self._in_executors -= 1

    def _children_at_work(self) -> bool:
        self._processes = [each for each in self._processes if each.get_returncode() is None]
        return bool(self._processes)


def simulate(work: Coroutine[Any, Any, Result]) -> Result:
    """Do the work on such a loop."""

    async def watched() -> Result:
        limiter = anyio.to_thread.current_default_thread_limiter()  # litellm's threads are anyio's
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        loop.in_anyio = lambda: limiter.borrowed_tokens
        return await work

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(watched())
