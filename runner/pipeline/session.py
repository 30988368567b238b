"""What a question goes through to its record, assembled once for eval, production and drill alike.

    async with connected() as dispatch, opened(job, dispatch, directory / JOURNAL) as session:
        await session.keep(await session.ask(question))

`connected` is the part that a process shares: connections, the budget, the limits of providers.
`opened` is what each job has of its own: servers of embedded models, retries and fallback, the
journal and spans.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from runner.calls.ask import Asker
from runner.calls.budget import Budget
from runner.calls.dispatch import Dispatch
from runner.calls.embedded.server import serve
from runner.calls.limits import BURST_SECONDS
from runner.calls.refusals import Refusals
from runner.calls.transport import Transport
from runner.calls.wire import Clock
from runner.cases.call_log import CallLog, OnText
from runner.cases.query import Question
from runner.config.schema import Job
from runner.errors import BudgetSpent, CallFailed, Stopped
from runner.pipeline import conversation
from runner.pipeline.tracing import Tracer
from runner.record.journal import Journal
from runner.record.ledger import Ledger
from runner.record.outcomes import Answered, Attempt, Failed


@asynccontextmanager
async def connected(
    jobs: Iterable[Job] = (),
    *,
    earlier: Iterable[Attempt] = (),
    unix_socket: str | None = None,
    clock: Clock = time.perf_counter,
    stops: bool = False,
    say: Callable[[str], None] = lambda _: None,
    daily: bool = False,
    burst_seconds: float = BURST_SECONDS,
) -> AsyncIterator[Dispatch]:
    """With the callbacks and the budget of `jobs`, from which `earlier` attempts were paid.

    `stops` is for runs that end where going on would only fail again (`Session.ask_or_stop`); `say`
    is told of outages. With `daily` the budget is one of each day; for `burst_seconds` see
    `Dispatch`. A drill has a `unix_socket` and a `clock` of its own: see `Transport`.
    Raises ConfigError for a callback that can't start, StorageError for a shared budget.
    """
    jobs = list(jobs)
    callbacks = {callback.name for job in jobs for callback in job.callbacks}
    shared = next((job.budget_dir for job in jobs if job.budget_dir), None)
    async with Transport(sorted(callbacks), unix_socket=unix_socket, clock=clock) as transport:
        budget = Budget(cap_usd(jobs), shared, daily=daily)
        try:
            budget.take_over(earlier)
            yield Dispatch(transport, budget, Refusals() if stops else None, say, burst_seconds)
        finally:
            budget.close()


def cap_usd(jobs: Iterable[Job]) -> float | None:
    """The budget that jobs of one process share: the smallest that one of them names."""
    return min((job.budget_usd for job in jobs if job.budget_usd is not None), default=None)


@dataclass(frozen=True)
class Session:
    job: Job  # with its embedded models where they are served
    asker: Asker
    journal: Journal | None
    ledger: Ledger | None
    tracer: Tracer

    async def ask(
        self,
        question: Question,
        *,
        earlier: Sequence[Attempt] = (),
        on_text: OnText | None = None,
        log: CallLog | None = None,
    ) -> Answered | Failed:
        """The outcome, not yet on record.

        What was paid for on the way is on record even when this is cancelled; `earlier` attempts
        at the same question are counted in. `log` is told of all that happens as it does. Raises
        StorageError.
        """
        return (await self._asked(question, earlier, on_text, log)).outcome(
            question, self.job.model.name, earlier
        )

    async def ask_or_stop(
        self,
        question: Question,
        *,
        earlier: Sequence[Attempt] = (),
        on_text: OnText | None = None,
    ) -> Answered | Failed:
        """As `ask`; raises Stopped where nothing more is to be asked.

        The question is then left open, with what was paid for on record.
        """
        log = await self._asked(question, earlier, on_text)
        error = log.error
        if error is None or not (error.stops or error.kind == "budget"):
            return log.outcome(question, self.job.model.name, earlier)
        if error.stops:
            log.error = replace(error, kind="interrupted")
        await self.keep(log.outcome(question, self.job.model.name, earlier))
        raise Stopped(error.stops) if error.stops else BudgetSpent(str(error))

    async def _asked(
        self,
        question: Question,
        earlier: Sequence[Attempt],
        on_text: OnText | None,
        log: CallLog | None = None,
    ) -> CallLog:
        log = log or CallLog()
        try:
            if conversation.takes_several(question.query):
                await conversation.hold(self.asker, self.job.model, question.query, log, on_text)
            else:
                await self.asker.ask(self.job.model, question.query, on_text, log)
        except asyncio.CancelledError:
            log.error = CallFailed("interrupted", "before there was an outcome")
            await self.keep(log.outcome(question, self.job.model.name, earlier))
            raise
        return log

    async def keep(self, outcome: Answered | Failed) -> None:
        """Put it on record, but for a question that is left open and has cost nothing.

        Raises StorageError.
        """
        left_open = isinstance(outcome, Failed) and outcome.open
        if left_open and not outcome.attempts:
            return
        if self.journal:
            await self.journal.append(outcome)
        if self.ledger and not left_open:  # its replies are to be taken when it is asked again
            self.ledger.settle((*outcome.attempts, *outcome.judging))
        self.tracer.outcome(outcome)


@asynccontextmanager
async def opened(
    job: Job, dispatch: Dispatch, journal: Path | None, *, waits: bool = False
) -> AsyncIterator[Session]:
    """`waits` is whether an answer is looked at before its outcome is kept, which takes a while.

    Raises ConfigError, StorageError.
    """
    async with AsyncExitStack() as stack:
        job = await serve(job, stack)
        tracer = Tracer(job)
        stack.push_async_callback(asyncio.to_thread, tracer.close)
        record = Journal(journal) if journal else None
        ledger = Ledger(journal) if journal else None
        for file in (ledger, record):
            if file:
                stack.callback(file.close)
        asker = Asker(dispatch, job.retry, job.fallback, ledger=ledger, waits=waits)
        yield Session(job, asker, record, ledger, tracer)
