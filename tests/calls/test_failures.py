"""What today's servers say of an error, and what it is."""

import json
from typing import Any

import pytest

from runner.calls.failures import failure
from runner.calls.wire import Wire
from runner.errors import CallFailed, ErrorKind


def said(status: int, body: Any, **headers: str) -> CallFailed:
    wire = Wire("openai", [], http_requests=1, status=status, sent=0.0, received=1.0)
    wire.headers = {name.replace("_", "-"): value for name, value in headers.items()}
    wire.reply += body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return failure(ValueError("as litellm calls it"), wire, 60)


def openai(message: str, **more: Any) -> Any:
    return {"error": {"message": message} | more}


RAW = '{"error": {"message": "This model\'s maximum context length is 8192 tokens"}}'
STATED: list[tuple[str, int, Any, ErrorKind]] = [
    (
        "vLLM",
        400,
        openai("The decoder prompt (length 9000) is longer than the maximum model length of 8192."),
        "context_window",
    ),
    (
        "SGLang",
        400,
        openai("The input (9 tokens) is longer than the model's context length (8 tokens)."),
        "context_window",
    ),
    (
        "TGI",
        422,
        {"error": "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000"},
        "context_window",
    ),
    ("TGI, busy", 429, {"error": "Model is overloaded", "error_type": "overloaded"}, "overloaded"),
    (
        "TensorRT-LLM",
        400,
        openai("Prompt length (9000) exceeds maximum input length (8192)."),
        "context_window",
    ),
    (
        "TensorRT-LLM, tokens",
        400,
        openai("The sum of prompt length (9.0), query length (0) should not exceed max_num_tokens"),
        "context_window",
    ),
    (
        "llama.cpp",
        400,
        openai("the request exceeds the available context size", type="exceed_context_size_error"),
        "context_window",
    ),
    (
        "Bedrock, long",
        400,
        {"message": "Input is too long for requested model.", "__type": "ValidationException"},
        "context_window",
    ),
    (
        "Bedrock, limit",
        429,
        {"message": "Too many requests", "__type": "com.amazon.coral#ThrottlingException"},
        "rate_limit",
    ),
    ("Bedrock, key", 403, {"Message": "Authentication failed: bad key"}, "auth"),
    (
        "xAI, key",
        400,
        {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: x"},
        "auth",
    ),
    (
        "xAI, long",
        400,
        {"code": "invalid", "error": "This model's maximum prompt length is 131072 but it has 2"},
        "context_window",
    ),
    (
        "Groq, more than a minute holds",
        413,
        openai(
            "Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 9",
            type="tokens",
            code="rate_limit_exceeded",
        ),
        "context_window",
    ),
    (
        "OpenRouter, of its provider",
        400,
        openai("Provider returned error", code=400, metadata={"raw": RAW, "provider_name": "x"}),
        "context_window",
    ),
    (
        "OpenRouter, free",
        429,
        openai("Rate limit exceeded: free-models-per-day. Add credits", code=429),
        "insufficient_quota",
    ),
    (
        "Azure, filter",
        400,
        openai(
            "The response was filtered",
            code="content_filter",
            innererror={"code": "ResponsibleAIPolicyViolation"},
        ),
        "content_policy",
    ),
    ("Azure, name", 404, openai("No such thing", code="DeploymentNotFound"), "not_found"),
    (
        "Cohere",
        400,
        {"message": "too many tokens: size limit exceeded by 9 tokens"},
        "context_window",
    ),
    ("DeepSeek", 402, openai("Insufficient Balance"), "insufficient_quota"),
    ("a gateway", 524, "<html><title>524: A timeout occurred</title></html>", "timeout"),
    ("nginx", 499, "", "timeout"),
]


@pytest.mark.parametrize(("status", "body", "kind"), [row[1:] for row in STATED], ids=lambda _: "")
def test_kinds(status: int, body: Any, kind: ErrorKind) -> None:
    """Each server's own words are one of our kinds, and stand in the message."""
    failed = said(status, body)
    assert failed.kind == kind
    assert failed.status == status


@pytest.mark.parametrize(("status", "billed"), [(408, 1), (499, 1), (504, 1), (524, 1), (502, 0)])
def test_who_gave_up_may_have_been_billed(status: int, billed: int) -> None:
    """A gateway that stopped waiting says nothing of what the model went on to do."""
    assert said(status, openai("gave up")).unbilled is not bool(billed)


def test_page() -> None:
    """A web page in place of a reply is named by its title and its words."""
    page = "<html><head><title>Sign in</title><style>a {}</style></head><body>Use SSO</body></html>"
    wire = Wire("openai", [], http_requests=1, status=200, sent=0.0, received=1.0)
    wire.headers = {"content-type": "text/html; charset=utf-8"}
    wire.reply += page.encode()
    failed = failure(ValueError(), wire, 60)
    assert failed.kind == "invalid_reply"
    assert failed.message == "a web page (text/html) in place of a reply: Sign in: Use SSO"


@pytest.mark.parametrize(("says", "transient"), [("true", True), ("false", False), ("", True)])
def test_should_retry(says: str, transient: bool) -> None:
    """A provider that knows whether to ask again is believed."""
    assert said(503, openai("busy"), x_should_retry=says).transient is transient


def test_waits() -> None:
    """The longest of what is said counts: header, or words."""
    message = "Please try again in 20s."
    assert said(429, openai(message), retry_after="2").retry_after == 20
    assert said(429, openai(message), retry_after_ms="30000").retry_after == 30
