"""Why a call failed, from what was seen on the wire and what litellm raised."""

import json
import re
from contextlib import suppress

from runner.errors import CallFailed, ErrorKind
from runner.records import Message
from runner.redact import redact
from runner.wire import Wire

_BY_STATUS: dict[int, ErrorKind] = {
    401: "auth",
    403: "auth",
    404: "not_found",
    408: "timeout",
    409: "server_error",
    425: "server_error",
    429: "rate_limit",
    503: "overloaded",
    529: "overloaded",
}
# The same error under many names: providers word it, litellm's classes are matched by wording too.
_BY_WORDING: tuple[tuple[str, ErrorKind], ...] = (
    ("insufficient_quota", "insufficient_quota"),
    ("context_length_exceeded", "context_window"),
    ("maximum context length", "context_window"),
    ("exceeds the available context size", "context_window"),
    ("prompt is too long", "context_window"),
    ("content_policy_violation", "content_policy"),
    ("content_filter", "content_policy"),
)


def failure(error: Exception, wire: Wire, messages: list[Message], timeout: float) -> CallFailed:
    kind = _kind(error, wire)
    message = f"no answer within {timeout:g} s" if kind == "timeout" else first_line(error)
    return CallFailed(
        kind,
        message,
        wire.status,
        retry_after=_seconds(wire.retry_after),
        unbilled=(wire.status or 0) >= 400 or wire.sent is None,
        seconds=wire.seconds,
        http_requests=wire.http_requests,
        request=wire.request(messages),
    )


def _kind(error: Exception, wire: Wire) -> ErrorKind:
    """By the status on the wire; litellm's classes are guesses from the wording of a message."""
    name, text = type(error).__name__, str(error).lower()
    if name == "UnsupportedParamsError":
        return "unsupported_param"
    status = wire.status
    if status is None:
        if not wire.http_requests:
            return "bad_request"  # litellm refused it without sending anything
        timed_out = isinstance(error, TimeoutError) or name == "Timeout"
        return "timeout" if timed_out else "connection"
    if status < 400:
        if isinstance(error, TimeoutError) or name == "Timeout":
            return "timeout"
        return "connection" if wire.received is None else "invalid_reply"
    if name == "ContextWindowExceededError":
        return "context_window"
    if name == "ContentPolicyViolationError":
        return "content_policy"
    # OpenAI says this of an empty account; Google also of a minute's limit, and then when to retry.
    if "exceeded your current quota" in text and "retry in" not in text and not wire.retry_after:
        return "insufficient_quota"
    for wording, kind in _BY_WORDING:
        if wording in text:
            return kind
    return _BY_STATUS.get(status, "server_error" if status >= 500 else "bad_request")


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; its form as a date is as rare as it is easy to misread."""
    try:
        return max(0.0, float(retry_after)) if retry_after else None
    except ValueError:
        return None


def first_line(error: Exception) -> str:
    """What the provider said, without the class names that litellm stacks before it."""
    line = next(iter(str(error).strip().splitlines()), "")
    said = re.sub(r"^((litellm\.)?\w+(Error|Timeout): )*(\w+Exception -? ?)?", "", line).strip()
    with suppress(ValueError, KeyError, TypeError):  # most providers say it in a JSON body
        said = str(json.loads(said)["error"]["message"])
    return redact(" ".join(said.split()) or type(error).__name__)[:500]
