"""Asking a model until it answers: retries, then fallbacks. The only home of tenacity."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    wait_exponential_jitter,
)

from runner.errors import CallFailed
from runner.llm import Client
from runner.price import dollars
from runner.records import Attempt, Message, Reply
from runner.schema import Fallback, Model, Retry


class Throttle:
    """How many requests each provider gets at once, over all its models and all runs."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._slots: dict[str, asyncio.Semaphore] = {}

    async def complete(
        self, model: Model, messages: list[Message], params: dict[str, Any], asked: "Asked"
    ) -> Reply:
        started = time.perf_counter()
        async with self._slot(model):
            asked.queued_seconds += time.perf_counter() - started
            return await self.client.complete(model, messages, params)

    def _slot(self, model: Model) -> asyncio.Semaphore:
        limit = model.artifact.slots if model.artifact else model.provider.max_concurrency
        # An embedded model's slots are its own server's, another provider's are shared.
        name = model.name if model.artifact else model.provider.name
        return self._slots.setdefault(name, asyncio.Semaphore(limit or 1_000_000))


@dataclass
class Asked:
    """All that happened while asking; `reply` is None when no model answered."""

    attempts: list[Attempt] = field(default_factory=list)
    queued_seconds: float = 0.0
    served_by: str = ""
    reply: Reply | None = None
    error: CallFailed | None = None

    @property
    def request(self) -> dict[str, Any]:
        last = self.reply or self.error
        return last.request if last else {}


async def ask(
    model: Model,
    fallback: Fallback,
    retry: Retry,
    throttle: Throttle,
    messages: list[Message],
    params: Callable[[Model], dict[str, Any]],
) -> Asked:
    """Ask `model`; then, for the errors that `fallback.on` names, its chain in order.

    Never raises for a call that failed: `error` says how the last model asked failed.
    """
    asked = Asked()
    for candidate in (model, *fallback.chain.values()):
        try:
            asked.reply = await _retrying(candidate, retry, throttle, messages, params, asked)
            asked.served_by = candidate.name
            asked.error = None
            break
        except CallFailed as error:
            asked.error = error
            if error.kind not in fallback.on:
                break
    return asked


async def _retrying(
    model: Model,
    retry: Retry,
    throttle: Throttle,
    messages: list[Message],
    params: Callable[[Model], dict[str, Any]],
    asked: Asked,
) -> Reply:
    waited, queued_before = 0.0, asked.queued_seconds

    def note_wait(state: RetryCallState) -> None:
        nonlocal waited
        waited = state.upcoming_sleep

    def out_of_time(state: RetryCallState) -> bool:
        """The time in our own queue is not the provider's fault."""
        spent = (state.seconds_since_start or 0.0) - (asked.queued_seconds - queued_before)
        return spent + state.upcoming_sleep >= retry.total

    async for attempt in AsyncRetrying(
        stop=lambda state: state.attempt_number >= retry.attempts or out_of_time(state),
        wait=_wait(retry),
        retry=retry_if_exception(lambda error: isinstance(error, CallFailed) and error.transient),
        before_sleep=note_wait,
        reraise=True,
    ):
        with attempt:
            try:
                reply = await throttle.complete(model, messages, params(model), asked)
            except CallFailed as error:
                asked.attempts.append(_failed(model, error, waited))
                raise
            asked.attempts.append(_answered(model, reply, waited))
            return reply
    raise AssertionError("tenacity re-raises the last failure")


def _wait(retry: Retry) -> Callable[[RetryCallState], float]:
    """Exponential back-off with jitter; a provider's Retry-After wins when it is longer."""
    backoff = wait_exponential_jitter(
        multiplier=retry.initial_wait, max=retry.max_wait, jitter=retry.jitter
    )

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_for = error.retry_after if isinstance(error, CallFailed) else None
        return max(backoff(state), asked_for or 0.0)

    return wait


def _answered(model: Model, reply: Reply, waited: float) -> Attempt:
    return Attempt(
        model=model.name,
        seconds=reply.seconds,
        waited_seconds=waited,
        cost_usd=dollars(model.price, reply.usage),
        http_requests=reply.http_requests,
        status=200,
    )


def _failed(model: Model, error: CallFailed, waited: float) -> Attempt:
    return Attempt(
        model=model.name,
        seconds=error.seconds,
        waited_seconds=waited,
        cost_usd=0.0 if error.unbilled else dollars(model.price, error.usage),
        http_requests=error.http_requests,
        status=error.status,
        error=error.kind,
        message=error.message,
    )
