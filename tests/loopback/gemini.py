"""Google's Gemini API. Like the original it takes keys in camelCase and in snake_case alike."""

import re
from typing import Any

from jsonschema import ValidationError

from runner.drill.loopback import clouds, dialects
from runner.drill.loopback.dialect import Events, Saying
from runner.drill.loopback.dialects import google_error
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


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)


def _either(properties: dict[str, Any]) -> dict[str, Any]:
    return object_of(properties | {_snake(name): kind for name, kind in properties.items()})


_MIME = STRING | {"pattern": r"^(image/\w+|application/pdf)$"}
_BLOB = _either({"mimeType": _MIME, "data": STRING})
_PART = _either(
    {
        "text": STRING,
        "inlineData": _BLOB,
        "mediaResolution": OBJECT,
        "functionCall": tools.GEMINI_CALL,
        "functionResponse": tools.GEMINI_RESPONSE,
        "thoughtSignature": STRING,
    }
)
_CALLING = _either({"mode": tools.GEMINI_MODE, "allowedFunctionNames": STRINGS})
_CONTENT = _either(
    {"role": {"enum": ["user", "model"]}, "parts": {"type": "array", "items": _PART, "minItems": 1}}
)
_GENERATION = _either(
    {
        "maxOutputTokens": INTEGER | {"minimum": 1},
        "temperature": NUMBER | {"minimum": 0, "maximum": 2},
        "topP": NUMBER,
        "topK": INTEGER,
        "seed": INTEGER,
        "stopSequences": STRINGS,
        "responseMimeType": STRING,
        "responseJsonSchema": OBJECT,
        "responseSchema": OBJECT,
        "thinkingConfig": OBJECT,
    }
)
_WORDING = {
    400: "HttpRequest contains an invalid argument.",
    401: "HttpRequest had invalid authentication credentials.",
    403: "Your project has been denied access.",
    404: "models/m is not found for API version v1beta.",
    408: "The request timed out.",
    413: "Request payload size exceeds the limit: 20971520 bytes.",
    422: "Unprocessable.",
    429: "You exceeded your current quota, please check your plan.",
    500: "An internal error has occurred.",
    502: "Bad gateway.",
    503: "The model is overloaded. Please try again later.",
    504: "Deadline expired before operation could complete.",
    529: "The service is overloaded.",
}
_AS_IT_IS = ("_schema", "parameters", "args", "response")
_RPC = "type.googleapis.com/google.rpc."


_WORDS = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "OTHER": "error",
    "MALFORMED_FUNCTION_CALL": "error",
}
_SCHEMA = _either(
    {
        "contents": {"type": "array", "items": _CONTENT, "minItems": 1},
        "systemInstruction": _CONTENT,
        "generationConfig": _GENERATION,
        "safetySettings": {"type": "array", "items": OBJECT},
        "cachedContent": STRING,
        "tools": {
            "type": "array",
            "items": _either(
                {"functionDeclarations": {"type": "array", "items": tools.GEMINI_DECLARED}}
            ),
        },
        "toolConfig": _either({"functionCallingConfig": _CALLING}),
    }
) | {"required": ["contents"]}


class Gemini(dialects.Gemini, Format):
    name = "google"
    litellm = "gemini"
    path = "/models/"
    key_header = "x-goog-api-key"
    finish_reasons = _WORDS
    schema = _SCHEMA

    def takes(self, path: str) -> bool:
        return bool(self.target.fullmatch(path))

    def read(self, request: HttpRequest) -> ChatRequest:
        target = self.target.fullmatch(request.path)
        assert target
        body = _plain(request.body)
        config = body.get("generation_config") or {}
        parts = body["contents"][-1]["parts"]
        said = [
            ("assistant" if c["role"] == "model" else "user", c["parts"]) for c in body["contents"]
        ]
        system = body.get("system_instruction") or {}
        return ChatRequest(
            model=target["model"],
            text=_text(parts),
            system=_text(system["parts"]) if system else None,
            max_tokens=config.get("max_output_tokens"),
            temperature=config.get("temperature"),
            top_p=config.get("top_p"),
            stop=tuple(config.get("stop_sequences") or ()),
            seed=config.get("seed"),
            json_schema=config.get("response_json_schema") or config.get("response_schema"),
            stream=bool(target["stream"]),
            **tools.of_gemini(body),
            images=_hashes(said, "image/"),
            files=_hashes(said, "application/pdf"),
            said=tuple((role, _text(each)) for role, each in said),
        )

    def whole(self, saying: Saying) -> dict[str, Any]:
        body = super().whole(saying)
        if saying.reasoning:
            body["candidates"][0]["content"]["parts"].insert(0, _thought(saying))
        return body

    def events(self, saying: Saying) -> Events:
        said = super().events(saying)
        thoughts = [self.event(saying, [_thought(saying)])] if saying.reasoning else []
        return Events(thoughts, said.text, said.closing)

    def usage(self, usage: Usage) -> dict[str, Any]:
        """The reasoning is counted beside the output."""
        return super().usage(usage) | {
            "candidatesTokenCount": usage.output_tokens - usage.reasoning_tokens,
            "cachedContentTokenCount": usage.cached_input_tokens,
            "thoughtsTokenCount": usage.reasoning_tokens,
        }

    def blocked(self) -> HttpAnswer:
        """A prompt that its filter turned away: a success without candidates."""
        usage = {"promptTokenCount": 10, "totalTokenCount": 10}
        return HttpAnswer(
            body={"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": usage}
        )

    def error(self, fault: Fault) -> tuple[int, Any]:
        match fault:
            case 401:  # a key that is none: not the 401 that one would expect
                reason = {"@type": f"{_RPC}ErrorInfo", "reason": "API_KEY_INVALID"}
                return google_error(400, "API key not valid. Please pass a valid API key.", reason)
            case 429:
                reset = {"@type": f"{_RPC}RetryInfo", "retryDelay": "32.5s"}
                quota = {"@type": f"{_RPC}QuotaFailure", "violations": [{"quotaValue": "10"}]}
                return google_error(429, f"{_WORDING[429]} Please retry in 32.5s.", quota, reset)
            case "no_quota":
                return google_error(429, _WORDING[429])
            case "context_window":
                return google_error(
                    400,
                    "The input token count (1200000) exceeds the maximum number of tokens allowed "
                    "(1048576).",
                )
            case "content_policy":  # has no error of its own: see blocked()
                return 200, self.blocked().body
        assert isinstance(fault, int)
        return google_error(fault, _WORDING[fault])

    def refusal(self, problem: ValidationError) -> HttpAnswer:
        if unknown := unknown_keys(problem):
            at = f" at '{where(problem)}'" if where(problem) else ""
            message = (
                f'Invalid JSON payload received. Unknown name "{unknown[0]}"{at}: '
                "Cannot find field."
            )
        else:
            message = f"Invalid value at '{where(problem)}': {problem.message[:300]}"
        return HttpAnswer(*google_error(400, message))


def _thought(saying: Saying) -> dict[str, Any]:
    return {"text": saying.reasoning, "thought": True}


def _plain(value: Any) -> Any:
    """With all keys in snake_case; what a JSON schema says, or a call, stays as it is."""
    if isinstance(value, dict):
        return {
            _snake(key): inner if _snake(key).endswith(_AS_IT_IS) else _plain(inner)
            for key, inner in value.items()
        }
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _hashes(said: list[tuple[str, list[dict[str, Any]]]], kind: str) -> tuple[str, ...]:
    blobs = [part["inline_data"] for _, each in said for part in each if "inline_data" in part]
    return tuple(sha256_of(blob["data"]) for blob in blobs if blob["mime_type"].startswith(kind))


def _text(parts: list[dict[str, Any]]) -> str:
    return "".join(part.get("text", "") for part in parts)


class Vertex(clouds.Vertex, Gemini):
    """The same of Google Cloud: another path, and a token in place of a key."""

    name = "vertex"
    litellm = "vertex_ai"
    path = "/v1/projects/"
    key_header = "authorization"

    def error(self, fault: Fault) -> tuple[int, Any]:
        if fault == 401:
            return google_error(401, _WORDING[401])
        return super().error(fault)


GEMINI = Gemini()
VERTEX = Vertex()
