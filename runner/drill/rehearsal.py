"""What a chain does when things go wrong: the cases of a drill asked, fault by fault."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from runner.calls.route import questions
from runner.calls.transport import Transport
from runner.cases.query import Query, Question, messages, parameters
from runner.config.schema import Job
from runner.drill.faults import Fault
from runner.drill.loopback.server import Host
from runner.drill.result import Handled
from runner.drill.stage import Stage, in_format
from runner.errors import CallFailed, ConfigError
from runner.pipeline.plan import Plan
from runner.pipeline.session import Session, connected, opened
from runner.record.outcomes import Answered, Attempt, Failed


class Asks(Protocol):
    """Somebody who asks in place of us."""

    async def ask(self, question: Question, *, stream: bool) -> Answered | Failed: ...


async def rehearse(
    plan: Plan,
    faults: Mapping[str, Fault],
    advance: Callable[[], None],
    front: Callable[[Session], Asks] | None = None,
) -> dict[str, list[Handled]]:
    """Ask every case under every fault, one after the other; `advance` is called for each.

    Run it with `simulate`: all times are those of the event loop. Limits and circuit begin anew
    with each fault. Raises ConfigError for a provider that can't be played, and for a case of which
    nobody knows a good answer. What stands in `front` of a session asks it the questions.
    """
    handled: dict[str, list[Handled]] = {}
    stage, clock = Stage(), asyncio.get_running_loop().time
    async with Host() as host:
        job = stage.set(plan.job, host)
        questions = list(plan.questions())
        async with connected(unix_socket=host.socket, clock=clock) as dispatch:
            await _check_providers(job, questions[0].query, stage, dispatch.transport)
        for name, fault in faults.items():
            async with (
                connected(unix_socket=host.socket, clock=clock) as dispatch,
                opened(job, dispatch, None) as session,
            ):
                handled[name] = []
                asks = front(session) if front else None
                for question in questions:
                    query = question.query
                    stage.begin(query, fault.answers)
                    began = clock()
                    on_text = _read if fault.stream else None
                    if asks:
                        outcome = await asks.ask(question, stream=fault.stream)
                    else:
                        outcome = await session.ask(question, on_text=on_text)
                    handled[name].append(_handled(outcome, query, clock() - began))
                    advance()
    return handled


async def _check_providers(job: Job, query: Query, stage: Stage, transport: Transport) -> None:
    """Each answers once, without a fault."""
    for model in job.chain.values():
        for single, asked in questions(model, query):
            stage.begin(query)
            try:
                await transport.complete(single, messages(single, asked), parameters(single, asked))
            except CallFailed as error:
                provider = single.provider
                raise ConfigError(
                    f"{single.name}: no loopback provider can stand in for {provider.name} "
                    f"({provider.litellm}): {error}"
                ) from None


def _read(piece: str) -> None:
    """Whoever reads a stream piece by piece."""


def _handled(outcome: Answered | Failed, query: Query, took: float) -> Handled:
    """`took` is the most: samples that were asked for at once have waited once."""
    waited = outcome.queued_seconds + sum(attempt.waited_seconds for attempt in outcome.attempts)
    answer = outcome if isinstance(outcome, Answered) else None
    return Handled(
        attempts=len(outcome.attempts),
        asked_for_answer=_times(outcome.attempts),
        waited_seconds=min(took, waited),
        seconds=took,
        cost_usd=outcome.cost_usd,
        served_by=answer.served_by if answer else None,
        in_format=answer is not None and in_format(answer.as_reply(), query),
        error=outcome.kind if isinstance(outcome, Failed) else None,
    )


def _times(attempts: Sequence[Attempt]) -> int:
    answers = [attempt for attempt in attempts if attempt.role == "answer"]
    asked = {(attempt.fallback, attempt.arm, attempt.model) for attempt in answers}
    return len(asked) + sum(attempt.waited_seconds > 0 for attempt in answers)
