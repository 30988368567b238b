"""At most so many a minute: the only home of aiolimiter."""

import asyncio

from aiolimiter import AsyncLimiter


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
