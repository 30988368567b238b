"""Amazon Bedrock's Converse, with an API key or with signatures."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import quote

from jsonschema import ValidationError

from runner.drill.loopback import clouds
from runner.drill.loopback.dialect import Events, Saying
from runner.drill.loopback.exchange import HttpAnswer, HttpRequest
from runner.record.outcomes import Usage
from tests.loopback import tools
from tests.loopback.strict import (
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

_TEXT = object_of({"text": STRING | {"minLength": 1}}, ["text"])
_SOURCE = object_of({"bytes": STRING}, ["bytes"])
_IMAGE = object_of(
    {"image": object_of({"format": {"enum": ["png", "jpeg", "gif", "webp"]}, "source": _SOURCE})},
    ["image"],
)
_DOCUMENT = object_of(
    {
        "document": object_of(
            {"format": {"const": "pdf"}, "name": STRING | {"maxLength": 200}, "source": _SOURCE},
            ["format", "name", "source"],
        )
    },
    ["document"],
)
_PARTS = [_TEXT, _IMAGE, _DOCUMENT, *tools.BEDROCK_PARTS]
_MESSAGE = object_of(
    {
        "role": {"enum": ["user", "assistant"]},
        "content": {"type": "array", "minItems": 1, "items": {"oneOf": _PARTS}},
    },
    ["role", "content"],
)
_INFERENCE = object_of(
    {
        "maxTokens": INTEGER | {"minimum": 1},
        "temperature": NUMBER | {"minimum": 0, "maximum": 1},
        "topP": NUMBER,
        "stopSequences": STRINGS,
    }
)
_SCHEMA = object_of(
    {
        "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
        "system": {"type": "array", "items": _TEXT},
        "inferenceConfig": _INFERENCE,
        "toolConfig": tools.BEDROCK_CONFIG,
        "outputConfig": OBJECT,
        "performanceConfig": OBJECT,
        "additionalModelRequestFields": object_of({"inferenceConfig": OBJECT}),
        "additionalModelResponseFieldPaths": STRINGS,
    },
    ["messages"],
)
_ERRORS: dict[Fault, tuple[int, str, str]] = {
    400: (400, "ValidationException", "The provided model identifier is invalid."),
    401: (401, "UnrecognizedClientException", "The security token is invalid."),
    403: (403, "AccessDeniedException", "You don't have access to the model."),
    404: (404, "ResourceNotFoundException", "This model version has reached the end of its life."),
    408: (408, "ModelTimeoutException", "Model has timed out in processing the request."),
    413: (413, "ValidationException", "HttpRequest body is too large."),
    422: (422, "ValidationException", "Unprocessable."),
    429: (429, "ThrottlingException", "Too many tokens, please wait before trying again."),
    500: (500, "InternalServerException", "The system encountered an unexpected error."),
    502: (502, "InternalServerException", "Bad gateway."),
    503: (503, "ServiceUnavailableException", "Bedrock is unable to process your request."),
    504: (504, "ModelTimeoutException", "Gateway timeout."),
    529: (529, "ServiceUnavailableException", "Overloaded."),
    "context_window": (
        400,
        "ValidationException",
        "The model returned the following errors: prompt is too long: 208310 tokens",
    ),
}


_WORDS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


class Bedrock(clouds.Bedrock, Format):
    name = "bedrock"
    litellm = "bedrock"
    path = "/model/"
    schema = _SCHEMA
    finish_reasons = _WORDS

    def takes(self, path: str) -> bool:
        return bool(self.target.fullmatch(path))

    def read(self, request: HttpRequest) -> ChatRequest:
        body = request.body
        config = body.get("inferenceConfig") or {}
        said = [(m["role"], m["content"]) for m in body["messages"]]
        model, streamed = self.asked(request)
        system = body.get("system") or []
        return ChatRequest(
            model=model,
            text=_text(said[-1][1]),
            system="".join(part["text"] for part in system) if system else None,
            max_tokens=config.get("maxTokens"),
            temperature=config.get("temperature"),
            top_p=config.get("topP"),
            stop=tuple(config.get("stopSequences") or ()),
            stream=streamed,
            **tools.of_bedrock(body),
            images=_hashes(said, "image"),
            files=_hashes(said, "document"),
            said=tuple((role, _text(each)) for role, each in said),
        )

    def whole(self, saying: Saying) -> dict[str, Any]:
        body = super().whole(saying)
        if saying.reasoning:
            text = {"text": saying.reasoning, "signature": "loopback"}
            content = body["output"]["message"]["content"]
            content.insert(0, {"reasoningContent": {"reasoningText": text}})
        return body

    def events(self, saying: Saying) -> Events:
        said = super().events(saying)
        thought = clouds.delta(0, {"reasoningContent": {"text": saying.reasoning}})
        return Events(
            [*said.opening, *([thought] if saying.reasoning else [])], said.text, said.closing
        )

    def usage(self, usage: Usage) -> dict[str, Any]:
        """What came from and went to the cache is counted beside the other input."""
        cached, written = usage.cached_input_tokens, usage.cache_write_tokens
        return super().usage(usage) | {
            "inputTokens": usage.input_tokens - cached - written,
            "cacheReadInputTokens": cached,
            "cacheWriteInputTokens": written,
        }

    def error(self, fault: Fault) -> tuple[int, Any]:
        status, _, message = _ERRORS[fault]
        return status, {"message": message}

    def error_event(self, fault: Fault) -> Any:
        _, name, message = _ERRORS[fault]
        return {name[0].lower() + name[1:]: {"message": message}}

    def refusal(self, problem: ValidationError) -> HttpAnswer:
        message = f"{where(problem) or 'body'}: {problem.message[:300]}"
        if unknown := unknown_keys(problem):
            message = f"Malformed input request: #: extraneous key [{unknown[0]}] is not permitted"
        return HttpAnswer(400, {"message": message})


@dataclass(frozen=True)
class SignedBedrock(Bedrock):
    """It takes only what is signed, in whole, with this key of AWS.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
    """

    access_key: str
    secret_key: str
    token: str | None = None

    def key_of(self, request: HttpRequest) -> str:
        """The access key, where the signature is right."""
        given = request.headers.get("authorization", "")
        algorithm, _, rest = given.partition(" ")
        stated = dict(part.split("=", 1) for part in rest.split(", ")) if "=" in rest else {}
        access_key, _, scope = stated.get("Credential", "").partition("/")
        right = (
            algorithm == "AWS4-HMAC-SHA256"
            and access_key == self.access_key
            and request.headers.get("x-amz-security-token") == self.token
            and stated["Signature"] == self._signature(request, stated["SignedHeaders"], scope)
        )
        return access_key if right else ""

    def _signature(self, request: HttpRequest, signed: str, scope: str) -> str:
        headers = "".join(f"{name}:{request.headers[name]}\n" for name in signed.split(";"))
        body = json.dumps(request.body).encode()  # as it was sent
        lines = (request.method, quote(request.path), "", headers, signed, _sha256(body))
        to_sign = ("AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope)
        text = "\n".join([*to_sign, _sha256("\n".join(lines).encode())])
        key = reduce(_hmac, scope.split("/"), f"AWS4{self.secret_key}".encode())
        return _hmac(key, text).hex()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _hashes(said: list[tuple[str, list[dict[str, Any]]]], kind: str) -> tuple[str, ...]:
    parts = [part[kind] for _, each in said for part in each if kind in part]
    return tuple(sha256_of(part["source"]["bytes"]) for part in parts)


def _text(parts: list[dict[str, Any]]) -> str:
    return "".join(part.get("text", "") for part in parts)


BEDROCK = Bedrock()
