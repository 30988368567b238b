"""A decision at work: asks as a measurement does, and keeps every outcome."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from runner.calls.ask import Asker
from runner.calls.budget import Budget
from runner.calls.dispatch import Dispatch
from runner.calls.embedded.serve import serve
from runner.calls.llm import Client
from runner.cases.call_log import OnText
from runner.cases.cases import Case
from runner.cases.outcome import outcome
from runner.cases.query import query
from runner.pipeline import plan
from runner.pipeline.tracing import Tracer
from runner.production.job import Production
from runner.record.journal import Journal
from runner.record.outcomes import Answered, Failed, Message


@dataclass(frozen=True)
class Deployment:
    job: Production
    asker: Asker
    journal: Journal | None
    tracer: Tracer

    async def ask(
        self,
        case: Case,
        messages: list[Message],
        key: str,
        *,
        line: int | None = None,
        on_text: OnText | None = None,
    ) -> Answered | Failed:
        """The outcome, on record. Raises StorageError.

        What the budget left unasked is on record only where it cost something even so.
        """
        wanted = query(self.job.task, case, messages, self.job.seed)
        asked = await self.asker.ask(self.job.model, wanted, on_text)
        found = outcome(
            asked, model=self.job.model.name, case=case, messages=messages, key=key
        ).model_copy(update={"line": line})
        if found.attempts or not (isinstance(found, Failed) and found.kind == "budget"):
            if self.journal:
                await self.journal.append(found)
            self.tracer.outcome(found)
        return found


def check(job: Production, today: date | None = None) -> None:
    """Whatever can fail for free. Raises ConfigError."""
    plan.check(job, today or date.today())
    specimen = query(job.task, Case(id="1", input=""), [], job.seed)
    plan.make_ready(job, specimen)


@asynccontextmanager
async def opened(
    job: Production, journal: Path | None, spent_usd: float = 0.0
) -> AsyncIterator[Deployment]:
    """With `spent_usd` of the budget spent already. Raises ConfigError, StorageError."""
    async with (
        Client(sorted(callback.name for callback in job.callbacks)) as client,
        AsyncExitStack() as stack,
    ):
        dispatch = Dispatch(client, Budget(job.budget_usd))
        dispatch.budget.spent_usd = spent_usd
        served = await serve(job, stack)
        assert isinstance(served, Production)
        tracer = Tracer(served)
        stack.push_async_callback(asyncio.to_thread, tracer.close)
        record = Journal(journal) if journal else None
        if record:
            stack.callback(record.close)
        yield Deployment(served, Asker(dispatch, served.retry, served.fallback), record, tracer)
