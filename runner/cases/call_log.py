"""One question on its way to an answer, and all that happened to it there."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from runner.cases.query import Query
from runner.config.schema import Model, Single
from runner.errors import CallFailed, ErrorKind, RunnerError
from runner.record.outcomes import Attempt, Choice, Reply, Schema, Skipped

OnText = Callable[[str], None]  # gets an answer piece by piece, as it is written


@dataclass
class CallLog:
    """All that happened while asking; `reply` is None when no model answered.

    `seconds` is the time that providers took; what was asked at once counts once.
    """

    attempts: list[Attempt] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    seconds: float = 0.0
    queued_seconds: float = 0.0
    first_token_seconds: float | None = None  # of a streamed answer, since the first request
    served_by: str = ""
    arm: str = ""
    fallback: str | None = None
    schema: Schema | None = None
    reply: Reply | None = None
    error: CallFailed | None = None
    broken: RunnerError | None = None  # a scorer that failed on the way
    started: float = field(default_factory=time.perf_counter)

    @property
    def request(self) -> dict[str, Any]:
        last = self.reply or self.error
        return last.request if last else {}

    def note(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        self.seconds += attempt.seconds

    def served(self, model: Single, arm: str, schema: Schema | None) -> None:
        self.served_by, self.arm, self.schema = model.name, arm, schema

    def mark(self, kind: ErrorKind) -> None:
        """Note what is wrong with the answer, at the attempt that gave it."""
        for number in reversed(range(len(self.attempts))):
            attempt = self.attempts[number]
            if attempt.role == "answer" and attempt.model == self.served_by:
                self.attempts[number] = attempt.model_copy(update={"error": kind})
                return

    def by_fallback(self, key: str | None, first: int) -> None:
        """Say of the attempts from the `first` one on which model of the chain made them."""
        self.attempts[first:] = [
            attempt.model_copy(update={"fallback": key}) for attempt in self.attempts[first:]
        ]

    def side_by_side(self, count: int) -> "list[CallLog]":
        """As many questions to be asked at once; `join` takes them in again."""
        return [CallLog(started=self.started) for _ in range(count)]

    def join(self, others: "list[CallLog]") -> None:
        for other in others:
            self.attempts += other.attempts
            self.choices += other.choices
            self.skipped += other.skipped
        self.seconds += max(other.seconds for other in others)
        self.queued_seconds += max(other.queued_seconds for other in others)

    def standing_by(self, earlier: "CallLog") -> "CallLog":
        """What happened, with the answer of an earlier state of it."""
        names = ("served_by", "arm", "fallback", "schema", "reply", "first_token_seconds")
        return replace(self, error=None, **{name: getattr(earlier, name) for name in names})


# How one single model is asked: with retries, through the limits and the budget. The text is the
# way to the model through a composite one. Raises CallFailed, BudgetSpent.
Call = Callable[[Single, Query, str, CallLog, OnText | None], Awaitable[Reply]]
# How a scorer asks a model of its own.
Ask = Callable[[Model, Query], Awaitable[CallLog]]
