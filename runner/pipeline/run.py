"""START HERE. A whole run, from top to bottom: ask every question, score the answers, keep all.

What a question goes through on its way is in session.py; what is asked, in plan.py.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.calls.dispatch import Dispatch
from runner.cases.query import Question
from runner.errors import Stopped
from runner.pipeline import provenance, resume
from runner.pipeline.plan import Plan
from runner.pipeline.resume import Carried
from runner.pipeline.session import Session, opened
from runner.record.files import JOURNAL, RESULT, RUN, write_json
from runner.record.outcomes import Attempt, Failed, Line, Raced, Score
from runner.record.run import Run
from runner.scorers import ScorerFailed


async def run(plan: Plan, directory: Path, dispatch: Dispatch, advance: Callable[[], None]) -> None:
    """Ask what has no answer yet and keep the record in `directory`, which the caller has claimed.

    `advance` is called for each outcome. Raises ConfigError before anything is sent; later
    Stopped, StorageError and ScorerFailed, and the journal then holds all that was answered.
    """
    async with begun(plan, directory, dispatch, advance) as asking:
        await asking.ask(asking.plan.questions())


@dataclass(frozen=True)
class Asking:
    """A run under way."""

    plan: Plan
    session: Session | None  # None: nothing is missing
    carried: Carried
    advance: Callable[[], None]

    async def ask(
        self, questions: Iterable[Question], see: Callable[[Line], None] = lambda _: None
    ) -> None:
        """Those that have no outcome yet; `see` gets each as it comes. Raises what `run` does."""
        todo = (q for q in questions if (q.case.id, q.repeat) not in self.carried.done)
        session, over = self.session, list[Stopped]()
        if session is None:
            return

        async def worker() -> None:
            for question in todo:
                try:
                    see(await _answer(self.plan, question, session, self.carried))
                except Stopped as error:
                    over.append(error)
                if over:  # what is in flight is paid for: it ends, and nothing new begins
                    return
                self.advance()

        missing = self.plan.count - len(self.carried.done)
        await _together(worker, min(self.plan.job.concurrency, missing))
        if over:
            raise over[0]


@asynccontextmanager
async def begun(
    plan: Plan,
    directory: Path,
    dispatch: Dispatch,
    advance: Callable[[], None],
    race: Raced | None = None,
) -> AsyncIterator[Asking]:
    """A run whose record has been begun, with all that need not be asked; raises what it does."""
    (directory / RESULT).unlink(missing_ok=True)  # it is of what was asked until now
    carried = await resume.carry_over(plan, directory)
    about = provenance.describe(plan, taken_over=len(carried.done))
    if plan.job.shards > 1 and plan.job.shard is None:  # its shards have asked, and began before
        about |= {key: Run(directory).about[key] for key in ("started", "taken_over")}
    write_json(directory / RUN, about | ({"race": race.model_dump()} if race else {}))
    for _ in carried.done:
        advance()
    if len(carried.done) == plan.count:
        yield Asking(plan, None, carried, advance)
        return
    journal = directory / JOURNAL
    async with opened(plan.job, dispatch, journal, waits=plan.slow_to_score) as session:
        yield Asking(plan.serving(session.job), session, carried, advance)


async def _answer(plan: Plan, question: Question, session: Session, carried: Carried) -> Line:
    """Raises ScorerFailed, Stopped, StorageError; what was paid for is on record even so."""
    case = question.case
    where = case.id, question.repeat
    found = carried.answers.get(where) or await session.ask_or_stop(
        question, earlier=carried.attempts.get(where, ())
    )
    if isinstance(found, Failed):
        await session.keep(found)
        if found.kind == "interrupted":
            raise ScorerFailed(found.error)
        return found
    judging: list[Attempt] = []
    scores: dict[str, Score] = {}
    try:
        scored = await plan.score(found, case, session.asker.ask_judge, judging, scores)
    except (ScorerFailed, Stopped, asyncio.CancelledError):
        # It was paid for: kept, and scored as far as it is not yet on resuming.
        await session.keep(found.model_copy(update={"judging": judging, "scores": scores}))
        raise
    await session.keep(scored)
    return scored


async def _together(worker: Callable[[], Awaitable[None]], count: int) -> None:
    """Run `count` workers; the first error ends them all, and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(worker())  # type: ignore[arg-type]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
