"""The decisions of a server at work: each with its record, perhaps with a shadow beside it."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from dataclasses import dataclass, field, replace
from pathlib import Path

from runner.calls.dispatch import Dispatch
from runner.calls.route import questions
from runner.cases.call_log import CallLog, OnText
from runner.cases.cases import Case
from runner.cases.query import Question, messages, parameters, query
from runner.errors import CallFailed, RunnerError
from runner.pipeline import provenance, session
from runner.pipeline.resume import try_lock
from runner.pipeline.session import Session
from runner.price import total
from runner.production.deployment import WAITED_FOR
from runner.production.job import Production, request_key
from runner.production.serving import Served, Shadow
from runner.record.files import JOURNAL, RESULT, RUN, dated, write_json
from runner.record.outcomes import Answered, Counts, Failed, Result
from runner.record.run import Run

Say = Callable[[str], None]
_AT_ONCE = 4  # requests of a shadow


@dataclass(eq=False)
class Decision:
    """One task, answered; what comes of each question is on record before it is returned."""

    job: Production
    session: Session
    directory: Path
    fingerprint: str
    shadow: "Beside | None" = None
    answered: int = 0
    failed: int = 0
    spent_usd: float | None = 0.0  # None: unknown
    notes: list[str] = field(default_factory=list)

    async def ask(
        self, question: Question, on_text: OnText | None = None, log: CallLog | None = None
    ) -> Answered | Failed:
        """Raises StorageError."""
        if self.shadow:
            self.shadow.offer(question)
        outcome = await self.session.ask(question, on_text=on_text, log=log)
        # Paid for: whoever hangs up now does not keep it from the record.
        await asyncio.shield(self._keep(outcome))
        return outcome

    async def _keep(self, outcome: Answered | Failed) -> None:
        self.answered += isinstance(outcome, Answered)
        self.failed += isinstance(outcome, Failed)
        self.spent_usd = total((self.spent_usd, outcome.cost_usd))
        await self.session.keep(outcome)

    @property
    def result(self) -> Result:
        asked = self.answered + self.failed
        return Result(
            task=self.job.task.name,
            model=self.job.model.name,
            id=self.job.model.id,
            complete=True,
            stamp=Run(self.directory).stamp,
            counts=Counts(
                cases=asked, outcomes=asked, answered=self.answered, failed=self.failed, replayed=0
            ),
            spent_usd=self.spent_usd,
            notes=self.notes,
        )


class Beside:
    """Asks a second candidate what it is offered, as far as it keeps up."""

    def __init__(self, settings: Shadow, decision: Decision) -> None:
        self._settings, self._decision = settings, decision
        self._waiting: asyncio.Queue[Question] = asyncio.Queue(settings.waiting)
        self.left_out = 0

    def offer(self, question: Question) -> None:
        """The same text is always in the share, or never."""
        if not self._within(question):
            return
        try:
            self._waiting.put_nowait(question)
        except asyncio.QueueFull:
            self.left_out += 1

    def _within(self, question: Question) -> bool:
        asked = json.dumps(question.query.messages, sort_keys=True).encode()
        point = int.from_bytes(hashlib.sha256(b"shadow" + asked).digest()[:8])
        return point < self._settings.share * 2**64

    async def run(self) -> None:
        """Until it is cancelled. Raises StorageError."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(self._work())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _work(self) -> None:
        while True:
            question = await self._waiting.get()
            key = request_key(self._decision.fingerprint, question.key.encode())
            outcome = await self._decision.ask(replace(question, key=key))
            self.left_out += isinstance(outcome, Failed) and outcome.kind == "budget"

    def note(self) -> str:
        count = self.left_out + self._waiting.qsize()
        return f"{count} requests were left out: it was behind, or its budget was spent"


@asynccontextmanager
async def opened(served: Served, say: Say) -> AsyncIterator[dict[str, Decision]]:
    """Each decision by its task. They share connections, limits and the budget of the day.

    Raises ConfigError, StorageError.
    """
    async with AsyncExitStack() as stack:
        found = {}
        jobs = served.decisions.values()
        dispatch = await stack.enter_async_context(_connected(list(jobs), say))
        for task, job in served.decisions.items():
            found[task] = await stack.enter_async_context(_decision(job, dispatch))
            await _get_ready(found[task], dispatch)
        for task, job in served.shadows.items():
            assert served.serving.shadow
            apart = await stack.enter_async_context(_connected([job], lambda _: None))
            shadowing = await stack.enter_async_context(_decision(job, apart))
            found[task].shadow = beside = Beside(served.serving.shadow, shadowing)
            await stack.enter_async_context(_at_work(beside, shadowing, say))
        yield found


def _connected(jobs: list[Production], say: Say) -> AbstractAsyncContextManager[Dispatch]:
    return session.connected(jobs, say=say, daily=True, burst_seconds=WAITED_FOR)


async def _get_ready(decision: Decision, dispatch: Dispatch) -> None:
    """What the first requests would have to wait for."""
    job = decision.session.job
    system = [{"role": "system", "content": "x"}] if job.task.system else []
    case = Case(id="ready", input="x")
    first = query(job.task, case, [*system, {"role": "user", "content": "x"}], job.seed)
    for model in job.chain.values():
        for single, each in questions(model, first):
            asked, params = messages(single, each), parameters(single, each)
            for streamed in (False, True):
                with suppress(CallFailed):  # whoever asks is told
                    await dispatch.transport.get_ready(single, asked, params, streamed=streamed)


@asynccontextmanager
async def _decision(job: Production, dispatch: Dispatch) -> AsyncIterator[Decision]:
    """With a run directory of its own, whose result is written at the end."""
    directory = dated(job.outputs, "runs", f"serve_{job.label}")
    directory.mkdir(parents=True)
    lock = try_lock(directory)
    assert lock is not None
    try:
        about = {"kind": "production", "input": "http", "output": "http"}
        write_json(directory / RUN, about | provenance.about(job))
        async with session.opened(job, dispatch, directory / JOURNAL) as opened:
            decision = Decision(job, opened, directory, job.fingerprint())
            yield decision
        write_json(directory / RESULT, decision.result.model_dump(mode="json"))
    finally:
        lock.release()


@asynccontextmanager
async def _at_work(beside: Beside, decision: Decision, say: Say) -> AsyncIterator[None]:
    async def work() -> None:
        try:
            await beside.run()
        except RunnerError as error:  # the answers themselves go on
            say(f"shadow: {error}; nothing more is asked of it")

    working = asyncio.create_task(work())
    try:
        yield
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        decision.notes.append(beside.note())
