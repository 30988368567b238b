"""Whether a failed request is sent again, and after what wait. The only home of tenacity."""

from collections.abc import Callable

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    wait_exponential_jitter,
)

from runner.cases.call_log import CallLog
from runner.config.schema import Retry
from runner.errors import CallFailed


class Tries:
    """Whether a model is asked once more, and for how long it is waited for."""

    def __init__(self, retry: Retry, log: CallLog, patient: bool) -> None:
        self._retry, self._log, self._patient = retry, log, patient
        self._unread = retry.invalid_replies  # that may still be asked for again
        self.waited = 0.0  # before the attempt under way

    def attempts(self) -> AsyncRetrying:
        """One after the other, until one succeeds or there is to be no other: that one's error."""
        return AsyncRetrying(
            stop=self._over,
            wait=_wait(self._retry),
            retry=retry_if_exception(self._may_go_better),
            before_sleep=self._note_wait,
            reraise=True,
        )

    @property
    def left(self) -> float:
        """Seconds of `retry.total`. Our own queue and our own work are not the provider's fault."""
        return self._retry.total - self._log.before_seconds - self._log.spent_seconds

    def _note_wait(self, state: RetryCallState) -> None:
        self.waited = state.upcoming_sleep
        self._log.spent_seconds += self.waited

    def _over(self, state: RetryCallState) -> bool:
        """In an outage a failure says nothing of this request: no attempt is used up by it."""
        if state.upcoming_sleep >= self.left:
            return True
        error = state.outcome.exception() if state.outcome else None
        if self._patient and isinstance(error, CallFailed) and error.outage:
            return False
        return state.attempt_number >= self._retry.attempts

    def _may_go_better(self, error: BaseException) -> bool:
        """What was handed over piece by piece can't be taken back and asked for again."""
        if not isinstance(error, CallFailed) or error.delivered:
            return False
        if error.kind == "invalid_reply" and self._unread:
            self._unread -= 1
            return True
        return error.transient


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
