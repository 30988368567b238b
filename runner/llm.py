"""One request to one model: the only home of litellm.

`complete` sends exactly one HTTP request and either returns a Reply or raises CallFailed. What went
over the wire is observed at the socket (aiohttp's tracing), not taken from litellm's account of it:
the request body, the number of requests, the status, Retry-After and the time from the first byte
sent to the last byte received.
"""

import asyncio
import gc
import os
import ssl
from functools import cache
from types import TracebackType
from typing import Any, Self

import aiohttp
import certifi

from runner import wire as on_the_wire
from runner.errors import CallFailed, ConfigError, ErrorKind
from runner.failure import failure, first_line
from runner.records import Message, Reply, Usage
from runner.redact import api_key
from runner.schema import Model
from runner.wire import Wire

# How litellm must be told, before it is imported, to fetch nothing and to read no .env file.
_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
}


class Client:
    """The connection to all providers, one for a process: `async with Client() as client`."""

    async def __aenter__(self) -> Self:
        self._litellm = _import_litellm()
        _spare_loopback_the_proxy()
        # litellm sets its own time-outs on each request; aiohttp's default of 5 minutes in all and
        # of 100 connections would come on top of them.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=_certificates()),
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[on_the_wire.tracing()],
            trust_env=True,
        )
        # Most of litellm's providers take the session; these only its own client around one, which
        # costs half a millisecond more a call.
        from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

        self._handler = AsyncHTTPHandler(shared_session=self._session)
        return self

    def _transport(self, model: Model) -> dict[str, Any]:
        if model.provider.litellm in ("anthropic", "gemini"):
            return {"client": self._handler}
        return {"shared_session": self._session}

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def complete(
        self, model: Model, messages: list[Message], params: dict[str, Any]
    ) -> Reply:
        """Send one HTTP request. Raises CallFailed."""
        wire = Wire()
        on_the_wire.current.set(wire)
        timeout = model.provider.timeout
        try:
            async with asyncio.timeout(timeout):
                response = await self._litellm.acompletion(
                    model=model.litellm_id,
                    messages=messages,
                    api_base=model.provider.api_base,
                    # Never None: litellm would look for a key in the environment by itself.
                    api_key=api_key(model) or "none",
                    timeout=timeout,
                    num_retries=0,
                    max_retries=0,
                    drop_params=False,
                    **self._transport(model),
                    **({"extra_body": model.extra_body} if model.extra_body else {}),
                    **params,
                )
            return _reply(response, wire, messages, model)
        except CallFailed:
            raise
        except Exception as error:
            raise failure(error, wire, messages, timeout) from None


def check_parameters(model: Model, params: dict[str, Any]) -> None:
    """Raise ConfigError when litellm knows that a model does not take a parameter."""
    litellm = _import_litellm()
    try:
        litellm.get_optional_params(
            model=model.id, custom_llm_provider=model.provider.litellm, **params
        )
    except litellm.UnsupportedParamsError as error:
        reason = first_line(error).partition(". ")[0]
        raise ConfigError(
            f"{model.name}: {reason}; name what it does not take in the drop_params of its "
            "conf/model/ file"
        ) from None


def _certificates() -> ssl.SSLContext:
    file = os.environ.get("SSL_CERT_FILE") or certifi.where()
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as error:
        raise ConfigError(f"SSL_CERT_FILE: {file}: {error.strerror}") from None


def _spare_loopback_the_proxy() -> None:
    """A model on this machine is not to be reached by way of HTTP_PROXY."""
    for name in ("no_proxy", "NO_PROXY"):
        given = os.environ.get(name)
        os.environ[name] = ",".join(filter(None, [given, "127.0.0.1", "localhost", "::1"]))


@cache
def _import_litellm() -> Any:
    os.environ.update(_ENVIRONMENT)
    # Importing builds two million objects that live for ever: collecting among them is waste.
    gc.disable()
    import litellm

    litellm.suppress_debug_info = True
    litellm.disable_hf_tokenizer_download = True
    litellm.redact_messages_in_exceptions = True
    litellm.drop_params = False
    litellm.callbacks = []
    litellm.cache = None
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # a call makes thousands of objects that die young
    return litellm


def _reply(response: Any, wire: Wire, messages: list[Message], model: Model) -> Reply:
    """Check that a success is one: litellm passes empty and filtered answers on as they are."""
    request = wire.request(messages)

    def unusable(kind: ErrorKind, message: str) -> CallFailed:
        return CallFailed(
            kind,
            message,
            wire.status,
            seconds=wire.seconds,
            http_requests=wire.http_requests,
            request=request,
            usage=_usage(getattr(response, "usage", None)),
        )

    if not response.choices:
        raise unusable("invalid_reply", "the reply has no choices")
    choice = response.choices[0]
    text, reason = choice.message.content, choice.finish_reason
    if not text and reason == "content_filter":
        raise unusable("content_policy", "the provider's content filter held the answer back")
    return Reply(
        text=text or "",
        finish_reason=reason or "unknown",
        usage=_usage(getattr(response, "usage", None)),
        seconds=wire.seconds,
        model_served=(response.model or "").removeprefix(f"{model.provider.litellm}/") or None,
        request=request,
        http_requests=wire.http_requests,
    )


def _usage(usage: Any) -> Usage | None:
    """None when the provider did not say: litellm makes that zeros, but no prompt is empty."""
    if usage is None or not usage.prompt_tokens:
        return None
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens or 0,
        cached_input_tokens=getattr(prompt, "cached_tokens", None) or 0,
        reasoning_tokens=getattr(completion, "reasoning_tokens", None) or 0,
    )
