"""Asking a model until it answers: retries, then fallbacks. The only home of tenacity."""

import time
from collections.abc import Callable
from dataclasses import replace

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    wait_exponential_jitter,
)

from runner.calls.acceptance import flaw, unfit
from runner.calls.dispatch import Dispatch
from runner.calls.route import Route
from runner.cases.call_log import CallLog, OnText
from runner.cases.query import Query
from runner.config.schema import Fallback, Model, Retry, Single
from runner.errors import TRANSIENT, BudgetSpent, CallFailed
from runner.record.outcomes import Reply, Skipped
from runner.scorers import ScorerFailed


class Asker:
    """Asks the way a job says: its retries, its fallback, one dispatch for all questions."""

    def __init__(self, dispatch: Dispatch, retry: Retry, fallback: Fallback | None = None) -> None:
        self._dispatch, self._retry = dispatch, retry
        self._fallback = fallback or Fallback(name="none")

    async def ask(
        self,
        model: Model,
        query: Query,
        on_text: OnText | None = None,
        asked: CallLog | None = None,
    ) -> CallLog:
        """Ask `model`; then, for the errors that `fallback.on` names, its chain in order.

        Never raises for a call that failed: `error` says how the last model that was asked did,
        and its kind is `budget` where the budget did not allow the next request, `interrupted`
        where a check of a cascade broke (`asked.broken`). An answer that has a flaw stands when
        nobody gives a better one. What happens is noted in `asked` as it does, for a caller who
        has to know it even when this is cancelled.
        """
        asked = asked or CallLog()
        flawed: CallLog | None = None
        unfits = {key: unfit(each, query) for key, each in self._fallback.chain.items()}
        fit = [key for key, why in unfits.items() if why is None]
        candidates: list[tuple[str | None, Model]] = [(None, model), *self._fallback.chain.items()]
        for key, candidate in candidates:
            if key is not None and (why := unfits[key]):
                asked.skipped.append(Skipped(model=candidate.name, why=why[1]))
                continue
            last = not fit or key == fit[-1]
            before = len(asked.attempts)
            asked.error = await self._try(candidate, query, asked, last, on_text)
            asked.by_fallback(key, before)
            if asked.error is None:
                asked.fallback = key
                kind = None if on_text or last else flaw(asked.reply, query, self._fallback.on)
                if kind is None:
                    return asked
                asked.mark(kind)
                flawed = flawed or replace(asked)
            elif not self._may_fall_back(asked.error):
                break
        settled = flawed is None or asked.error is None or asked.error.kind == "budget"
        return asked if settled or flawed is None else asked.standing_by(flawed)

    def _may_fall_back(self, error: CallFailed) -> bool:
        """Not once somebody has read a part of an answer: another would go on in mid-sentence."""
        return not error.delivered and error.kind in (*self._fallback.on, "circuit_open")

    async def aside(self, model: Model, query: Query) -> CallLog:
        """A question of a scorer's to a model of its own, which no other answers for it."""
        return await Asker(self._dispatch, self._retry).ask(model, query)

    async def _try(
        self, model: Model, query: Query, asked: CallLog, last: bool, on_text: OnText | None
    ) -> CallFailed | None:
        """Ask one model of the chain; the error with which it failed."""
        asked.reply = None
        patient = last or TRANSIENT.isdisjoint(self._fallback.on)

        async def call(
            single: Single, query: Query, arm: str, asked: CallLog, on_text: OnText | None
        ) -> Reply:
            return await self._retrying(single, query, arm, asked, on_text, patient)

        async def check(model: Model, query: Query) -> CallLog:
            found = await self.aside(model, query)
            asked.join([found])
            if found.error and found.error.kind == "budget":
                raise BudgetSpent(found.error.message)
            if found.error and not found.error.transient:
                raise found.error  # a wrong key is to be mended: it is no objection to the answer
            return found

        try:
            if why := unfit(model, query):
                raise CallFailed(*why, unbilled=True)
            route = Route(call, check)
            asked.reply = await route.answer(model, query, asked, on_text=on_text)
        except CallFailed as error:
            return error
        except BudgetSpent as error:
            return CallFailed("budget", str(error), unbilled=True)
        except ScorerFailed as error:
            asked.broken = error
            return CallFailed("interrupted", str(error), unbilled=True)
        return None

    async def _retrying(
        self,
        model: Single,
        query: Query,
        arm: str,
        asked: CallLog,
        on_text: OnText | None,
        patient: bool,
    ) -> Reply:
        retry, waited = self._retry, 0.0

        def note_wait(state: RetryCallState) -> None:
            nonlocal waited
            waited = state.upcoming_sleep

        def out_of_time(state: RetryCallState) -> bool:
            """The time in our own queue is not the provider's fault."""
            spent = time.perf_counter() - asked.started - asked.queued_seconds
            return spent + state.upcoming_sleep >= retry.total

        async for attempt in AsyncRetrying(
            stop=lambda state: state.attempt_number >= retry.attempts or out_of_time(state),
            wait=_wait(retry),
            retry=retry_if_exception(_may_go_better),
            before_sleep=note_wait,
            reraise=True,
        ):
            with attempt:
                return await self._dispatch.send(
                    model,
                    query,
                    asked,
                    arm=arm,
                    waited=waited,
                    retry=retry,
                    patient=patient,
                    on_text=on_text,
                )
        raise AssertionError("tenacity re-raises the last failure")


def _may_go_better(error: BaseException) -> bool:
    """What has been handed over piece by piece can't be taken back and asked for again."""
    return isinstance(error, CallFailed) and error.transient and not error.delivered


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
