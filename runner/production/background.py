"""A decision at work in a thread of its own, for programs that have other things to do."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from runner.errors import RunnerError
from runner.production.job import Production

Result = TypeVar("Result")
Work = Callable[[Any], Coroutine[Any, Any, Result]]  # gets the Session


class Background:
    """One event loop for all who ask, whichever loop or thread they come from.

    So they share connections, limits and budget, and calling a model does not hold up a loop that
    serves somebody else. Raises ConfigError, StorageError when it can't begin.
    """

    def __init__(self, job: Production, journal: Path | None) -> None:
        self._closed = False
        self._closing = threading.Lock()
        self._under_way: set[asyncio.Task[Any]] = set()
        begun: Future[Any] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(job, journal, begun), name="runner", daemon=True
        )
        self._thread.start()
        self._loop, self._end, self._session = begun.result()

    def start(self, work: Work[Result]) -> Future[Result]:
        """Raises RunnerError when it is closed."""
        with self._closing:
            if self._closed:
                raise RunnerError("the client is closed")
            return asyncio.run_coroutine_threadsafe(self._watched(work), self._loop)

    def close(self) -> None:
        """Give up what is under way, and end; what is on record stays so. May be called again."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._loop.call_soon_threadsafe(self._end.set)
        if threading.current_thread() is not self._thread:  # where garbage may be collected
            self._thread.join()

    async def _watched(self, work: Work[Result]) -> Result:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            return await work(self._session)
        except asyncio.CancelledError:
            if self._closed:
                raise RunnerError("the client was closed before the answer came") from None
            raise
        finally:
            self._under_way.discard(task)

    def _run(self, job: Production, journal: Path | None, begun: Future[Any]) -> None:
        from runner.pipeline.event_loop import run

        # Where nobody closed it the interpreter is ending, and starts no threads any more.
        with suppress(RuntimeError):
            run(self._live(job, journal, begun))

    async def _live(self, job: Production, journal: Path | None, begun: Future[Any]) -> None:
        from runner.production.deployment import WAITED_FOR, opened

        try:
            async with opened(job, journal, burst_seconds=WAITED_FOR) as session:
                end = asyncio.Event()
                begun.set_result((asyncio.get_running_loop(), end, session))
                await end.wait()
                for task in self._under_way:
                    task.cancel()
                if self._under_way:
                    await asyncio.wait(self._under_way)
        except BaseException as error:
            if begun.done():
                raise
            begun.set_exception(error)
