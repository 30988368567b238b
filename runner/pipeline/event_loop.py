"""The event loop that a process works on: uvloop's only home."""

import asyncio
import gc
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import uvloop

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Do the work on a loop of its own.

    On Ctrl-C and SIGTERM it is cancelled, so that it ends tidily; then KeyboardInterrupt is raised.
    """
    # What a request leaves in circles is found soon, so that memory does not grow with them; what
    # is there by now stays, and is not looked through each time.
    gc.freeze()
    gc.set_threshold(10_000, 5, 5)

    async def cancellable() -> Result:
        with _cancelled_by_sigterm():
            return await work

    try:
        return uvloop.run(cancellable())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


@contextmanager
def _cancelled_by_sigterm() -> Iterator[None]:
    """Cancel the current task on SIGTERM, as asyncio does on Ctrl-C."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is None or threading.current_thread() is not threading.main_thread():
        yield  # signals are delivered to the main thread only
        return
    before = signal.getsignal(signal.SIGTERM)
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, before)
