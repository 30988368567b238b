"""A production run: read a line, ask, keep the record, write the answer when its turn has come."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from itertools import takewhile
from math import inf
from pathlib import Path

from runner.config.terminal import say
from runner.errors import ConfigError, Stopped
from runner.pipeline.session import Session
from runner.production import inputs
from runner.production.answer import Answer, Totals, answer, invalid
from runner.production.deployment import opened
from runner.production.inputs import InvalidInput, Source
from runner.production.job import BatchJob, request_key
from runner.production.journal_order import AHEAD, Recorded
from runner.record.files import JOURNAL

Turn = asyncio.Future[Answer]  # of a line; None in a queue of them: there are no more
_LEFT_OUT = {"kind": "budget"}  # a line that was not asked any more, for whatever reason


async def run(
    job: BatchJob,
    source: Source,
    directory: Path,
    write: Callable[[list[Answer]], None],
    advance: Callable[[], None],
) -> Totals:
    """Answer every line, with the record in `directory`; `write` gets the answers in their order.

    Raises Stopped once what was under way has ended, StorageError, and ConfigError when the
    input is not the one that the record is of.
    """
    journal = directory / JOURNAL
    recorded = Recorded(directory)
    async with opened(job, journal, recorded.paid(), stops=True, say=say) as session:
        flow = _Flow(job, session, source, directory, recorded)
        try:
            async with asyncio.TaskGroup() as group:
                written = group.create_task(flow.write(write, advance))
                await flow.ask(group)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
    if flow.over:
        raise flow.over
    return written.result()


class _Flow:
    def __init__(
        self, job: BatchJob, session: Session, source: Source, directory: Path, recorded: Recorded
    ) -> None:
        self._job, self._session = job, session
        self._source, self._directory, self._recorded = source, directory, recorded
        self._slots = asyncio.Semaphore(self._job.concurrency)
        self._turns: asyncio.Queue[Turn | None] = asyncio.Queue(AHEAD)
        self.over: Stopped | None = None  # why nothing more is asked
        self._stopped = asyncio.Event()  # set with it

    async def ask(self, group: asyncio.TaskGroup) -> None:
        """Give every line its turn, in order, and ask what is not on record."""
        # Of the job as it is configured: where embedded models are served changes with every run.
        fingerprint, (first, step) = self._job.fingerprint(), self._source.part
        number = first + 1 - step
        async for line in self._lines():
            if self.over or number + step > (self._job.limit or inf):
                break
            number += step
            turn = await self._turn(line, number, request_key(fingerprint, line), group)
            if turn is None:
                break
            await self._turns.put(turn)
            if number + step > (self._job.limit or inf):
                break
        if self._recorded.more and not self.over:
            raise self._other_input(f"ends with line {number}")
        await self._turns.put(None)

    async def _lines(self) -> AsyncIterator[bytes]:
        """Up to where nothing more is asked: whoever writes to a pipe may wait for an answer."""
        lines = aiter(self._source.lines())
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            while not self.over:
                line = asyncio.ensure_future(anext(lines, None))
                await asyncio.wait({line, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not line.done():
                    line.cancel()
                elif (found := line.result()) is not None:
                    yield found
                else:
                    return
        finally:
            stopped.cancel()

    async def _turn(
        self, line: bytes, number: int, key: str, group: asyncio.TaskGroup
    ) -> Turn | None:
        """None: nothing more is asked."""
        if found := self._recorded.take(number):
            if found.key != key:
                raise self._other_input(f"line {number} has changed")
            return _done(answer(found, self._job.task, as_json=self._job.wants_json))
        try:
            case = inputs.parse(line, number, self._source)
            messages = inputs.render(self._job.task, case)
        except InvalidInput as problem:
            return _done(invalid(str(problem), problem.id, number))

        question = self._job.question(case, messages, key, line=number)

        async def asked() -> Answer:
            try:
                found = await self._session.ask_or_stop(question)
                await self._session.keep(found)
            except Stopped as error:
                self.over = error
                self._stopped.set()
                return invalid(str(error), case.id, number).model_copy(update=_LEFT_OUT)
            finally:
                self._slots.release()
            return answer(found, self._job.task, as_json=self._job.wants_json)

        await self._slots.acquire()
        if self.over:
            self._slots.release()
            return None
        return group.create_task(asked())

    def _other_input(self, why: str) -> ConfigError:
        return ConfigError(
            f"input: {why}; it is not that of the interrupted run {self._directory}, "
            "remove that directory to begin anew"
        )

    async def write(
        self, write: Callable[[list[Answer]], None], advance: Callable[[], None]
    ) -> Totals:
        """Hand over answers as their turns come, up to the first that was not asked."""
        totals = Totals()
        stopped = False
        async for batch in self._ready():
            whole = list(takewhile(lambda each: each.kind != _LEFT_OUT["kind"], batch))
            if not stopped and whole:
                await asyncio.to_thread(write, whole)  # whoever reads them may be slow
                for each in whole:
                    totals.add(each)
                    advance()
            stopped = stopped or len(whole) < len(batch)
        return totals

    async def _ready(self) -> AsyncIterator[list[Answer]]:
        """The answers in their order, those together that are there at once."""
        turns: deque[Turn | None] = deque()
        while True:
            turn = turns.popleft() if turns else await self._turns.get()
            if turn is None:
                return
            batch = [await turn]
            while not self._turns.empty():
                turn = self._turns.get_nowait()
                if turn is None or not turn.done():
                    turns.append(turn)
                    break
                batch.append(turn.result())
            yield batch


def _done(answer: Answer) -> Turn:
    turn: Turn = asyncio.get_running_loop().create_future()
    turn.set_result(answer)
    return turn
