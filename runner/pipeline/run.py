"""A whole run, from top to bottom: ask every question, score the answers, keep the record."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

from runner.calls.ask import Asker
from runner.calls.dispatch import Dispatch
from runner.calls.embedded.serve import serve
from runner.cases.call_log import CallLog, OnText
from runner.cases.outcome import outcome
from runner.errors import BudgetSpent, CallFailed
from runner.pipeline import provenance, resume
from runner.pipeline.plan import Plan, Question
from runner.pipeline.resume import Carried
from runner.pipeline.tracing import Tracer
from runner.record.files import JOURNAL, PROBE, RUN, read_journal, write_json
from runner.record.journal import Journal
from runner.record.outcomes import Answered, Attempt, Failed, Score
from runner.scorers import ScorerFailed

Keep = Callable[[Answered | Failed], Awaitable[None]]  # puts an outcome on record


async def run(plan: Plan, directory: Path, dispatch: Dispatch, advance: Callable[[], None]) -> None:
    """Ask what has no answer yet and keep the record in `directory`, which the caller has claimed.

    `advance` is called for each outcome. Raises ConfigError before anything is sent; later
    BudgetSpent, StorageError and ScorerFailed, and the journal then holds all that was answered.
    """
    async with AsyncExitStack() as stack:
        plan = plan.serving(await serve(plan.job, stack))
        asker = Asker(dispatch, plan.job.retry, plan.job.fallback)
        carried = await resume.carry_over(plan, directory)
        write_json(directory / RUN, provenance.describe(plan, taken_over=len(carried.done)))
        for _ in carried.done:
            advance()
        missing = plan.count - len(carried.done)
        if not missing:
            return
        journal = Journal(directory / JOURNAL)
        stack.callback(journal.close)
        tracer = Tracer(plan.job)
        stack.push_async_callback(asyncio.to_thread, tracer.close)

        async def keep(line: Answered | Failed) -> None:
            await journal.append(line)
            tracer.outcome(line)

        todo = (q for q in plan.questions() if (q.case.id, q.repeat) not in carried.done)
        over: list[BudgetSpent] = []

        async def worker() -> None:
            for question in todo:
                try:
                    await _answer(plan, question, asker, keep, carried)
                except BudgetSpent as error:
                    over.append(error)
                if over:  # what is in flight is paid for: it ends, and nothing new begins
                    return
                advance()

        await _together(worker, min(plan.job.concurrency, missing))
        if over:
            raise over[0]


async def _answer(
    plan: Plan, question: Question, asker: Asker, keep: Keep, carried: Carried
) -> None:
    """Raises ScorerFailed, BudgetSpent, StorageError; what was paid for is on record even so."""
    where = question.case.id, question.repeat
    line = carried.answers.get(where) or await _ask(
        plan, question, asker, keep, carried.attempts.get(where, ())
    )
    if not isinstance(line, Answered):
        await keep(line)
        if line.kind == "budget":
            raise BudgetSpent(line.error)
        if line.kind == "interrupted":
            raise ScorerFailed(line.error)
        return
    judging: list[Attempt] = []
    scores: dict[str, Score] = {}
    try:
        scored = await plan.score(line, question.case, asker.aside, judging, scores)
    except (ScorerFailed, BudgetSpent, asyncio.CancelledError):
        # It was paid for: kept, and scored as far as it is not yet on resuming.
        await keep(line.model_copy(update={"judging": judging, "scores": scores}))
        raise
    await keep(scored)


async def _ask(
    plan: Plan,
    question: Question,
    asker: Asker,
    keep: Keep,
    earlier: Sequence[Attempt] = (),
    on_text: OnText | None = None,
) -> Answered | Failed:
    asked = CallLog()

    def record() -> Answered | Failed:
        return outcome(
            asked,
            model=plan.job.model.name,
            case=question.case,
            messages=question.messages,
            key=question.key,
            repeat=question.repeat,
            earlier=earlier,
        )

    try:
        asked = await asker.ask(plan.job.model, plan.query(question), on_text, asked)
    except asyncio.CancelledError:
        if asked.attempts or earlier:  # an arm before the one that was being asked
            asked.error = CallFailed("interrupted", "before there was an outcome")
            await keep(record())
        raise
    return record()


async def probe(plan: Plan, directory: Path, dispatch: Dispatch) -> None:
    """Stream the answers to the first cases one at a time, to time their first tokens.

    Nothing else may be under way: at many streams at once this process would time itself.
    """
    file = directory / PROBE
    lines = read_journal(file) if file.exists() else ()
    done = {line.case for line in lines if not (isinstance(line, Failed) and line.open)}
    first = islice((q for q in plan.questions() if q.repeat == 0), plan.job.latency_probe)
    todo = [question for question in first if question.case.id not in done]
    if not todo:
        return
    async with AsyncExitStack() as stack:
        plan = plan.serving(await serve(plan.job, stack))
        asker = Asker(dispatch, plan.job.retry, plan.job.fallback)
        journal = Journal(file)
        stack.callback(journal.close)
        for question in todo:
            line = await _ask(plan, question, asker, journal.append, on_text=lambda _: None)
            if line.attempts:
                await journal.append(line)
            if isinstance(line, Failed) and line.kind == "budget":
                raise BudgetSpent(line.error)


async def _together(worker: Callable[[], Awaitable[None]], count: int) -> None:
    """Run `count` workers; the first error ends them all, and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(worker())  # type: ignore[arg-type]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
