"""What litellm's proxy loads from us, named in the config that `config.py` makes."""

import hmac
from collections.abc import Mapping
from typing import Any

from litellm.exceptions import GuardrailRaisedException
from litellm.integrations.custom_logger import CustomLogger

from runner.calls.failures import failure
from runner.calls.wire import Wire
from runner.errors import ErrorKind

_NOTE = "runner_failure"  # where the kind of an attempt's error stands in the request's metadata
# What litellm knows by a code of OpenAI's error that its exception does not carry on.
_BY_CLASS: dict[str, ErrorKind] = {
    "ContextWindowExceededError": "context_window",
    "ContentPolicyViolationError": "content_policy",
}


class FallbackGuard(CustomLogger):  # type: ignore[misc]  # litellm is untyped here
    """Lets a fallback be reached after the errors that its `reached_after` names, and no other.

    The proxy on its own falls back on everything: another vendor would answer, and bill, for a
    wrong key.
    """

    async def async_post_call_failure_deployment_hook(
        self,
        request_data: Mapping[str, Any],
        exception: Exception,
        call_type: Any,
        fallback_depth: int | None = None,
    ) -> None:
        """Note of an attempt what the proxy forgets: its own record has no status."""
        _metadata(request_data)[_NOTE] = type(exception).__name__, kind(exception)

    async def async_filter_deployments(
        self,
        model: str,
        healthy_deployments: list[Any],
        messages: Any,
        request_kwargs: Mapping[str, Any] | None = None,
        parent_otel_span: Any = None,
    ) -> list[Any]:
        """Raises what the proxy neither retries nor falls back on: it reports the first error."""
        before = failed_before(request_kwargs or {})
        for deployment in healthy_deployments:
            allowed = deployment["model_info"].get("reached_after")
            if before and allowed is not None and before not in allowed:
                raise GuardrailRaisedException("runner", f"{model} is no fallback for: {before}")
        return healthy_deployments


def kind(error: Exception) -> ErrorKind:
    """Of an error of litellm's, by the provider's status: its class is a guess from the wording."""
    if known := _BY_CLASS.get(type(error).__name__):
        return known
    wire = Wire("openai", [], http_requests=1)
    if headers := getattr(error, "litellm_response_headers", None):  # a provider has answered
        wire.status = getattr(error, "status_code", None)
        wire.headers = {str(name).lower(): str(value) for name, value in headers.items()}
        wire.reply += str(error).partition("Exception - ")[2].encode()
    return failure(error, wire, timeout=0).kind


def failed_before(request: Mapping[str, Any]) -> str | None:
    """The kind of the error that a request now falls back from; litellm's class where it has none.

    None: it is no fallback's first attempt.
    """
    metadata = _metadata(request)
    if not metadata.get("attempted_fallbacks") or metadata.get("attempted_retries"):
        return None
    name = str(metadata["previous_models"][-1]["exception_type"])
    noted, found = metadata.get(_NOTE, ("", ""))
    if noted == name:
        return str(found)
    # The proxy failed before it sent a request: at a limit such as rpm, or at nothing we know.
    return "rate_limit" if name == "RateLimitError" else name


def _metadata(request: Mapping[str, Any]) -> dict[str, Any]:
    """Where the proxy itself keeps what all attempts of a request are to know."""
    name = "litellm_metadata" if "litellm_metadata" in request else "metadata"
    return request.get(name) or {}


async def authenticate(request: Any, api_key: str | None) -> Any:
    """Let in who has the one key there is; litellm's own check of a wrong key asks a database.

    Raises ProxyException, a 401.
    """
    from litellm.proxy import proxy_server
    from litellm.proxy._types import ProxyException, UserAPIKeyAuth

    expected = str(proxy_server.master_key or "")
    given = (api_key or "").removeprefix("Bearer ")
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise ProxyException("the gateway's key is missing or wrong", "auth_error", None, 401)
    return UserAPIKeyAuth()


guard = FallbackGuard()
