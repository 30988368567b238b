"""Any server of OpenAI's chat completions, and what it may answer, odd answers among them.

It refuses what is no chat completion, with the original's words, and is lenient otherwise: the
strict providers are in the modules beside this one.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from runner.drill.loopback import dialects
from runner.drill.loopback.dialect import sse
from runner.drill.loopback.dialects import chunks, usage_chunks
from runner.drill.loopback.exchange import HttpAnswer, HttpRequest, Piece

ROLES = {"system", "developer", "user", "assistant", "tool"}


class Chat:
    base_path = "/v1"

    def refuse(self, request: HttpRequest) -> HttpAnswer | None:
        return _refusal(request)

    def complete(self, answer: HttpAnswer, request: HttpRequest) -> HttpAnswer:
        """A chat completion gets the requested model, and is streamed when that was asked for."""
        body = answer.body
        if not (isinstance(body, dict) and body.get("object") == "chat.completion"):
            return answer
        body = {"model": request.model} | body
        if not request.body.get("stream") or answer.cut is not None:
            return replace(answer, body=body)
        usage = (request.body.get("stream_options") or {}).get("include_usage")
        events = [*chunks(body), *(usage_chunks(body) if usage else [])]
        return replace(
            answer,
            headers={"content-type": "text/event-stream"} | dict(answer.headers),
            pieces=tuple(Piece(sse(event)) for event in [*events, "[DONE]"]),
        )


class Anything:
    """Takes every request, and leaves every answer as it is."""

    base_path = "/v1"

    def refuse(self, request: HttpRequest) -> HttpAnswer | None:
        return None

    def complete(self, answer: HttpAnswer, request: HttpRequest) -> HttpAnswer:
        return answer


def _refusal(request: HttpRequest) -> HttpAnswer | None:
    """What the original would say to a request that is no chat completion."""
    if request.method != "POST" or not request.path.endswith("/chat/completions"):
        return error_reply(404, f"Invalid URL ({request.method} {request.path})")
    if not request.headers.get("content-type", "").startswith("application/json"):
        return error_reply(400, "Expected the header Content-Type: application/json.")
    if not isinstance(request.body, dict):
        return error_reply(400, "We could not parse the JSON body of your request.")
    if not (isinstance(request.body.get("model"), str) and request.body["model"]):
        return error_reply(400, "you must provide a model parameter")
    if problem := _problem_of(request.body.get("messages")):
        return error_reply(400, problem, param="messages")
    return None


def _problem_of(messages: Any) -> str | None:
    if messages is None:
        return "Missing required parameter: 'messages'."
    if not isinstance(messages, list) or not messages:
        return "Invalid 'messages': expected an array with at least one message."
    for index, message in enumerate(messages):
        where = f"'messages[{index}]'"
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            return f"Invalid {where}: expected an object with a role of {sorted(ROLES)}."
        content = message.get("content")
        if not isinstance(content, str | list) and "tool_calls" not in message:
            return f"Invalid {where}: expected content as a string or an array."
    return None


def tokens(prompt: int, completion: int, *, cached: int = 0, reasoning: int = 0) -> dict[str, Any]:
    """A `usage`: `prompt` includes the cached tokens, `completion` those of the reasoning."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


USAGE = tokens(10, 5)


def completion(
    content: str | None,
    *,
    finish_reason: str = "stop",
    usage: dict[str, Any] | None = USAGE,
    model: str | None = None,
) -> dict[str, Any]:
    """The body of a chat completion; without `model` the server echoes the requested one."""
    body = dialects.completion(content, finish_reason, model)
    return body | (
        {"usage": deepcopy(usage)} if usage else {}
    )  # whoever changes it changes its own


def text(
    content: str | None,
    *,
    finish_reason: str = "stop",
    usage: dict[str, Any] | None = USAGE,
    model: str | None = None,
    delay: float = 0.0,
) -> HttpAnswer:
    body = completion(content, finish_reason=finish_reason, usage=usage, model=model)
    return HttpAnswer(body=body, delay=delay)


def json_text(
    value: Any, *, usage: dict[str, Any] | None = USAGE, delay: float = 0.0
) -> HttpAnswer:
    """A text reply whose text is JSON."""
    return text(json.dumps(value, ensure_ascii=False), usage=usage, delay=delay)


def echo(request: HttpRequest) -> HttpAnswer:
    return text(request.text)


def truncated(content: str = "The answer is") -> HttpAnswer:
    return text(content, finish_reason="length")


def filtered() -> HttpAnswer:
    """A success without content, which is how a filter on the output shows."""
    return text(None, finish_reason="content_filter")


def no_choices() -> HttpAnswer:
    return HttpAnswer(body=completion("") | {"choices": []})


def garbage() -> HttpAnswer:
    return HttpAnswer(body=b"<html>502 from some proxy</html>")


def error_reply(
    status: int,
    message: str,
    *,
    type: str = "invalid_request_error",
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpAnswer:
    error = {"message": message, "type": type, "param": param, "code": code}
    return HttpAnswer(status=status, body={"error": error}, headers=headers or {})


def wrong_key(request: HttpRequest) -> HttpAnswer:
    """401 that quotes the key with its middle masked, as OpenAI does."""
    return _wrong_key(f"{request.key[:8]}{'*' * 12}{request.key[-4:]}")


def wrong_key_in_full(request: HttpRequest) -> HttpAnswer:
    """401 that quotes the key as it came, as careless servers do."""
    return _wrong_key(request.key)


def _wrong_key(shown: str) -> HttpAnswer:
    message = f"Incorrect API key provided: {shown}. You can find your API key in your account."
    return error_reply(401, message, code="invalid_api_key")


def rate_limited(retry_after: float | str | None = None) -> HttpAnswer:
    message = "Rate limit reached on requests per min (RPM): Limit 3, Used 3, Requested 1."
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return error_reply(429, message, type="requests", code="rate_limit_exceeded", headers=headers)


def no_quota() -> HttpAnswer:
    message = "You exceeded your current quota, please check your plan and billing details."
    return error_reply(429, message, type="insufficient_quota", code="insufficient_quota")


def too_long(limit: int = 8192, given: int = 9000) -> HttpAnswer:
    message = (
        f"This model's maximum context length is {limit} tokens. However, your messages resulted "
        f"in {given} tokens. Please reduce the length of the messages."
    )
    return error_reply(400, message, code="context_length_exceeded", param="messages")


def against_policy() -> HttpAnswer:
    message = "Your request was rejected as a result of our safety system."
    return error_reply(400, message, code="content_policy_violation")


def no_model(request: HttpRequest) -> HttpAnswer:
    message = f"The model `{request.model}` does not exist or you do not have access to it."
    return error_reply(404, message, code="model_not_found")


def server_error() -> HttpAnswer:
    message = "The server had an error while processing your request. Sorry about that!"
    return error_reply(500, message, type="server_error")


def overloaded(retry_after: float | str | None = None) -> HttpAnswer:
    message = "The engine is currently overloaded, please try again later."
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return error_reply(503, message, type="server_error", headers=headers)


def hang() -> HttpAnswer:
    """Never answers; the connection stays open until one side closes it."""
    return HttpAnswer(ending="hang")


def reset() -> HttpAnswer:
    """RST before the first byte of a reply."""
    return HttpAnswer(ending="reset", cut=0)


def closed() -> HttpAnswer:
    """The connection is closed before the first byte of a reply."""
    return HttpAnswer(ending="close", cut=0)


def cut_off() -> HttpAnswer:
    """The connection is closed in the middle of the body: the answer was made, and billed."""
    return HttpAnswer(body=completion("The answer"), ending="close", cut=60)
