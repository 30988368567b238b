"""OpenAI's chat completions, as OpenAI and those who took them over speak them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jsonschema import ValidationError

from runner.drill.loopback import clouds, dialects
from runner.drill.loopback.dialect import Events, Saying
from runner.drill.loopback.exchange import HttpAnswer, HttpRequest
from runner.record.outcomes import Usage
from tests.loopback import openai_errors, tools
from tests.loopback.strict import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    OBJECT,
    STEADY,
    STRING,
    ChatRequest,
    Fault,
    Flow,
    Format,
    object_of,
    sha256_of,
    unknown_keys,
    where,
)

_IMAGE = object_of({"url": STRING, "detail": STRING}, ["url"])
_PARTS = [
    object_of({"type": {"const": "text"}, "text": STRING}, ["type", "text"]),
    object_of({"type": {"const": "image_url"}, "image_url": _IMAGE}, ["type", "image_url"]),
]
_PDF = STRING | {"pattern": "^data:application/pdf;base64,"}
_FILE = object_of({"file_data": _PDF, "filename": STRING}, ["file_data", "filename"])
_FILE_PART = object_of({"type": {"const": "file"}, "file": _FILE}, ["type", "file"])
_OF_THE_SYSTEM = ("system", "developer")
_ROLES = ["system", "developer", "user", "assistant"]


def _message(*parts: Mapping[str, Any]) -> dict[str, Any]:
    list_of_parts = {"type": "array", "items": {"oneOf": parts}, "minItems": 1}
    content = {"oneOf": [STRING, list_of_parts]}
    return object_of({"role": {"enum": _ROLES}, "content": content}, ["role", "content"])


_JSON_SCHEMA = object_of(
    {"name": STRING, "schema": OBJECT, "strict": BOOLEAN, "description": STRING},
    ["name", "schema"],
)
_RESPONSE_FORMAT = {
    "oneOf": [
        object_of({"type": {"enum": ["text", "json_object"]}}, ["type"]),
        object_of(
            {"type": {"const": "json_schema"}, "json_schema": _JSON_SCHEMA},
            ["type", "json_schema"],
        ),
    ]
}
_KEYS: dict[str, Any] = {
    "model": STRING | {"minLength": 1},
    "messages": {"type": "array", "minItems": 1, "items": _message(*_PARTS)},
    "max_tokens": INTEGER | {"minimum": 1},
    "max_completion_tokens": INTEGER | {"minimum": 1},
    "temperature": NUMBER | {"minimum": 0, "maximum": 2},
    "top_p": NUMBER,
    "stop": {"oneOf": [STRING, {"type": "array", "items": STRING, "maxItems": 4}]},
    "seed": INTEGER,
    "stream": BOOLEAN,
    "stream_options": object_of({"include_usage": BOOLEAN}),
    "response_format": _RESPONSE_FORMAT,
    "reasoning_effort": STRING,
    "user": STRING,
} | tools.OPENAI_KEYS
_WORDS = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
}


@dataclass(frozen=True)
class OpenAI(dialects.OpenAI, Format):
    """One of those who speak it; the defaults are OpenAI's own ways."""

    name: str = "openai"
    litellm: str = "openai"
    base_path: str = "/v1"
    key_header: str | None = "authorization"
    more_keys: Mapping[str, Any] = field(default_factory=dict)
    no_keys: frozenset[str] = frozenset()
    lenient: bool = False  # passes over keys that it does not know
    finish_reasons: Mapping[str, str] = field(default_factory=lambda: _WORDS)
    usage_unasked: bool = False  # a stream states it, whatever its stream_options
    reply: Mapping[str, Any] = field(default_factory=dict)  # what its replies have besides
    call_ids: str = "."  # a pattern
    documents: bool = False  # it takes PDF files
    azure: bool = False  # a deployment stands in the path, and a key in a header of its own

    path = "/chat/completions"

    @property
    def schema(self) -> Mapping[str, Any]:  # type: ignore[override]
        keys = {key: kind for key, kind in _KEYS.items() if key not in self.no_keys}
        plain = [_PARTS, [*_PARTS, _FILE_PART]][self.documents]
        items = [_message(*plain), *tools.openai_messages(self.call_ids)]
        keys["messages"] = keys["messages"] | {"items": {"oneOf": items}}
        strict = object_of(keys | dict(self.more_keys), ["model", "messages"])
        return strict | {"additionalProperties": self.lenient}

    def read(self, request: HttpRequest) -> ChatRequest:
        body = request.body
        *_, last = body["messages"]
        form = body.get("response_format") or {}
        stop = body.get("stop") or ()
        # A turn of calls alone has no text.
        said = [(m["role"], _parts(m.get("content") or "")) for m in body["messages"]]
        parts = [part for _, each in said for part in each]
        first = body["messages"][0]
        return ChatRequest(
            model=body["model"],
            text=_text(_parts(last["content"])),
            system=first["content"] if first["role"] in _OF_THE_SYSTEM else None,
            max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
            temperature=body.get("temperature"),
            top_p=body.get("top_p"),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            seed=body.get("random_seed", body.get("seed")),
            json_schema=(form.get("json_schema") or {}).get("schema"),
            stream=bool(body.get("stream")),
            **tools.of_openai(body),
            images=tuple(
                sha256_of(part["image_url"]["url"]) for part in parts if part["type"] == "image_url"
            ),
            files=tuple(
                sha256_of(part["file"]["file_data"]) for part in parts if part["type"] == "file"
            ),
            said=tuple((role, _text(each)) for role, each in said if role not in _OF_THE_SYSTEM),
        )

    def unpaired(self, body: Any) -> str | None:
        return tools.openai_unpaired(body)

    def key_of(self, request: HttpRequest) -> str:
        return request.headers.get("api-key", "") if self.azure else super().key_of(request)

    def takes(self, path: str) -> bool:
        azure = clouds.Azure.target.fullmatch(path)
        return bool(azure) if self.azure else path == self.base_path + self.path

    def whole(self, saying: Saying) -> dict[str, Any]:
        body = super().whole(saying)
        if saying.reasoning:
            body["choices"][0]["message"]["reasoning_content"] = saying.reasoning
        return body | dict(self.reply)

    def events(self, saying: Saying) -> Events:
        said = super().events(saying)
        opening = said.opening[0]
        thoughts = [_thought(opening, saying.reasoning)] if saying.reasoning else []
        return Events([opening, *thoughts], said.text, said.closing)

    def usage(self, usage: Usage) -> dict[str, Any]:
        return super().usage(usage) | {
            "prompt_tokens_details": {
                "cached_tokens": usage.cached_input_tokens,
                "cache_write_tokens": usage.cache_write_tokens,
            },
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        }

    def say(self, request: HttpRequest, saying: Saying, flow: Flow = STEADY) -> HttpAnswer:
        options = request.body.get("stream_options") or {}
        if request.body.get("stream") and not (self.usage_unasked or options.get("include_usage")):
            saying = replace(saying, usage=None)
        return super().say(request, saying, flow)

    def error(self, fault: Fault) -> tuple[int, Any]:
        return openai_errors.error(self.name, fault)

    def refusal(self, problem: ValidationError) -> HttpAnswer:
        return openai_errors.refusal(self.name, unknown_keys(problem), where(problem), problem)


def _parts(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _text(parts: list[dict[str, Any]]) -> str:
    return "".join(part["text"] for part in parts if part["type"] == "text")


def _thought(opening: dict[str, Any], reasoning: str) -> dict[str, Any]:
    delta = {"reasoning_content": reasoning}
    return opening | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


OPENAI = OpenAI(documents=True, more_keys={"store": BOOLEAN, "service_tier": STRING})
AZURE = OpenAI(
    name="azure", litellm="azure", base_path="", azure=True, more_keys={"service_tier": STRING}
)
MISTRAL = OpenAI(
    name="mistral",
    litellm="mistral",
    more_keys={
        "random_seed": INTEGER,
        "safe_prompt": BOOLEAN,
        "tool_choice": tools.ANY_TOO,
    },
    call_ids="^[a-zA-Z0-9]{9}$",
    no_keys=frozenset({"seed", "max_completion_tokens", "stream_options", "user"}),
    finish_reasons={
        "stop": "stop",
        "length": "length",
        "model_length": "length",
        "tool_calls": "tool_calls",
        "error": "error",
    },
    usage_unasked=True,
)
TOGETHER = OpenAI(
    name="together",
    litellm="together_ai",
    more_keys={"top_k": INTEGER, "repetition_penalty": NUMBER},
    lenient=True,
    finish_reasons={"stop": "stop", "eos": "stop", "length": "length", "tool_calls": "tool_calls"},
    usage_unasked=True,
)
FIREWORKS = OpenAI(
    name="fireworks",
    litellm="fireworks_ai",
    base_path="/inference/v1",
    more_keys={"top_k": INTEGER, "tool_choice": tools.ANY_TOO},
    finish_reasons={"stop": "stop", "length": "length", "tool_calls": "tool_calls"},
    usage_unasked=True,
)
GROQ = OpenAI(
    name="groq",
    litellm="groq",
    base_path="/openai/v1",
    more_keys={"service_tier": STRING, "reasoning_format": STRING},
    finish_reasons={"stop": "stop", "length": "length", "tool_calls": "tool_calls"},
    reply={"service_tier": "on_demand", "x_groq": {"id": "req_loopback"}},
)
OPENROUTER = OpenAI(
    name="openrouter",
    litellm="hosted_vllm",
    base_path="/api/v1",
    more_keys={"provider": OBJECT, "top_k": INTEGER},
    lenient=True,
    finish_reasons=_WORDS | {"error": "error"},
    reply={"provider": "Anthropic"},
)
# Those whose own words nobody has recorded yet: they speak OpenAI's.
LIKE_OPENAI = tuple(
    OpenAI(name=name, litellm=prefix, base_path=path, more_keys={"top_k": INTEGER}, lenient=True)
    for name, prefix, path in (
        ("deepseek", "deepseek", "/beta"),
        ("xai", "xai", "/v1"),
        ("cerebras", "hosted_vllm", "/v1"),
        ("zai", "hosted_vllm", "/api/paas/v4"),
        ("moonshot", "hosted_vllm", "/v1"),
        ("dashscope", "hosted_vllm", "/compatible-mode/v1"),
        ("cohere", "hosted_vllm", "/compatibility/v1"),
        ("openai_compatible", "hosted_vllm", "/v1"),
    )
)
VLLM = OpenAI(
    name="vllm",
    litellm="hosted_vllm",
    key_header=None,  # only with --api-key
    more_keys={"top_k": INTEGER},
    lenient=True,
    finish_reasons=_WORDS | {"abort": "error"},
)
LOCAL = OpenAI(
    name="local",
    litellm="hosted_vllm",
    key_header=None,
    more_keys={"cache_prompt": BOOLEAN},
    lenient=True,
    finish_reasons={"stop": "stop", "length": "length", "tool_calls": "tool_calls"},
)
