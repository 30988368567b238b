"""OpenAI's chat completions as they go over the wire: what a client sends, and what it gets."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.cases import strict_json
from runner.errors import ErrorKind, RunnerError, did_you_mean
from runner.price import total
from runner.record.outcomes import Answered, Failed, Usage

Json = dict[str, Any]


@dataclass(eq=False)
class ApiError(RunnerError):
    """What a client is told in place of an answer, in OpenAI's form."""

    status: int
    message: str
    code: str
    param: str | None = None
    retry_after: int | None = None  # seconds
    again: bool = True  # False: asking again would only fail again, or cost again
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message

    @property
    def body(self) -> Json:
        kind = "invalid_request_error" if self.status < 429 else "server_error"
        kind = "requests" if self.status == 429 else kind
        said = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": said}

    @property
    def all_headers(self) -> dict[str, str]:
        found = dict(self.headers)
        if self.retry_after is not None:
            found["retry-after"] = str(self.retry_after)
        if not self.again:
            found["x-should-retry"] = "false"  # OpenAI's clients ask twice more by themselves
        return found


def refused(message: str, param: str | None = None, code: str = "invalid_value") -> ApiError:
    return ApiError(400, message, code, param, again=False)


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class StreamOptions(_Sent):
    include_usage: bool = False
    include_obfuscation: bool = False


class ChatRequest(_Sent):
    """The keys of OpenAI's that mean something here; those that shape no answer are let pass."""

    model: str
    messages: list[Json] = Field(min_length=1)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, ge=1)
    user: str | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    stop: str | list[str] | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    response_format: Json | None = None
    tools: list[Json] | None = None
    tool_choice: str | Json | None = None
    parallel_tool_calls: bool | None = None
    metadata: Json | None = None
    store: Literal[False] | None = None
    logprobs: Literal[False] | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    frequency_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    presence_penalty: Annotated[float, Field(ge=0, le=0)] | None = None

    @property
    def most_tokens(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def given(self) -> set[str]:
        """The keys that say something."""
        return {name for name in self.model_fields_set if getattr(self, name) is not None}


def read(body: bytes) -> ChatRequest:
    """Raises ApiError, with the key that has to change."""
    try:
        value = strict_json.loads(body.decode())
    except (UnicodeDecodeError, ValueError) as error:
        raise refused(f"the body is not JSON: {error}", code="invalid_json") from None
    try:
        return ChatRequest.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        param = ".".join(map(str, first["loc"])) or None
        if first["type"] == "extra_forbidden":
            near = did_you_mean(str(param), ChatRequest.model_fields)
            raise refused(f"{param}: no such key here{near}", param, "unknown_parameter") from None
        raise refused(f"{param or 'the body'}: {first['msg']}", param) from None


# How a failure of ours or of a provider's shows; what is not here is a 502.
_STATUS: dict[ErrorKind, int] = {
    "bad_request": 400,
    "unsupported_param": 400,
    "context_window": 400,
    "content_policy": 400,
    "rate_limit": 429,
    "budget": 429,
    "timeout": 504,
    "interrupted": 503,
}
_CODE: dict[ErrorKind, str] = {
    "context_window": "context_length_exceeded",
    "content_policy": "content_policy_violation",
    "rate_limit": "rate_limit_exceeded",
    "budget": "insufficient_quota",
}

_FINISH = ("stop", "length", "content_filter", "tool_calls")


def failure(outcome: Failed) -> ApiError:
    """What the client of a question without an answer is told.

    In the provider's own words only where the request itself was at fault: the others are of our
    account there, and on record under the request's id.
    """
    kind: ErrorKind = outcome.kind or "server_error"
    status = _STATUS.get(kind, 502)
    words = {
        400: outcome.error,
        429: "the provider takes no more requests just now",
        503: "the server stopped before there was an answer",
        504: "no model answered in time",
    }.get(status, f"no model could answer ({kind})")
    wait: int | None = None
    if kind == "budget":
        words = "what this server may spend is spent"
        wait = int(86400 - time.time() % 86400) + 1
    elif status == 429:
        wait = 5
    code = _CODE.get(kind, kind)
    again = kind in ("rate_limit", "interrupted")
    return ApiError(status, words, code, retry_after=wait, again=again)


def completion(id: str, task: str, outcomes: Sequence[Answered]) -> Json:
    """A whole answer; `outcomes` are its choices."""
    choices = [
        {
            "index": index,
            "message": _message(each),
            "logprobs": None,
            "finish_reason": _finish(each),
        }
        for index, each in enumerate(outcomes)
    ]
    return {
        "id": id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": task,
        "choices": choices,
        "usage": _used(outcomes),
    }


def _message(answer: Answered) -> Json:
    calls = [call.message() for call in answer.tool_calls]
    content = None if calls and not answer.reply else answer.reply
    found: Json = {"role": "assistant", "content": content, "refusal": None}
    return found | ({"tool_calls": calls} if calls else {})


class Chunks:
    """The events of a streamed answer; the tools that it calls come whole, at the end."""

    def __init__(self, id: str, task: str) -> None:
        self._begun: set[int] = set()
        common = {"id": id, "object": "chat.completion.chunk", "created": int(time.time())}
        self._common = common | {"model": task}

    def text(self, index: int, piece: str) -> bytes:
        delta: Json = {"content": piece}
        if index not in self._begun:
            self._begun.add(index)
            delta = {"role": "assistant", **delta}
        return self._event([self._choice(index, delta)])

    def ends(self, outcomes: Sequence[Answered], extra: Json, *, apart: bool) -> bytes:
        """The last ones. Usage and what we say besides are in the very last: `apart` is whether
        that one has no choices, as clients expect who have asked for it."""
        *others, last = [
            self._choice(index, self._last(index, each), each)
            for index, each in enumerate(outcomes)
        ]
        about = {"usage": _used(outcomes), **extra}
        events = [self._event([choice]) for choice in others]
        if apart:
            events += [self._event([last]), self._event([], about)]
        else:
            events += [self._event([last], about)]
        return b"".join([*events, b"data: [DONE]\n\n"])

    def _last(self, index: int, answer: Answered) -> Json:
        calls = [{"index": n, **call.message()} for n, call in enumerate(answer.tool_calls)]
        begins = {} if index in self._begun else {"role": "assistant"}
        return begins | ({"tool_calls": calls} if calls else {})

    def breaks(self, error: ApiError) -> bytes:
        return event(error.body)

    def _choice(self, index: int, delta: Json, end: Answered | None = None) -> Json:
        reason = _finish(end) if end else None
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}

    def _event(self, choices: list[Json], also: Json | None = None) -> bytes:
        return event(self._common | {"choices": choices} | (also or {}))


def _finish(answer: Answered) -> str:
    """In a word that OpenAI has; the provider's own is on record."""
    return answer.finish_reason if answer.finish_reason in _FINISH else "stop"


def event(value: Json) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def _used(outcomes: Sequence[Answered]) -> Json | None:
    """Of all choices, each with all of its steps."""
    steps = [[step.usage for step in each.exchanges] or [each.usage] for each in outcomes]
    return usage([used for each in steps for used in each])


def usage(found: Sequence[Usage | None]) -> Json | None:
    """None: a provider did not say."""
    known = [each for each in found if each]
    if len(known) < len(found):
        return None
    prompt = sum(each.input_tokens for each in known)
    written = sum(each.output_tokens for each in known)
    cached = sum(each.cached_input_tokens for each in known)
    thought = sum(each.reasoning_tokens for each in known)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


def about(task: str, outcomes: Sequence[Answered | Failed]) -> Json:
    """What a client may know of how it was answered; of several choices, in sum."""
    last = outcomes[-1]
    waits = [
        each.queued_seconds + sum(attempt.waited_seconds for attempt in each.attempts)
        for each in outcomes
    ]
    cost = total(each.cost_usd for each in outcomes)
    found: Json = {
        "task": task,
        "attempts": sum(len(each.attempts) for each in outcomes),
        "cost_usd": cost if cost is None else round(cost, 12),  # 6e-05, not 6.000000000000001e-05
        "waited_seconds": round(max(waits), 3),
    }
    if isinstance(last, Answered):
        found |= {"model": last.served_by, "model_served": last.model_served}
        found |= {"arm": last.arm or None, "fallback": last.fallback}
    return found


def models(tasks: Sequence[str], since: int) -> Json:
    return {"object": "list", "data": [model(task, since) for task in tasks]}


def model(task: str, since: int) -> Json:
    return {"id": task, "object": "model", "created": since, "owned_by": "runner"}
