"""The clock of one request: it starts at the socket, and runs while this process can listen."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

TO_SEND_SECONDS = 120.0  # for all that comes before: litellm's imports at a first call, a busy loop
_TICKS = 20


class Countdown:
    """Calls `then` after so many seconds in which the event loop was awake.

    They are counted in ticks: while something else holds up the loop, perhaps with the answer at
    its door, one tick passes at most.
    """

    def __init__(self, seconds: float, then: Callable[[], None]) -> None:
        self._tick, self._left, self._then = seconds / _TICKS, _TICKS, then
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(self._tick, self._next)

    def _next(self) -> None:
        self._left -= 1
        if self._left:
            self._timer = self._loop.call_later(self._tick, self._next)
        else:
            self._then()

    def cancel(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None  # it holds all that was current when it was made


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[Callable[[], None]]:
    """Gives what is to be called when the request comes to the socket.

    Raises TimeoutError so many seconds after that, or where it does not come there.
    """
    loop, scope = asyncio.get_running_loop(), asyncio.timeout(None)

    left = Countdown(TO_SEND_SECONDS, lambda: scope.reschedule(loop.time()))

    def starts() -> None:
        nonlocal left
        left.cancel()
        if not scope.expired():
            left = Countdown(seconds, lambda: scope.reschedule(loop.time()))

    try:
        async with scope:
            yield starts
    finally:
        left.cancel()
