"""What is written down of one question: its outcome, from all that happened while asking."""

from collections.abc import Sequence
from typing import Any

from runner.cases.call_log import CallLog
from runner.cases.cases import Case
from runner.price import total
from runner.record.outcomes import Answered, Attempt, Failed, Message


def outcome(
    asked: CallLog,
    *,
    model: str,
    case: Case,
    messages: list[Message],
    key: str,
    repeat: int = 0,
    earlier: Sequence[Attempt] = (),
) -> Answered | Failed:
    """The record, not yet scored; `earlier` attempts at the same question were paid for as well."""
    attempts = [*earlier, *asked.attempts]
    common: dict[str, Any] = {
        "case": case.id,
        "repeat": repeat,
        "model": model,
        "key": key,
        "messages": messages,
        "request": asked.request,
        "tags": list(case.tags),
        "expected": case.expected,
        "cost_usd": total(attempt.cost_usd for attempt in attempts),
        "seconds": asked.seconds,
        "queued_seconds": asked.queued_seconds,
        "attempts": attempts,
        "choices": asked.choices,
        "skipped": asked.skipped,
    }
    reply = asked.reply
    if reply is None or asked.error is not None:
        kind = asked.error.kind if asked.error else None
        return Failed(**common, kind=kind, error=str(asked.error))
    return Answered(
        **common,
        served_by=asked.served_by,
        arm=asked.arm,
        fallback=asked.fallback,
        output_schema=asked.schema,
        model_served=reply.model_served,
        reply=reply.text,
        finish_reason=reply.finish_reason,
        usage=reply.usage,
        first_token_seconds=asked.first_token_seconds,
        scores={},
    )
