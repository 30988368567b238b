"""START HERE. A whole run, from top to bottom: ask every question, score the answers, keep all.

What a question goes through on its way is in session.py; what is asked, in plan.py.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from runner.calls.dispatch import Dispatch
from runner.cases.query import Question
from runner.errors import Stopped
from runner.pipeline import provenance, resume
from runner.pipeline.plan import Plan
from runner.pipeline.resume import Carried
from runner.pipeline.session import Session, opened
from runner.record.files import JOURNAL, RESULT, RUN, write_json
from runner.record.outcomes import Attempt, Failed, Score
from runner.scorers import ScorerFailed


async def run(plan: Plan, directory: Path, dispatch: Dispatch, advance: Callable[[], None]) -> None:
    """Ask what has no answer yet and keep the record in `directory`, which the caller has claimed.

    `advance` is called for each outcome. Raises ConfigError before anything is sent; later
    Stopped, StorageError and ScorerFailed, and the journal then holds all that was answered.
    """
    (directory / RESULT).unlink(missing_ok=True)  # it is of what was asked until now
    carried = await resume.carry_over(plan, directory)
    write_json(directory / RUN, provenance.describe(plan, taken_over=len(carried.done)))
    for _ in carried.done:
        advance()
    missing = plan.count - len(carried.done)
    if not missing:
        return
    over: list[Stopped] = []
    journal = directory / JOURNAL
    async with opened(plan.job, dispatch, journal, waits=plan.slow_to_score) as session:
        plan = plan.serving(session.job)
        todo = (q for q in plan.questions() if (q.case.id, q.repeat) not in carried.done)

        async def worker() -> None:
            for question in todo:
                try:
                    await _answer(plan, question, session, carried)
                except Stopped as error:
                    over.append(error)
                if over:  # what is in flight is paid for: it ends, and nothing new begins
                    return
                advance()

        await _together(worker, min(plan.job.concurrency, missing))
    if over:
        raise over[0]


async def _answer(plan: Plan, question: Question, session: Session, carried: Carried) -> None:
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
        return
    judging: list[Attempt] = []
    scores: dict[str, Score] = {}
    try:
        scored = await plan.score(found, case, session.asker.ask_judge, judging, scores)
    except (ScorerFailed, Stopped, asyncio.CancelledError):
        # It was paid for: kept, and scored as far as it is not yet on resuming.
        await session.keep(found.model_copy(update={"judging": judging, "scores": scores}))
        raise
    await session.keep(scored)


async def _together(worker: Callable[[], Awaitable[None]], count: int) -> None:
    """Run `count` workers; the first error ends them all, and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(worker())  # type: ignore[arg-type]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
