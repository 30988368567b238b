"""Asking a model until it answers: retries, then fallbacks."""

import asyncio
from dataclasses import replace
from typing import Any

from runner.calls import checks
from runner.calls.dispatch import Dispatch
from runner.calls.retry import Tries
from runner.calls.route import AskAtOnce, AskModel, Check, Route, Served, route, unfit
from runner.cases.call_log import CallLog, OnText
from runner.cases.query import Query
from runner.config.schema import Fallback, Model, Retry
from runner.errors import TRANSIENT, BudgetSpent, CallFailed
from runner.record.ledger import Ledger
from runner.record.outcomes import Choice, Reply, Skipped
from runner.scorers import ScorerFailed


class Asker:
    """Asks the way a job says: its retries, its fallback, one dispatch for all questions."""

    def __init__(
        self,
        dispatch: Dispatch,
        retry: Retry,
        fallback: Fallback | None = None,
        *,
        ledger: Ledger | None = None,
        waits: bool = False,
    ) -> None:
        self._dispatch, self._retry = dispatch, retry
        self._fallback = fallback or Fallback(name="none")
        self._ledger = ledger
        self._waits = waits or bool(self._fallback.chain)  # an answer that stands, for its outcome

    async def ask(
        self,
        model: Model,
        query: Query,
        on_text: OnText | None = None,
        log: CallLog | None = None,
    ) -> CallLog:
        """Ask `model`; then, for the errors that `fallback.on` names, its chain in order.

        Never raises for a call that failed: `error` says how the last model that was asked did,
        and its kind is `budget` where the budget did not allow the next request, `interrupted`
        where a check of a cascade broke (`log.broken`). An answer that has a flaw stands when
        nobody gives a better one. What happens is noted in `log` as it does, for a caller who
        has to know it even when this is cancelled.
        """
        log = log or CallLog()
        flawed: CallLog | None = None
        unfits = {key: unfit(each, query) for key, each in self._fallback.chain.items()}
        fit = [key for key, why in unfits.items() if why is None]
        candidates: list[tuple[str | None, Model]] = [(None, model), *self._fallback.chain.items()]
        for key, candidate in candidates:
            if key is not None and (why := unfits[key]):
                log.skipped.append(Skipped(model=candidate.name, why=why[1]))
                continue
            last = not fit or key == fit[-1]
            log.fallback = key
            log.error = await self._try(candidate, query, log, last, on_text)
            if log.error is None:
                kind = None if on_text or last else checks.flaw(log.reply, query, self._fallback.on)
                if kind is None:
                    return log
                log.mark(kind)
                flawed = flawed or replace(log)
            elif not self._may_fall_back(log.error):
                break
        if flawed and log.error and log.error.kind != "budget":
            log.stand_by(flawed)
        return log

    def _may_fall_back(self, error: CallFailed) -> bool:
        """Not once somebody has read a part of an answer: another would go on in mid-sentence."""
        return not error.delivered and error.kind in (*self._fallback.on, "circuit_open")

    async def ask_judge(self, model: Model, query: Query) -> CallLog:
        """Ask the model of a scorer, which no other answers for."""
        return await Asker(self._dispatch, self._retry, ledger=self._ledger).ask(model, query)

    async def _try(
        self, model: Model, query: Query, log: CallLog, last: bool, on_text: OnText | None
    ) -> CallFailed | None:
        """Ask one model of the chain; the error with which it failed."""
        log.reply = None
        patient = last or TRANSIENT.isdisjoint(self._fallback.on)
        try:
            if why := unfit(model, query):
                raise CallFailed(*why, unbilled=True)
            served = await self._follow(route(model, query), log, patient, on_text)
        except CallFailed as error:
            return error
        except BudgetSpent as error:
            return CallFailed("budget", str(error), unbilled=True)
        except ScorerFailed as error:
            log.broken = error
            return CallFailed("interrupted", str(error), unbilled=True)
        log.answered(served.reply, served.by.model, served.by.arm, query)
        if on_text and not served.by.stands:
            log.first_token_seconds = log.seconds
            on_text(served.reply.text)  # only now is it known to stand
        return None

    async def _follow(
        self, way: Route, log: CallLog, patient: bool, on_text: OnText | None = None
    ) -> Served:
        """Do what a route wants next, to its end. Raises CallFailed, BudgetSpent, ScorerFailed."""
        found: Any = None
        failed: CallFailed | None = None
        while True:
            try:
                step = way.throw(failed) if failed else way.send(found)
            except StopIteration as end:
                served: Served = end.value
                return served
            found = failed = None
            try:
                match step:
                    case Choice():
                        log.choices.append(step)
                    case AskModel():
                        found = await self._ask_one(step, log, patient, on_text)
                    case AskAtOnce():
                        found = await self._ask_at_once(step.routes, log, patient)
                    case Check():
                        found = await self._check(step, log)
            except CallFailed as error:
                failed = error

    async def _ask_at_once(self, ways: list[Route], log: CallLog, patient: bool) -> list[Served]:
        logs = log.side_by_side(len(ways))
        try:
            # One that fails does not stop the others: what is in flight is paid for.
            found = await asyncio.gather(
                *(self._follow(way, own, patient) for way, own in zip(ways, logs, strict=True)),
                return_exceptions=True,
            )
        finally:
            log.join(logs)
        for each in found:
            if isinstance(each, BaseException):
                raise each
        return [each for each in found if isinstance(each, Served)]

    async def _check(self, step: Check, log: CallLog) -> str | None:
        """Why an answer may not stand."""

        async def ask_judge(model: Model, query: Query) -> CallLog:
            found = await self.ask_judge(model, query)
            log.join([found])
            if found.error and found.error.kind == "budget":
                raise BudgetSpent(found.error.message)
            if found.error and not found.error.transient:
                raise found.error  # a wrong key is to be mended: it is no objection to the answer
            return found

        return await checks.objection(step.cascade, step.reply, step.query, ask_judge)

    async def _ask_one(
        self, step: AskModel, log: CallLog, patient: bool, on_text: OnText | None
    ) -> Reply:
        """With retries."""
        # Where a classifier is down, the router has an arm for those that nobody has classified.
        patient = patient and step.query.role != "classifier"
        tries, before = Tries(self._retry, log, patient), log.seconds
        try:
            async for attempt in tries.attempts():
                with attempt:
                    reply = await self._dispatch.send(
                        step.model,
                        step.query,
                        log,
                        arm=step.arm,
                        waited=tries.waited,
                        retry=self._retry,
                        patient=patient,
                        left=tries.left,
                        on_text=on_text if step.stands else None,
                        ledger=self._ledger,
                        keep=self._waits
                        or log.exchange is not None
                        or not step.stands
                        or step.query.role != "answer",
                    )
                    if reply.first_token_seconds is not None:
                        log.first_token_seconds = before + reply.first_token_seconds
                    return reply
        except CallFailed as error:
            if patient and error.outage and not error.delivered:
                raise self._dispatch.down(step.model, self._retry, str(error)) from None
            raise
        raise AssertionError("tenacity re-raises the last failure")
