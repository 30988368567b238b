"""How those who speak OpenAI's format state errors: each in a body and words of its own."""

from typing import Any, NamedTuple

from jsonschema import ValidationError

from runner.drill.loopback.exchange import HttpAnswer
from tests.loopback.strict import Fault


class Stated(NamedTuple):
    status: int
    message: str
    type: str | None
    code: str | int | None = None


_NO_DEPLOYMENT = "DeploymentNotFound"
_BAD = "invalid_request_error"
_COMMON: dict[Fault, Stated] = {
    400: Stated(400, "Invalid value for 'messages'.", _BAD),
    401: Stated(401, "Incorrect API key provided.", _BAD, "invalid_api_key"),
    403: Stated(403, "This project may not use that model.", _BAD, "model_access_denied"),
    404: Stated(404, "The model does not exist.", _BAD, "model_not_found"),
    408: Stated(408, "Request timed out.", "timeout"),
    413: Stated(413, "Request too large.", _BAD, "request_too_large"),
    422: Stated(422, "Unprocessable entity.", _BAD),
    429: Stated(429, "Rate limit reached: Limit 3, Used 3.", "requests", "rate_limit_exceeded"),
    500: Stated(500, "The server had an error.", "server_error"),
    503: Stated(503, "The engine is overloaded.", "service_unavailable_error"),
    "context_window": Stated(
        400, "This model's maximum context length is 8192 tokens.", _BAD, "context_length_exceeded"
    ),
    "content_policy": Stated(
        400, "Rejected by our safety system.", _BAD, "content_policy_violation"
    ),
    "no_quota": Stated(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
}
_OWN: dict[str, dict[Fault, Stated]] = {
    "openai": {},
    "azure": {
        401: Stated(401, "Access denied due to invalid subscription key.", None, "401"),
        404: Stated(404, "The deployment for this resource does not exist.", None, _NO_DEPLOYMENT),
        429: Stated(429, "Requests have exceeded the token rate limit.", None, "429"),
        "content_policy": Stated(
            400, "The response was filtered due to the prompt.", None, "content_filter"
        ),
    },
    "mistral": {
        400: Stated(400, "Invalid model: m", "invalid_model", "1500"),
        422: Stated(422, "Unprocessable", _BAD),
        429: Stated(429, "Rate limit exceeded", "rate_limited", "1300"),
        500: Stated(500, "Internal Server Error", "internal_server_error", "1000"),
        503: Stated(503, "Service unavailable.", "unreachable_backend", "1100"),
        "context_window": Stated(
            400,
            "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
            "invalid_request_prompt",
            "3051",
        ),
        "no_quota": Stated(402, "Your account has no credit left", "payment_required"),
    },
    "together": {
        429: Stated(429, "You have reached this model's rate limit.", "model_rate_limit"),
        404: Stated(404, "Unable to access model m.", _BAD, "model_not_available"),
        503: Stated(503, "The server is overloaded or not ready yet.", "server_error"),
        "context_window": Stated(
            422,
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193.",
            _BAD,
        ),
        "no_quota": Stated(402, "Credit limit exceeded.", "credit_limit"),
    },
    "fireworks": {
        404: Stated(404, "Model not found, inaccessible, and/or not deployed", _BAD, "NOT_FOUND"),
        "context_window": Stated(
            400, "The prompt is too long: 40000, model maximum context length: 8191", _BAD
        ),
        "no_quota": Stated(
            412,
            "Account a is suspended, possibly due to reaching the monthly spending limit",
            "error",
            "PRECONDITION_FAILED",
        ),
    },
    "groq": {
        401: Stated(401, "Invalid API Key", _BAD, "invalid_api_key"),
        413: Stated(
            413,
            "Request too large for model on tokens per minute (TPM): Limit 6000, Requested 8000",
            "tokens",
            "rate_limit_exceeded",
        ),
        498: Stated(498, "Flex tier capacity exceeded", "capacity", "capacity_exceeded"),
        "context_window": Stated(
            400, "Please reduce the length of the messages.", _BAD, "context_length_exceeded"
        ),
    },
    "openrouter": {
        401: Stated(401, "No auth credentials found", None, 401),
        403: Stated(403, "Your key may not use this model.", None, 403),
        404: Stated(404, "No endpoints found for m.", None, 404),
        408: Stated(408, "Request timed out", None, 408),
        429: Stated(429, "Provider returned error", None, 429),
        503: Stated(503, "No instances available", None, 503),
        "context_window": Stated(
            400,
            "This endpoint's maximum context length is 8192 tokens. However, you requested about "
            "9000 tokens.",
            None,
            400,
        ),
        "no_quota": Stated(402, "Insufficient credits. Add more.", None, 402),
    },
    "vllm": {
        400: Stated(400, "1 validation error", "BadRequestError", 400),
        404: Stated(404, "The model `m` does not exist.", "NotFoundError", 404),
        500: Stated(500, "EngineCore encountered an issue.", "InternalServerError", 500),
        "context_window": Stated(
            400,
            "This model's maximum context length is 8192 tokens. However, you requested 9000.",
            "BadRequestError",
            400,
        ),
    },
    "local": {
        400: Stated(400, "Expected 'messages' to be an array", _BAD, 400),
        401: Stated(401, "Invalid API Key", "authentication_error", 401),
        404: Stated(404, "File Not Found", "not_found_error", 404),
        500: Stated(500, "Context is broken", "server_error", 500),
        503: Stated(503, "Loading model", "unavailable_error", 503),
        "context_window": Stated(
            400,
            "request (9000 tokens) exceeds the available context size (8192 tokens)",
            "exceed_context_size_error",
            400,
        ),
    },
}
_GATEWAY = {502: "Bad Gateway", 504: "Gateway Time-out", 529: "Site is overloaded"}


def error(name: str, fault: Fault) -> tuple[int, Any]:
    if isinstance(fault, int) and fault in _GATEWAY:  # what stands before the servers says it
        page = f"<html><head><title>{fault} {_GATEWAY[fault]}</title></head></html>"
        return fault, page.encode()
    if name == "mistral" and fault == 401:  # its gateway says it
        return 401, {"message": "Unauthorized", "request_id": "loopback"}
    if name == "mistral" and fault == 404:
        return 404, {"detail": "Not Found"}
    if name == "vllm" and fault == 401:
        return 401, {"error": "Unauthorized"}
    stated = _OWN.get(name, {}).get(fault) or _COMMON[fault]
    return stated.status, _body(name, stated)


def _body(name: str, stated: Stated, param: str | None = None) -> dict[str, Any]:
    plain = {"message": stated.message, "type": stated.type, "param": param, "code": stated.code}
    match name:
        case "mistral":
            return {"object": "error"} | plain
        case "together":
            return {"id": "loopback", "error": plain}
        case "fireworks":
            return {"error": plain, "request_id": "loopback"}
        case "groq":
            return {"error": {key: value for key, value in plain.items() if value is not None}}
        case "openrouter":
            return {"error": {"code": stated.code or stated.status, "message": stated.message}}
        case "local":
            return {"error": {key: plain[key] for key in ("code", "message", "type")}}
    return {"error": plain}


def refusal(name: str, unknown: list[str], where: str, problem: ValidationError) -> HttpAnswer:
    """To a body with keys that are unknown, or of the wrong type."""
    key = unknown[0] if unknown else where
    if name == "mistral":
        detail = {
            "type": "extra_forbidden" if unknown else "value_error",
            "loc": ["body", *key.split(".")],
            "msg": "Extra inputs are not permitted" if unknown else problem.message,
        }
        body = {"object": "error", "message": {"detail": [detail]}, "type": _BAD, "code": None}
        return HttpAnswer(422, body)
    words = {
        "azure": f"Unrecognized request argument supplied: {key}",
        "openai": f"Unknown parameter: '{key}'.",
        "fireworks": f"Extra inputs are not permitted, field: '{key}'",
        "groq": f"property '{key}' is unsupported",
    }
    message = words.get(name, problem.message) if unknown else f"'{key}': {problem.message}"
    code = "unknown_parameter" if unknown and name == "openai" else None
    return HttpAnswer(400, _body(name, Stated(400, message[:300], _BAD, code), key))
