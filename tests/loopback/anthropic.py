"""Anthropic's messages."""

from typing import Any

from jsonschema import ValidationError

from runner.drill.loopback import dialects
from runner.drill.loopback.dialect import Events, Saying
from runner.drill.loopback.dialects import anthropic_error, block
from runner.drill.loopback.exchange import HttpAnswer, HttpRequest
from runner.record.outcomes import Usage
from tests.loopback import tools
from tests.loopback.strict import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    OBJECT,
    STRING,
    STRINGS,
    ChatRequest,
    Fault,
    Format,
    object_of,
    sha256_of,
    unknown_keys,
    where,
)

_TEXT = object_of(
    {"type": {"const": "text"}, "text": STRING | {"minLength": 1}, "cache_control": OBJECT},
    ["type", "text"],
)
_SOURCE = object_of(
    {"type": {"const": "base64"}, "media_type": STRING, "data": STRING},
    ["type", "media_type", "data"],
)
_IMAGE = object_of(
    {"type": {"const": "image"}, "source": _SOURCE, "cache_control": OBJECT}, ["type", "source"]
)
_PDF = _SOURCE | {
    "properties": _SOURCE["properties"] | {"media_type": {"const": "application/pdf"}}
}
_DOCUMENT = object_of(
    {"type": {"const": "document"}, "source": _PDF, "title": STRING, "cache_control": OBJECT},
    ["type", "source"],
)
_BLOCKS = {
    "type": "array",
    "minItems": 1,
    "items": {"oneOf": [_TEXT, _IMAGE, _DOCUMENT, *tools.ANTHROPIC_BLOCKS]},
}
_MESSAGE = object_of(
    {"role": {"enum": ["user", "assistant"]}, "content": {"oneOf": [STRING, _BLOCKS]}},
    ["role", "content"],
)
_SCHEMA_FORMAT = object_of({"type": {"const": "json_schema"}, "schema": OBJECT}, ["type", "schema"])

_ERRORS: dict[Fault, tuple[int, str, str]] = {
    400: (400, "invalid_request_error", "messages: at least one message is required"),
    401: (401, "authentication_error", "invalid x-api-key"),
    403: (403, "permission_error", "Your API key may not use the specified resource."),
    404: (404, "not_found_error", "model: m"),
    408: (408, "timeout_error", "HttpRequest timed out"),
    413: (413, "request_too_large", "HttpRequest exceeds the maximum size"),
    422: (422, "invalid_request_error", "unprocessable"),
    429: (429, "rate_limit_error", "This would exceed your rate limit of 50 requests per minute."),
    500: (500, "api_error", "Internal server error"),
    502: (502, "api_error", "Bad gateway"),
    503: (503, "api_error", "Service unavailable"),
    504: (504, "timeout_error", "The request took too long"),
    529: (529, "overloaded_error", "Overloaded"),
    "context_window": (
        400,
        "invalid_request_error",
        "prompt is too long: 208310 tokens > 200000 maximum",
    ),
    "content_policy": (400, "invalid_request_error", "Output blocked by content filtering policy"),
    "no_quota": (
        400,
        "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API.",
    ),
}


_HEADERS = {"anthropic-version": "2023-06-01"}
_WORDS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_SCHEMA = object_of(
    {
        "model": STRING | {"minLength": 1},
        "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
        "system": {"oneOf": [STRING, _BLOCKS]},
        "max_tokens": INTEGER | {"minimum": 1},
        "temperature": NUMBER | {"minimum": 0, "maximum": 1},
        "top_p": NUMBER,
        "top_k": INTEGER,
        "stop_sequences": STRINGS,
        "stream": BOOLEAN,
        "metadata": OBJECT,
        "thinking": OBJECT,
        "output_format": _SCHEMA_FORMAT,
        "output_config": object_of({"effort": STRING, "format": _SCHEMA_FORMAT}),
    }
    | tools.ANTHROPIC_KEYS,
    ["model", "messages", "max_tokens"],
)


class Anthropic(dialects.Anthropic, Format):
    name = "anthropic"
    litellm = "anthropic"
    path = "/v1/messages"
    key_header = "x-api-key"
    headers = _HEADERS
    finish_reasons = _WORDS
    schema = _SCHEMA

    def read(self, request: HttpRequest) -> ChatRequest:
        body = request.body
        blocks = _blocks(body["messages"][-1]["content"])
        said = [(m["role"], _blocks(m["content"])) for m in body["messages"]]
        system = _blocks(body.get("system") or "")
        form = body.get("output_format") or (body.get("output_config") or {}).get("format") or {}
        return ChatRequest(
            model=body["model"],
            text=_text(blocks),
            system=_text(system) if system else None,
            max_tokens=body["max_tokens"],
            temperature=body.get("temperature"),
            top_p=body.get("top_p"),
            stop=tuple(body.get("stop_sequences") or ()),
            json_schema=form.get("schema"),
            stream=bool(body.get("stream")),
            **tools.of_anthropic(body),
            images=_hashes(said, "image"),
            files=_hashes(said, "document"),
            said=tuple((role, _text(each)) for role, each in said),
        )

    def unpaired(self, body: Any) -> str | None:
        return tools.anthropic_unpaired(body)

    def whole(self, saying: Saying) -> dict[str, Any]:
        body = super().whole(saying)
        if saying.reasoning:
            thinking = {"type": "thinking", "thinking": saying.reasoning, "signature": "loopback"}
            body["content"] = [thinking, *body["content"]]
        return body

    def events(self, saying: Saying) -> Events:
        """Reasoning is a block of its own, before that of the text."""
        said = super().events(saying)
        if not saying.reasoning:
            return said
        thought = {"type": "thinking_delta", "thinking": saying.reasoning}
        blank = {"type": "thinking", "thinking": "", "signature": ""}
        first = [
            block(0, "start", content_block=blank),
            block(0, "delta", delta=thought),
            block(0, "stop"),
        ]
        start, *opening = said.opening
        return Events(
            [start, *first, *map(_second, opening)],
            list(map(_second, said.text)),
            list(map(_second, said.closing)),
        )

    def usage(self, usage: Usage) -> dict[str, Any]:
        """What came from and went to the cache is counted beside the other input."""
        cached, written = usage.cached_input_tokens, usage.cache_write_tokens
        counts: dict[str, Any] = {
            "input_tokens": usage.input_tokens - cached - written,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": written,
            "output_tokens": usage.output_tokens,
        }
        if usage.reasoning_tokens:
            counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
        return counts

    def error(self, fault: Fault) -> tuple[int, Any]:
        status, kind, message = _ERRORS[fault]
        return status, anthropic_error(kind, message)

    def error_event(self, fault: Fault) -> Any:
        return self.error(529 if fault == 503 else fault)[1]

    def refusal(self, problem: ValidationError) -> HttpAnswer:
        if unknown := unknown_keys(problem):
            message = f"{'.'.join([*where(problem).split('.'), unknown[0]]).strip('.')}: "
            message += "Extra inputs are not permitted"
        else:
            message = f"{where(problem) or 'body'}: {problem.message[:300]}"
        return HttpAnswer(400, anthropic_error("invalid_request_error", message))


def _second(event: dict[str, Any]) -> dict[str, Any]:
    return event | ({"index": event["index"] + 1} if "index" in event else {})


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content)


def _hashes(said: list[tuple[str, list[dict[str, Any]]]], kind: str) -> tuple[str, ...]:
    blocks = [block for _, each in said for block in each if block["type"] == kind]
    return tuple(sha256_of(block["source"]["data"]) for block in blocks)


def _text(blocks: list[dict[str, Any]]) -> str:
    return "".join(block["text"] for block in blocks if block["type"] == "text")


ANTHROPIC = Anthropic()
