"""Ollama's own chat API, a line of JSON for each event of a stream."""

from typing import Any

from jsonschema import ValidationError

from runner.drill.loopback import dialects
from runner.drill.loopback.dialect import Events, Saying
from runner.drill.loopback.exchange import HttpAnswer, HttpRequest
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
    sha256_of,
    where,
)

_ERRORS: dict[Fault, tuple[int, str]] = {
    400: (400, "invalid message format"),
    401: (401, "unauthorized"),
    403: (403, "this model requires a subscription"),
    404: (404, "model 'm' not found"),
    408: (408, "request timeout"),
    413: (413, "request body too large"),
    422: (422, "unprocessable"),
    429: (429, "too many concurrent requests"),
    500: (500, "llama runner process has terminated: signal: killed"),
    502: (502, "upstream unavailable"),
    503: (503, "server busy, please try again. maximum pending requests exceeded"),
    504: (504, "upstream timeout"),
    529: (529, "overloaded"),
    "context_window": (400, "prompt too long; exceeded max context length by 400 tokens"),
}


_WORDS = {"stop": "stop", "length": "length", "load": "error"}
_SCHEMA = {  # it passes over keys that it does not know
    "type": "object",
    "required": ["model", "messages"],
    "properties": {
        "model": STRING | {"minLength": 1},
        "messages": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["role", "content"],
                "properties": {
                    "role": {"enum": ["system", "user", "assistant", "tool"]},
                    "content": STRING,
                    "images": STRINGS,
                    "tool_calls": tools.OLLAMA_CALLS,
                },
            },
        },
        "stream": BOOLEAN,
        "tools": tools.OLLAMA_TOOLS,
        "format": {"oneOf": [{"const": "json"}, OBJECT]},
        "options": {
            "type": "object",
            "properties": {
                "num_predict": INTEGER,
                "temperature": NUMBER,
                "top_p": NUMBER,
                "seed": INTEGER,
                "stop": STRINGS,
            },
        },
    },
}


class Ollama(dialects.Ollama, Format):
    name = "ollama"
    litellm = "ollama_chat"
    path = "/api/chat"
    key_header = None
    finish_reasons = _WORDS
    schema = _SCHEMA

    def read(self, request: HttpRequest) -> ChatRequest:
        body = request.body
        options = body.get("options") or {}
        first, last = body["messages"][0], body["messages"][-1]
        form = body.get("format")
        return ChatRequest(
            model=body["model"],
            text=last["content"],
            system=first["content"] if first["role"] == "system" else None,
            max_tokens=options.get("num_predict"),
            temperature=options.get("temperature"),
            top_p=options.get("top_p"),
            stop=tuple(options.get("stop") or ()),
            seed=options.get("seed"),
            json_schema=form if isinstance(form, dict) else None,
            stream=body.get("stream", True),  # unasked it streams
            **tools.of_openai(body),
            images=tuple(sha256_of(i) for m in body["messages"] for i in m.get("images") or ()),
            said=tuple(
                (m["role"], m["content"]) for m in body["messages"] if m["role"] != "system"
            ),
        )

    def whole(self, saying: Saying) -> dict[str, Any]:
        said = dialects.message(saying, saying.text or "", saying.reasoning, saying.calls)
        return super().whole(saying) | {"message": said["message"]}

    def events(self, saying: Saying) -> Events:
        said = super().events(saying)
        thoughts = [dialects.message(saying, "", saying.reasoning)] if saying.reasoning else []
        return Events(thoughts, said.text, said.closing)

    def error(self, fault: Fault) -> tuple[int, Any]:
        status, message = _ERRORS[fault]
        return status, {"error": message}

    def refusal(self, problem: ValidationError) -> HttpAnswer:
        return HttpAnswer(
            400, {"error": f"json: cannot use {where(problem)}: {problem.message[:300]}"}
        )


OLLAMA = Ollama()
