"""One request of a client under way: its questions, the pieces of their answers, and its end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self, TypeVar

from runner.cases.call_log import CallLog, OnText
from runner.cases.query import Question
from runner.production.decisions import Decision
from runner.production.job import Production
from runner.record.outcomes import Answered, Failed

Outcomes = list[Answered | Failed]
Result = TypeVar("Result")


class HungUp(Exception):
    """Nobody waits for the answer any more."""


class Asking:
    """`async with Asking(…) as asking`: whoever leaves before the end gives the request up.

    `gone` returns when the client has hung up; `turn` is one of those that are answered at once,
    and `ended` is called when it is over, however long the client takes to read the answer. What
    was paid for is on record when the block is left.
    """

    def __init__(
        self,
        decision: Decision,
        questions: Sequence[Question],
        *,
        turn: AbstractAsyncContextManager[Any],
        gone: Callable[[], Awaitable[None]],
        ended: Callable[[], None],
        streamed: bool,
    ) -> None:
        self._decision, self._questions, self._turn = decision, questions, turn
        self._streamed, self._gone, self._ended = streamed, gone, ended
        self._pieces: asyncio.Queue[tuple[int, str] | None] = asyncio.Queue()
        self.logs: list[CallLog] = []

    async def __aenter__(self) -> Self:
        self._work = asyncio.create_task(self._ask())
        self._work.add_done_callback(self._at_its_end)
        self._hanging_up = asyncio.ensure_future(self._gone())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in (self._work, self._hanging_up):
            task.cancel()
        await asyncio.gather(self._work, self._hanging_up, return_exceptions=True)

    async def piece(self) -> tuple[int, str] | None:
        """The next one, of which choice; None: there are no more. Raises HungUp."""
        if not self._pieces.empty():
            return self._pieces.get_nowait()
        return await self._unless_gone(asyncio.ensure_future(self._pieces.get()))

    async def outcomes(self) -> Outcomes:
        """Raises HungUp, StorageError."""
        return await self._unless_gone(self._work)

    async def _unless_gone(self, work: "asyncio.Future[Result]") -> Result:
        waiting: set[asyncio.Future[Any]] = {work, self._hanging_up}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
            raise HungUp
        return work.result()

    def _at_its_end(self, _: "asyncio.Future[Outcomes]") -> None:
        self._ended()
        self._pieces.put_nowait(None)

    async def _ask(self) -> Outcomes:
        async with self._turn:
            self.logs = [CallLog() for _ in self._questions]
            asked = (self._one(*each) for each in enumerate(self._questions))
            # Each to its end: what is in flight is paid for.
            found = await asyncio.gather(*asked, return_exceptions=True)
        for each in found:
            if isinstance(each, BaseException):
                raise each
        return [each for each in found if isinstance(each, Answered | Failed)]

    async def _one(self, index: int, question: Question) -> Answered | Failed:
        def hear(piece: str) -> None:
            self._pieces.put_nowait((index, piece))

        on_text: OnText | None = hear if self._streamed and may_stream(self._decision.job) else None
        outcome = await self._decision.ask(question, on_text, self.logs[index])
        if self._streamed and on_text is None and isinstance(outcome, Answered) and outcome.reply:
            hear(outcome.reply)
        return outcome


def may_stream(job: Production) -> bool:
    """Not where a fallback is for answers that only their end shows to be flawed."""
    return not (job.fallback.chain and {"truncated", "invalid_output"} & set(job.fallback.on))
