"""A whole run, from top to bottom: ask every question, score the answers, keep the record."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from runner import provenance, resume
from runner.ask import Throttle, ask
from runner.journal import Journal
from runner.outputs import JOURNAL, RUN, write_json
from runner.parameters import parameters
from runner.plan import Plan, Question
from runner.price import total
from runner.records import Answered, Failed
from runner.schema import Job, Model
from runner.scorers import ScorerFailed


async def run(plan: Plan, directory: Path, throttle: Throttle, advance: Callable[[], None]) -> None:
    """Ask what has no answer yet and keep the record in `directory`, which the caller has claimed.

    `advance` is called for each outcome. Raises ConfigError before anything is sent; later
    StorageError and ScorerFailed, and the journal then holds all that was answered so far.
    """
    done = await resume.carry_over(plan, directory)
    write_json(directory / RUN, provenance.describe(plan, taken_over=len(done)))
    for _ in done:
        advance()
    missing = plan.count - len(done)
    if not missing:
        return
    async with AsyncExitStack() as stack:
        job = await _serve(plan.job, stack)
        journal = Journal(directory / JOURNAL)
        stack.callback(journal.close)
        todo = (q for q in plan.questions() if (q.case.id, q.repeat) not in done)

        async def worker() -> None:
            for question in todo:
                await _answer(plan, job, question, throttle, journal)
                advance()

        await _together(worker, min(job.concurrency, missing))


async def _answer(
    plan: Plan, job: Job, question: Question, throttle: Throttle, journal: Journal
) -> None:
    case, seed = question.case, plan.seed(question.repeat)
    asked = await ask(
        job.model,
        job.fallback,
        job.retry,
        throttle,
        question.messages,
        lambda model: parameters(model, job.task, case, seed),
    )
    common = {
        "case": case.id,
        "repeat": question.repeat,
        "model": job.model.name,
        "key": question.key,
        "messages": question.messages,
        "request": asked.request,
        "tags": list(case.tags),
        "expected": case.expected,
        "cost_usd": total(attempt.cost_usd for attempt in asked.attempts),
        "seconds": sum(attempt.seconds for attempt in asked.attempts),
        "queued_seconds": asked.queued_seconds,
        "attempts": asked.attempts,
    }
    reply = asked.reply
    if reply is None:
        await journal.append(Failed(**common, error=str(asked.error)))
        return
    answer = Answered(
        **common,
        served_by=asked.served_by,
        model_served=reply.model_served,
        reply=reply.text,
        finish_reason=reply.finish_reason,
        usage=reply.usage,
        scores={},
    )
    try:
        scores = await plan.score(answer, case)
    except (ScorerFailed, asyncio.CancelledError):
        await journal.append(answer)  # it was paid for: kept unscored, and scored on resuming
        raise
    await journal.append(answer.model_copy(update={"scores": scores}))


async def _serve(job: Job, stack: AsyncExitStack) -> Job:
    """Start a server for each embedded model, and say where it is."""

    async def started(model: Model) -> Model:
        if model.artifact is None:
            return model
        from runner.local.server import serving

        api_base = await stack.enter_async_context(serving(model.artifact, model.id))
        provider = model.provider.model_copy(update={"api_base": api_base})
        return model.model_copy(update={"provider": provider})

    chain = {key: await started(model) for key, model in job.fallback.chain.items()}
    fallback = job.fallback.model_copy(update={"chain": chain})
    return job.model_copy(update={"model": await started(job.model), "fallback": fallback})


async def _together(worker: Callable[[], Awaitable[None]], count: int) -> None:
    """Run `count` workers; the first error ends them all, and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(worker())  # type: ignore[arg-type]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
