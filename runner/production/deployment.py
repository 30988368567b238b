"""A decision at work: it is checked as a measurement is, and asks the same way."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from runner.calls.limits import BURST_SECONDS
from runner.cases.cases import Case
from runner.cases.query import query
from runner.pipeline import plan, session
from runner.pipeline.session import Session
from runner.production.job import Production
from runner.record.outcomes import Attempt

# Of the requests that a provider grants in a minute, so many seconds' worth may go at once where
# somebody waits for each: a user who comes alone is not made to wait.
WAITED_FOR = 6.0


def check_production(job: Production, today: date | None = None) -> None:
    """Whatever can fail for free. Raises ConfigError."""
    plan.check_job(job, today or date.today())
    plan.make_ready(job, query(job.task, Case(id="1", input=""), [], job.seed))


@asynccontextmanager
async def opened(
    job: Production,
    journal: Path | None,
    earlier: Iterable[Attempt] = (),
    *,
    stops: bool = False,
    say: Callable[[str], None] = lambda _: None,
    burst_seconds: float = BURST_SECONDS,
) -> AsyncIterator[Session]:
    """`earlier` attempts were paid from the budget; for the others see `connected`.

    Raises ConfigError, StorageError.
    """
    asking = session.connected(
        [job], earlier=earlier, stops=stops, say=say, burst_seconds=burst_seconds
    )
    async with asking as dispatch, session.opened(job, dispatch, journal) as decision:
        yield decision
