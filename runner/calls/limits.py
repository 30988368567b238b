"""How fast one provider may be asked, and when it is left alone. The only home of aiolimiter.

All requests to a provider stand in one queue, first come, first served, and only the first in it
waits for anything: a free slot, the end of a pause, the circuit, tokens and requests a minute.
So a turn is nearly free when nothing limits, and a waiter that is cancelled leaves no trace.
All times are of the event loop's clock.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf

from aiolimiter import AsyncLimiter

from runner.config.schema import Breaker
from runner.errors import DOWN, TRANSIENT, ErrorKind, RunnerError

_FIRST_CONCURRENCY = 10  # as TCP's first window (RFC 6928)
BURST_SECONDS = 0.1  # as much as a timer that is late would lose


class CircuitOpen(RunnerError):
    """Not sent: the provider failed `failures` times in a row, the last time with `kind`.

    `remaining_seconds` is 0 while another request finds out whether it is back; it has been left
    alone for `down_seconds`, and said `last` of itself.
    """

    def __init__(
        self,
        kind: ErrorKind,
        remaining_seconds: float,
        failures: int = 0,
        down_seconds: float = 0.0,
        last: str = "",
    ) -> None:
        self.kind, self.remaining_seconds = kind, remaining_seconds
        self.failures, self.down_seconds, self.last = failures, down_seconds, last or kind
        super().__init__(f"left alone for {remaining_seconds:.0f} s more after {kind}")


class WaitedTooLong(RunnerError):
    """Not sent: the provider has asked for longer pauses than there is time for."""


@dataclass(eq=False, slots=True)
class Turn:
    """Leave to send one request now. Say how it ended; if nothing is said, nothing is learnt."""

    queued_seconds: float
    barred_seconds: float  # of these, while the provider wanted a pause or was left alone
    number: int  # counts the turns of one `Limits`
    tokens: int  # as estimated
    _limits: "Limits"
    asker: object = field(default_factory=object)  # the question that this is a request of

    def succeeded(self, tokens: int | None) -> None:
        """`tokens` is what was really used, input and output together; None: nobody knows."""
        self._limits._succeeded(self, tokens)

    def failed(self, kind: ErrorKind, retry_after: float | None, said: str = "") -> bool:
        """Whether the provider is left alone now; `retry_after` is in seconds."""
        return self._limits._failed(self, kind, retry_after, said)


class Limits:
    """What limits one provider, over all its models and all runs on one event loop.

    `rpm` and `tpm` are requests and tokens a minute; those that `rpm` grants in `burst_seconds` may
    go at once, and the fewer after that. `slots` is a fixed number of requests at once; without it
    the number is found out, up to `max_concurrency`. None: no such limit. `on_outage` is told when
    the provider is left alone for the first time, and with None when it is back.
    """

    def __init__(
        self,
        *,
        rpm: int | None = None,
        burst_seconds: float = BURST_SECONDS,
        tpm: int | None = None,
        max_concurrency: int | None = None,
        slots: int | None = None,
        breaker: Breaker | None = None,
        on_outage: Callable[[CircuitOpen | None], None] = lambda _: None,
    ) -> None:
        # But for a burst, requests are spaced evenly.
        self._requests = Bucket(rpm, burst=rpm * burst_seconds / 60) if rpm else None
        # Wide enough for most requests in one go; the rest leaks at nine tenths of the limit.
        self._tokens = Bucket(tpm, burst=tpm / 10) if tpm else None
        self._slots = _Slots(slots, max_concurrency)
        self._circuit = _Circuit(breaker)
        self._paused_until = -inf
        self._last_number = 0
        self._queue = asyncio.Lock()
        self._queued = 0
        self._request_ended = asyncio.Event()
        self._waiting: set[Callable[[], None]] = set()  # each looks whether it still may
        self._on_outage = on_outage
        self._barred_seconds, self._looked = 0.0, 0.0

    @property
    def concurrency(self) -> int:
        """How many requests may be under way at once, as far as is known now."""
        return int(self._slots.limit)

    @asynccontextmanager
    async def turn(
        self, tokens: int, *, wait: float = inf, left: float = inf, asker: object = None
    ) -> AsyncIterator[Turn]:
        """Wait in the queue, then hold a slot until the end of the block.

        `tokens` is an estimate of input and output together; requests of one question have one
        `asker`, whose failures alone are no outage. Raises CircuitOpen once the circuit
        has been open for `wait` seconds, be it while this is in the queue (0: as soon as it opens),
        and WaitedTooLong once pauses and the circuit have taken `left` of its seconds.
        """
        turn = await self._patiently(tokens, wait, left)
        turn.asker = asker or turn.asker
        try:
            yield turn
        finally:
            self._slots.taken -= 1
            self._circuit.ended(turn.number)
            self._request_ended.set()

    async def _patiently(self, tokens: int, wait: float, left: float) -> Turn:
        came = _now()
        self._refuse_while_open(wait)
        if not (self._queued or self._requests or self._tokens) and self._free_at() <= came:
            return self._taken(tokens, came)
        loop, scope, before = asyncio.get_running_loop(), asyncio.timeout(None), self._barred(came)
        timer: asyncio.TimerHandle | None = None

        def look() -> None:
            """Give up when the time is over; else look again when it may be."""
            nonlocal timer
            if timer:
                timer.cancel()
            now = _now()
            if scope.expired() or not (self._circuit.is_open or self._paused_until > now):
                return  # a request may always go that nobody keeps out
            more = left - (self._barred(now) - before)
            if self._circuit.free_at > now:
                more = min(more, self._circuit.since + wait - now)
            if more <= 0:
                scope.reschedule(now)
            elif more < inf:
                timer = loop.call_later(more, look)

        try:
            async with scope:
                look()
                self._waiting.add(look)
                return await self._next(tokens, came, wait, before)
        except TimeoutError:
            if self._circuit.is_open:
                raise self._circuit.error(_now()) from None
            raise WaitedTooLong from None
        finally:
            self._waiting.discard(look)
            if timer:
                timer.cancel()

    def _refuse_while_open(self, wait: float) -> None:
        """Whoever comes at the end of the cooling is the probe, however long it has been."""
        now = _now()
        if self._circuit.free_at > now and now >= self._circuit.since + wait:
            raise self._circuit.error(now)

    async def _next(self, tokens: int, came: float, wait: float, barred: float) -> Turn:
        self._queued += 1
        try:
            async with self._queue:
                await self._way_free(wait)
                while not await self._rate_allows(tokens):
                    await self._way_free(wait)
                return self._taken(tokens, came, self._barred(_now()) - barred)
        finally:
            self._queued -= 1

    def _taken(self, tokens: int, came: float, barred: float = 0.0) -> Turn:
        self._slots.taken += 1
        self._slots.crowded &= self._queued > 1
        self._last_number += 1
        self._circuit.sent(self._last_number)
        return Turn(_now() - came, barred, self._last_number, tokens, self)

    async def _way_free(self, wait: float) -> None:
        self._slots.crowded |= self._slots.full
        while (free_at := self._free_at()) > _now():
            self._refuse_while_open(wait)
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

    @property
    def is_down(self) -> bool:
        """Whether the provider is left alone, after failures one upon another."""
        return self._circuit.is_open

    def _free_at(self) -> float:
        """When the next one may go; infinity: when another request has ended."""
        return inf if self._slots.full else max(self._paused_until, self._circuit.free_at)

    def _barred(self, now: float) -> float:
        """The seconds until now in which the provider wanted a pause, or was left alone."""
        until = now if self._circuit.is_open else min(now, self._paused_until)
        self._barred_seconds += max(0.0, until - self._looked)
        self._looked = now
        return self._barred_seconds

    def _succeeded(self, turn: Turn, tokens: int | None) -> None:
        self._barred(_now())
        self._slots.succeeded(turn.number)
        if self._circuit.succeeded(turn.number):
            self._on_outage(None)
        if self._tokens and tokens is not None:
            self._tokens.correct(taken=turn.tokens, used=tokens)

    def _failed(self, turn: Turn, kind: ErrorKind, retry_after: float | None, said: str) -> bool:
        now = _now()
        self._barred(now)
        if retry_after and kind in TRANSIENT:
            self._paused_until = max(self._paused_until, now + retry_after)
        if kind == "rate_limit":
            self._slots.rate_limited(turn.number, self._last_number)
        # Whoever takes not even one request at a time is down by another name.
        down = kind in DOWN or (kind == "rate_limit" and self._slots.alone)
        was_open = self._circuit.is_open
        opens = down and self._circuit.failed(turn, kind, self._last_number, now, said)
        if opens or retry_after:
            for look in list(self._waiting):
                look()
        if opens and not was_open:
            self._on_outage(self._circuit.error(now))
        return down and self._circuit.is_open


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

    @property
    def alone(self) -> bool:
        """Whether one request at a time is all that there may be."""
        return self._adapts and self.limit < 2

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
    Whatever was sent before the circuit opened says nothing new, however late it ends. A question
    that fails each time, among others that are answered, may be the cause itself: it opens nothing.
    """

    def __init__(self, breaker: Breaker | None) -> None:
        self._breaker = breaker
        self._failures = 0  # in a row; only a success starts anew, so one more opens it again
        self._kind: ErrorKind = "overloaded"
        self._said = ""
        self._asker: object = None  # whose request was the first of these to fail
        self._several = False  # whether another's failed too
        self._open_until: float | None = None  # None: closed
        self.since = inf  # when it opened for the first time in a row
        self._opened_after = 0  # the last request before
        self._probe: int | None = None

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    @property
    def free_at(self) -> float:
        """When a request may go; infinity: when the probe has ended."""
        if self._open_until is None:
            return -inf
        return self._open_until if self._probe is None else inf

    def error(self, now: float) -> CircuitOpen:
        remaining = max(0.0, (self._open_until or now) - now)
        return CircuitOpen(self._kind, remaining, self._failures, now - self.since, self._said)

    def sent(self, number: int) -> None:
        if self._open_until is not None:
            self._probe = number

    def ended(self, number: int) -> None:
        """Whatever came of it; a probe that nothing came of leaves its place to the next."""
        if self._probe == number:
            self._probe = None

    def succeeded(self, number: int) -> bool:
        """Whether that closes the circuit."""
        if number <= self._opened_after:
            return False
        was_open, self._failures, self._open_until = self.is_open, 0, None
        self._asker, self._several = None, False
        return was_open

    def failed(self, turn: Turn, kind: ErrorKind, last_number: int, now: float, said: str) -> bool:
        """Whether that opens the circuit, for the first time or again."""
        if self._breaker is None or turn.number <= self._opened_after:
            return False
        self._failures += 1
        self._asker = self._asker or turn.asker
        self._several |= turn.asker is not self._asker
        enough = self._breaker.failures
        if self._failures < enough or not (self._several or enough == 1):
            return False
        self.since = self.since if self.is_open else now
        self._kind, self._said = kind, said
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
