"""Where every request goes through: the budget, the limits of its provider, the call, the bill."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Any

from runner.calls.budget import Budget
from runner.calls.limits import BURST_SECONDS, CircuitOpen, Limits, Turn, WaitedTooLong
from runner.calls.refusals import Asking, Refusals
from runner.calls.transport import Transport
from runner.cases.call_log import CallLog, OnText
from runner.cases.query import Query, input_tokens_at_most, messages, parameters
from runner.config.schema import Retry, Single
from runner.errors import CallFailed
from runner.price import dollars, worst_case
from runner.record.ledger import IN_FLIGHT, Ledger, fingerprint
from runner.record.outcomes import Attempt, Reply, Sent, Skipped


class Dispatch:
    """One for a process: its runs share the budget, and models share their provider's limits.

    With `refusals` it is that of runs that end where going on would only fail again: what fails so
    has `stops` set. Outages are said to `say`, a line each. Of the requests a minute that a
    provider grants, those of `burst_seconds` may go at once.
    """

    def __init__(
        self,
        transport: Transport,
        budget: Budget,
        refusals: Refusals | None = None,
        say: Callable[[str], None] = lambda _: None,
        burst_seconds: float = BURST_SECONDS,
    ) -> None:
        self.transport, self.budget = transport, budget
        self._burst_seconds = burst_seconds
        self._refusals, self._say = refusals, say
        self._limits: dict[str, Limits] = {}
        self._servers: defaultdict[str, ServerTime] = defaultdict(ServerTime)  # by model
        self.outage_moved = asyncio.Event()  # an outage began or ended; for others to clear

    async def send(
        self,
        model: Single,
        query: Query,
        log: CallLog,
        *,
        arm: str = "",
        waited: float = 0.0,
        retry: Retry,
        patient: bool = True,
        left: float = inf,
        on_text: OnText | None = None,
        ledger: Ledger | None = None,
        keep: bool = False,
    ) -> Reply:
        """Send one request and put it on record in `log`, and in `ledger` before it is sent.

        Where an earlier process has a reply to it there, that one is taken. With `keep` the reply
        is put there, since its outcome will not be on disk at once.
        A provider that is left alone for a while (`retry.breaker`) is waited for by the `patient`,
        for `left` seconds at most, and until it has been down for `retry.total`.
        Raises CallFailed, BudgetSpent.
        """
        asked, params = messages(model, query), parameters(model, query)
        tokens_in = input_tokens_at_most(model, query)
        worst = worst_case(model.price, tokens_in, params["max_tokens"])
        question = query.case.id, query.repeat
        asked_hash = fingerprint(question, model.name, asked, params) if ledger else ""
        if ledger and not on_text and (found := ledger.reply(asked_hash)) and found.reply:
            log.note(found.attempt)
            return found.reply
        tokens = tokens_in // 4 + params["max_tokens"]
        async with (
            self._leave(model, retry, log, tokens, patient=patient, left=left) as leave,
            self.budget.reserve(worst) as reservation,
        ):
            sent = {
                "role": query.role,
                "arm": arm,
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "waited_seconds": waited,
                "sent": reservation.sent,
            }
            if ledger and worst != 0:
                await ledger.put(Sent(attempt=_in_flight(model, worst, sent)))

            async def bill(ended: Reply | CallFailed) -> None:
                attempt = _attempt(model, ended, share.seconds, worst, sent)
                reservation.cost_usd = attempt.cost_usd
                log.spent_seconds += ended.seconds or leave.seconds_at_socket
                log.note(attempt)
                if ledger and isinstance(ended, CallFailed) and worst != 0:
                    await ledger.put(Sent(attempt=attempt))
                elif ledger and keep and isinstance(ended, Reply):
                    await ledger.put(Sent(attempt=attempt, asked=asked_hash, reply=ended))

            try:
                with self._servers[model.name].share() as share:
                    reply = await self.transport.complete(
                        model, asked, params, on_text, leave.starts, stream=query.stream
                    )
            except CallFailed as error:
                await bill(error)
                error.outage = leave.turn.failed(error.kind, _pause(error, retry), str(error))
                raise
            await bill(reply)
            used = reply.usage
            leave.turn.succeeded(used.input_tokens + used.output_tokens if used else None)
            return reply

    @asynccontextmanager
    async def _leave(
        self,
        model: Single,
        retry: Retry,
        log: CallLog,
        tokens: int,
        *,
        patient: bool,
        left: float,
    ) -> AsyncIterator["_Leave"]:
        """Leave to send a request. Raises CallFailed."""
        provider, limits = model.provider.name, self._of(model, retry)
        loop = asyncio.get_running_loop()
        try:
            async with self._refusals.asked(model) if self._refusals else nullcontext() as asking:
                log.queued_seconds += asking.waited_seconds if asking else 0.0
                wait, came = retry.total if patient else 0.0, loop.time()
                async with limits.turn(tokens, wait=wait, left=left, asker=log) as turn:
                    log.queued_seconds += turn.queued_seconds
                    log.spent_seconds += turn.barred_seconds
                    yield _Leave(turn, asking)
        except CircuitOpen as circuit:
            log.spent_seconds += loop.time() - came
            if patient:
                raise self.down(model, retry, circuit.last) from None
            log.skipped.append(Skipped(model=model.name, why=str(circuit)))
            raise CallFailed("circuit_open", f"{provider} is {circuit}") from None
        except WaitedTooLong:
            log.spent_seconds += loop.time() - came
            why = f"{provider} asks for longer pauses than retry.total, {retry.total:g} s"
            raise CallFailed("rate_limit", why, unbilled=True) from None

    def left_alone(self, models: Mapping[str, Single]) -> bool:
        """Whether one of their providers is down, and waited for."""
        found = (self._limits.get(_limited(model)) for model in models.values())
        return any(limits is not None and limits.is_down for limits in found)

    def down(self, model: Single, retry: Retry, last: str) -> CallFailed:
        """What to say of a provider that is waited for no longer."""
        why = f"{model.provider.name} is down, after {retry.total:g} s (retry.total) still: {last}"
        found = CallFailed("circuit_open", why, unbilled=True)
        if self._refusals:
            found.stops = f"{why}; once it is back, the same command goes on"
        return found

    def _of(self, model: Single, retry: Retry) -> Limits:
        name = _limited(model)
        if name not in self._limits:
            provider = model.provider
            self._limits[name] = Limits(
                rpm=provider.rpm,
                burst_seconds=self._burst_seconds,
                tpm=provider.tpm,
                max_concurrency=provider.max_concurrency,
                slots=model.artifact.slots if model.artifact else None,
                breaker=retry.breaker,
                on_outage=partial(self._tell, name, retry),
            )
        return self._limits[name]

    def _tell(self, name: str, retry: Retry, circuit: CircuitOpen | None) -> None:
        self.outage_moved.set()
        if circuit is None:
            self._say(f"{name} answers again")
        elif retry.breaker:
            self._say(
                f"{name} is down, {circuit.failures} requests in a row failed: {circuit.last}; it "
                f"is asked again every {retry.breaker.cooling:g} s, and given up after "
                f"{retry.total:g} s"
            )


@dataclass
class _Leave:
    """To send one request: say when it is at the socket."""

    turn: Turn
    asking: Asking | None
    _started: float | None = None

    def starts(self) -> None:
        self._started = asyncio.get_running_loop().time()
        if self.asking:
            self.asking.starts()

    @property
    def seconds_at_socket(self) -> float:
        now = asyncio.get_running_loop().time()
        return 0.0 if self._started is None else now - self._started


def _limited(model: Single) -> str:
    """Models of one provider share its limits; an embedded model has a server of its own."""
    return model.name if model.artifact else model.provider.name


def _pause(error: CallFailed, retry: Retry) -> float | None:
    """Longer than a case may take, a Retry-After ends the case and need not hold up the others."""
    wanted = error.retry_after
    return wanted if wanted is not None and wanted < retry.total else None


def _in_flight(model: Single, worst_usd: float | None, sent: dict[str, Any]) -> Attempt:
    where = {"model": model.name, "provider": model.provider.name}
    return Attempt(**where, **sent, **IN_FLIGHT, worst_usd=worst_usd)


def _attempt(
    model: Single,
    ended: Reply | CallFailed,
    server_seconds: float,
    worst_usd: float | None,
    sent: dict[str, Any],
) -> Attempt:
    failed = ended if isinstance(ended, CallFailed) else None
    cost_usd = dollars(model.price, ended.usage, server_seconds=server_seconds)
    if failed and failed.unbilled:
        cost_usd = 0.0
    return Attempt(
        model=model.name,
        provider=model.provider.name,
        seconds=ended.seconds,
        first_token_seconds=None if isinstance(ended, CallFailed) else ended.first_token_seconds,
        cost_usd=cost_usd,
        http_requests=ended.http_requests,
        by_litellm=ended.by_litellm,
        status=failed.status if failed else 200,
        error=failed and failed.kind,
        message=failed and failed.message,
        usage=ended.usage,
        worst_usd=worst_usd if cost_usd is None else None,
        **sent,
    )


@dataclass
class Share:
    """What one request took; known once it is over."""

    seconds: float = 0.0


class ServerTime:
    """Whose time it is on a server of one's own: requests at work together share it evenly.

    The shares of all requests add up to the time in which there was at least one.
    """

    def __init__(self) -> None:
        self._at_work = 0
        self._until = 0.0
        self._each = 0.0  # what a request would have had that was at work all along

    @contextmanager
    def share(self) -> Iterator[Share]:
        self._go_on()
        self._at_work += 1
        share, before = Share(), self._each
        try:
            yield share
        finally:
            self._go_on()
            self._at_work -= 1
            share.seconds = self._each - before

    def _go_on(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._at_work:
            self._each += (now - self._until) / self._at_work
        self._until = now
