"""How fast one provider may be asked, and when it is left alone. The only home of aiolimiter.

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

from aiolimiter import AsyncLimiter

from runner.config.schema import Breaker
from runner.errors import TRANSIENT, ErrorKind, RunnerError

_FIRST_CONCURRENCY = 4
# Failures that say that the provider is down, rather than that it does not like a request.
_DOWN: frozenset[ErrorKind] = frozenset({"overloaded", "server_error", "timeout", "connection"})


class CircuitOpen(RunnerError):
    """Not sent: the provider failed too often in a row, the last time with `kind`.

    `remaining_seconds` is 0 while another request finds out whether it is back.
    """

    def __init__(self, kind: ErrorKind, remaining_seconds: float) -> None:
        self.kind = kind
        self.remaining_seconds = remaining_seconds
        super().__init__(f"left alone for {remaining_seconds:.0f} s more after {kind}")


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
        self._circuit = _Circuit(breaker)
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


class _Circuit:
    """Closed; open after too many failures in a row; after cooling one probe at a time decides.

    Requests are known by their numbers, which count up; `now` is in seconds of any one clock.
    Whatever was sent before the circuit opened says nothing new, however late it ends.
    """

    def __init__(self, breaker: Breaker | None) -> None:
        self._breaker = breaker
        self._failures = 0  # in a row; only a success starts anew, so one more opens it again
        self._kind: ErrorKind = "overloaded"
        self._open_until: float | None = None  # None: closed
        self._opened_after = 0  # the last request before
        self._probe: int | None = None

    @property
    def free_at(self) -> float:
        """When a request may go; infinity: when the probe has ended."""
        if self._open_until is None:
            return -inf
        return self._open_until if self._probe is None else inf

    def error(self, now: float) -> CircuitOpen:
        return CircuitOpen(self._kind, max(0.0, (self._open_until or now) - now))

    def sent(self, number: int) -> None:
        if self._open_until is not None:
            self._probe = number

    def ended(self, number: int) -> None:
        """Whatever came of it; a probe that nothing came of leaves its place to the next."""
        if self._probe == number:
            self._probe = None

    def succeeded(self, number: int) -> None:
        if number > self._opened_after:
            self._failures = 0
            self._open_until = None

    def failed(self, number: int, kind: ErrorKind, last_number: int, now: float) -> bool:
        """Whether that opens the circuit, for the first time or again."""
        if self._breaker is None or kind not in _DOWN or number <= self._opened_after:
            return False
        self._failures += 1
        if self._failures < self._breaker.failures:
            return False
        self._kind = kind
        self._open_until = now + self._breaker.cooling
        self._opened_after = last_number
        return True


class Bucket:
    """At most `per_minute` in any 60 seconds.

    A leaky bucket that holds `burst` and leaks at a rate r lets fewer than burst + 60 r through in
    60 seconds: all that it holds, then what leaks. One that holds a minute's worth would so let
    twice the limit through in the first minute. Here 60 r is per_minute + 1 - burst: in whole
    numbers that makes `per_minute` at most.

    More than `burst` at once is taken in parts, before it is sent: it may exceed the limit by what
    it has beyond `burst`. More than `per_minute` at once counts as `per_minute`.
    """

    def __init__(self, per_minute: int, burst: float) -> None:
        self._per_minute = per_minute
        self._burst = max(1.0, burst)
        self._limiter = AsyncLimiter(
            self._burst, time_period=60 * self._burst / (per_minute + 1 - self._burst)
        )
        # What was taken too little or, below zero, too much: the library takes nothing back, so
        # the next one pays more, or less.
        self._owed = 0.0

    async def take(self, amount: int) -> None:
        """Let only one wait at a time: the library lets small amounts overtake large ones."""
        amount = min(amount, self._per_minute)
        if self._limiter.has_capacity(self._burst):  # empty: what was too much has leaked as well
            self._owed = max(self._owed, 0.0)
        self._owed += amount
        try:
            while self._owed > 0:
                part = min(self._owed, self._burst)
                await self._limiter.acquire(part)
                self._owed -= part
        except asyncio.CancelledError:
            self._owed -= amount
            raise

    def correct(self, taken: int, used: int) -> None:
        """Count what was really used in place of what was taken for it."""
        self._owed += min(used, self._per_minute) - min(taken, self._per_minute)


def _now() -> float:
    return asyncio.get_running_loop().time()
