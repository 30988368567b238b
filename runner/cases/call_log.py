"""One question on its way to an answer: all that happened to it there, and the record of it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.cases.attachments import recorded
from runner.cases.query import Query, Question, schema_of
from runner.config.schema import Model, Single
from runner.errors import CallFailed, ErrorKind, RunnerError
from runner.price import total
from runner.record.outcomes import (
    Answered,
    Attempt,
    Choice,
    Exchange,
    Failed,
    Reply,
    Schema,
    Skipped,
)

OnText = Callable[[str], None]  # gets an answer piece by piece, as it is written


@dataclass
class CallLog:
    """All that happened while asking; `reply` is None when no model answered.

    `seconds` is the time that providers took, `spent_seconds` of `retry.total` that and the waits
    for them, but not our own work and queue; what was asked at once counts once.
    """

    attempts: list[Attempt] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    seconds: float = 0.0
    queued_seconds: float = 0.0
    spent_seconds: float = 0.0
    first_token_seconds: float | None = None  # of a streamed answer, since the first request
    served_by: str = ""
    arm: str = ""
    fallback: str | None = None  # the key in the chain of the model that is asked, or answered
    schema: Schema | None = None
    reply: Reply | None = None
    error: CallFailed | None = None
    broken: RunnerError | None = None  # a scorer that failed on the way
    exchange: int | None = None  # of a conversation: which of its requests this is, from 1
    exchanges: list[Exchange] = field(default_factory=list)  # of a conversation: what came of each
    before_seconds: float = 0.0  # spent by the question that this is a part of

    def note(self, attempt: Attempt) -> None:
        self._add(attempt)
        self.seconds += attempt.seconds

    def _add(self, attempt: Attempt) -> None:
        """It is made for the model of the chain that is asked now."""
        if self.fallback or self.exchange:
            changed = {"fallback": self.fallback, "exchange": self.exchange}
            attempt = attempt.model_copy(update=changed)
        self.attempts.append(attempt)

    def answered(self, reply: Reply, model: Single, arm: str, query: Query) -> None:
        self.reply, self.served_by, self.arm = reply, model.name, arm
        self.schema = schema_of(model, query)

    def mark(self, kind: ErrorKind) -> None:
        """Note what is wrong with the answer, at the attempt that gave it."""
        for number in reversed(range(len(self.attempts))):
            attempt = self.attempts[number]
            if attempt.role == "answer" and attempt.model == self.served_by:
                self.attempts[number] = attempt.model_copy(update={"error": kind})
                return

    def side_by_side(self, count: int) -> "list[CallLog]":
        """As many questions to be asked at once; `join` takes them in again."""
        before = self.before_seconds + self.spent_seconds
        return [CallLog(before_seconds=before, exchange=self.exchange) for _ in range(count)]

    def join(self, others: "list[CallLog]") -> None:
        for other in others:
            for attempt in other.attempts:
                self._add(attempt)
            self.choices += other.choices
            self.skipped += other.skipped
        self.seconds += max(other.seconds for other in others)
        self.queued_seconds += max(other.queued_seconds for other in others)
        self.spent_seconds += max(other.spent_seconds for other in others)

    def follow(self, request: "CallLog") -> None:
        """Take in the next request of a conversation, and how it ended."""
        self.attempts += request.attempts
        self.choices += request.choices
        self.skipped += request.skipped
        for name in ("seconds", "queued_seconds", "spent_seconds"):
            setattr(self, name, getattr(self, name) + getattr(request, name))
        for name in ("served_by", "arm", "schema", "reply", "error", "broken"):
            setattr(self, name, getattr(request, name))
        self.first_token_seconds = request.first_token_seconds
        self.fallback = self.fallback or request.fallback

    def stand_by(self, earlier: "CallLog") -> None:
        """Take the answer of an earlier state of this; what has happened since stays noted."""
        self.error = None
        for name in ("served_by", "arm", "fallback", "schema", "reply", "first_token_seconds"):
            setattr(self, name, getattr(earlier, name))

    def outcome(
        self, question: Question, model: str, earlier: Sequence[Attempt] = ()
    ) -> Answered | Failed:
        """The record, not yet scored, of a question to the model under test.

        `earlier` attempts at the same question were paid for as well.
        """
        case, known = question.case, {attempt.sent for attempt in earlier if attempt.sent}
        attempts = [*earlier, *(each for each in self.attempts if each.sent not in known)]
        last = self.reply or self.error
        common: dict[str, Any] = {
            "case": case.id,
            "line": question.line,
            "repeat": question.repeat,
            "model": model,
            "key": question.key,
            "messages": recorded(question.query.messages),
            "request": last.request if last else {},
            "tags": list(case.tags),
            "expected": case.wanted,
            "cost_usd": total(attempt.cost_usd for attempt in attempts),
            "seconds": self.seconds,
            "queued_seconds": self.queued_seconds,
            "attempts": attempts,
            "exchanges": self.exchanges,
            "choices": self.choices,
            "skipped": self.skipped,
        }
        if self.reply is None or self.error is not None:
            kind = self.error.kind if self.error else None
            return Failed(**common, kind=kind, error=str(self.error))
        return Answered(
            **common,
            served_by=self.served_by,
            arm=self.arm,
            fallback=self.fallback,
            output_schema=self.schema,
            model_served=self.reply.model_served,
            reply=self.reply.text,
            tool_calls=self.reply.tool_calls,
            reasoning=self.reply.reasoning,
            finish_reason=self.reply.finish_reason,
            usage=self.reply.usage,
            first_token_seconds=self.first_token_seconds,
            scores={},
        )


# How a scorer asks a model of its own.
Ask = Callable[[Model, Query], Awaitable[CallLog]]
