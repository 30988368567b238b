"""Whether a success is one: litellm passes empty, filtered and broken answers on as whole."""

from runner.calls.failure import GARBLED
from runner.calls.wire import Wire
from runner.errors import CallFailed, ErrorKind
from runner.record.outcomes import Reply


def success(text: str, wire: Wire) -> Reply:
    """The reply with `text`. Raises CallFailed when it is none, or broke off."""
    said = wire.said
    reason, usage = said.finish_reason, said.usage
    if wire.garbled:
        raise _unusable("invalid_reply", GARBLED, wire)
    if not (text or reason):
        raise _unusable("invalid_reply", "the reply holds no answer", wire)
    if wire.stream and not (reason and usage):
        missing = "finish reason" if not reason else "usage"
        raise _unusable("invalid_reply", f"the stream ended without a {missing}", wire)
    if reason == "error":
        raise _unusable("invalid_reply", f"the provider ended the answer: {said.ending}", wire)
    if reason == "content_filter" and not text:
        raise _unusable("content_policy", f"the provider held the answer back: {said.ending}", wire)
    if reason == "tool_calls" and text:
        reason = "stop"  # we offer no tools: it is how litellm asks some models for JSON
    return Reply(
        text=text,
        finish_reason=reason or "unknown",
        usage=usage,
        seconds=wire.seconds,
        model_served=said.model,
        request=wire.request(),
        http_requests=wire.http_requests,
        first_token_seconds=wire.first_token_seconds,
    )


def _unusable(kind: ErrorKind, message: str, wire: Wire) -> CallFailed:
    return CallFailed(
        kind,
        message,
        wire.status,
        seconds=wire.seconds,
        http_requests=wire.http_requests,
        request=wire.request(),
        usage=wire.usage,
        delivered=wire.delivered,
    )
