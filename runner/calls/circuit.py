"""Leaving a provider alone that is down: the circuit breaker."""

from math import inf

from runner.config.schema import Breaker
from runner.errors import ErrorKind, RunnerError

# Failures that say that the provider is down, rather than that it does not like a request.
_DOWN: frozenset[ErrorKind] = frozenset({"overloaded", "server_error", "timeout", "connection"})


class CircuitOpen(RunnerError):
    """Not sent: the provider failed too often in a row, the last time with `kind`.

    `remaining_seconds` is 0 while another request finds out whether it is back.
    """

    def __init__(self, kind: ErrorKind, remaining_seconds: float) -> None:
        self.kind = kind
        self.remaining_seconds = remaining_seconds
        super().__init__(
            f"not sent: the provider failed too often in a row ({kind}); "
            f"it is left alone for another {remaining_seconds:.1f} s"
        )


class Circuit:
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
