"""How fast one provider may be asked.

All requests to a provider stand in one queue, first come, first served, and only the first in it
waits for anything: a free slot, the end of a pause, the circuit, tokens and requests a minute.
So a turn is nearly free when nothing limits, and a waiter that is cancelled leaves no trace.
All times are of the event loop's clock.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from math import inf

from runner.calls.bucket import Bucket
from runner.calls.circuit import Circuit
from runner.config.schema import Breaker
from runner.errors import TRANSIENT, ErrorKind

_FIRST_CONCURRENCY = 4


@dataclass(eq=False, slots=True)
class Turn:
    """Leave to send one request now. Say how it ended; if nothing is said, nothing is learnt."""

    queued_seconds: float
    number: int  # counts the turns of one `Limits`
    tokens: int  # as estimated
    _limits: "Limits"

    def succeeded(self, tokens: int | None) -> None:
        """`tokens` is what was really used, input and output together; None: nobody knows."""
        self._limits._succeeded(self, tokens)

    def failed(self, kind: ErrorKind, retry_after: float | None) -> None:
        """`retry_after` is in seconds."""
        self._limits._failed(self, kind, retry_after)


class Limits:
    """What limits one provider, over all its models and all runs on one event loop.

    `rpm` and `tpm` are requests and tokens a minute. `slots` is a fixed number of requests at once;
    without it the number is found out, up to `max_concurrency`. None: no such limit.
    """

    def __init__(
        self,
        *,
        rpm: int | None = None,
        tpm: int | None = None,
        max_concurrency: int | None = None,
        slots: int | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        # Requests are spaced evenly, but for what a timer that is 0.1 s late would lose.
        self._requests = Bucket(rpm, burst=rpm / 600) if rpm else None
        # Wide enough for most requests in one go; the rest leaks at nine tenths of the limit.
        self._tokens = Bucket(tpm, burst=tpm / 10) if tpm else None
        self._slots = _Slots(slots, max_concurrency)
        self._circuit = Circuit(breaker)
        self._paused_until = -inf
        self._last_number = 0
        self._queue = asyncio.Lock()
        self._queued = 0
        self._request_ended = asyncio.Event()
        self._unwilling_to_wait: set[asyncio.Timeout] = set()

    @property
    def concurrency(self) -> int:
        """How many requests may be under way at once, as far as is known now."""
        return int(self._slots.limit)

    @asynccontextmanager
    async def turn(self, tokens: int, *, wait: bool) -> AsyncIterator[Turn]:
        """Wait in the queue, then hold a slot until the end of the block.

        `tokens` is an estimate of input and output together. `wait=False` raises CircuitOpen as
        soon as the circuit is open, be it while it is in the queue; it waits for all the rest.
        """
        turn = await (self._next(tokens, _now()) if wait else self._next_unless_open(tokens))
        try:
            yield turn
        finally:
            self._slots.taken -= 1
            self._circuit.ended(turn.number)
            self._request_ended.set()

    async def _next_unless_open(self, tokens: int) -> Turn:
        came = _now()
        if self._circuit.free_at > came:
            raise self._circuit.error(came)
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._unwilling_to_wait.add(scope)
                return await self._next(tokens, came, wait=False)
        except TimeoutError:  # the circuit has opened
            raise self._circuit.error(_now()) from None
        finally:
            self._unwilling_to_wait.discard(scope)

    async def _next(self, tokens: int, came: float, *, wait: bool = True) -> Turn:
        self._queued += 1
        try:
            async with self._queue:
                await self._way_free(wait)
                while not await self._rate_allows(tokens):
                    await self._way_free(wait)
                self._slots.taken += 1
                self._slots.crowded &= self._queued > 1
                self._last_number += 1
                self._circuit.sent(self._last_number)
                return Turn(_now() - came, self._last_number, tokens, self)
        finally:
            self._queued -= 1

    async def _way_free(self, wait: bool) -> None:
        self._slots.crowded |= self._slots.full
        while (free_at := self._free_at()) > _now():
            if not wait and self._circuit.free_at > _now():
                raise self._circuit.error(_now())
            self._request_ended.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(None if free_at == inf else free_at):
                    await self._request_ended.wait()

    async def _rate_allows(self, tokens: int) -> bool:
        """False when the way was barred meanwhile: what was taken is out of date by then."""
        asked = _now()
        if self._tokens:
            await self._tokens.take(tokens)
        if self._requests:  # comes last, so that each is sent at the moment it is counted
            await self._requests.take(1)
        if _now() > asked:
            self._slots.crowded = False  # it is the rate that limits
        return self._free_at() <= _now()

    def _free_at(self) -> float:
        """When the next one may go; infinity: when another request has ended."""
        return inf if self._slots.full else max(self._paused_until, self._circuit.free_at)

    def _succeeded(self, turn: Turn, tokens: int | None) -> None:
        self._slots.succeeded(turn.number)
        self._circuit.succeeded(turn.number)
        if self._tokens and tokens is not None:
            self._tokens.correct(taken=turn.tokens, used=tokens)

    def _failed(self, turn: Turn, kind: ErrorKind, retry_after: float | None) -> None:
        now = _now()
        if retry_after and kind in TRANSIENT:
            self._paused_until = max(self._paused_until, now + retry_after)
        if kind == "rate_limit":
            self._slots.rate_limited(turn.number, self._last_number)
        if self._circuit.failed(turn.number, kind, self._last_number, now):
            while self._unwilling_to_wait:
                self._unwilling_to_wait.pop().reschedule(now)


class _Slots:
    """How many requests may be under way at once, found out the way TCP finds its window.

    One more for each success, so that it doubles each round, until the first 429; after that one
    more a round. It grows only while requests wait for a slot. A 429 halves it, once for all
    requests that were sent before (RFC 5681, sections 3.1 and 3.2).
    """

    def __init__(self, fixed: int | None, most: int | None) -> None:
        self._adapts = fixed is None
        self._most = most or inf
        self.limit: float = fixed or min(_FIRST_CONCURRENCY, self._most)
        self.taken = 0
        self.crowded = False  # whether requests wait, and that for a slot
        self._one_a_success = True
        self._halved_after = 0  # the number of the last request before

    @property
    def full(self) -> bool:
        return self.taken + 1 > self.limit

    def succeeded(self, number: int) -> None:
        if self._adapts and self.crowded and number > self._halved_after:
            self.limit = min(
                self._most, self.limit + (1 if self._one_a_success else 1 / self.limit)
            )

    def rate_limited(self, number: int, last_number: int) -> None:
        if self._adapts and number > self._halved_after:
            self.limit = max(1.0, self.limit / 2)
            self._one_a_success = False
            self._halved_after = last_number


def _now() -> float:
    return asyncio.get_running_loop().time()
