"""One request to one model: the only home of litellm.

`complete` sends exactly one HTTP request and either returns a Reply or raises CallFailed. What went
over the wire is observed at the socket (wire.py), not taken from litellm's account of it: the
request body, the number of requests, the status and Retry-After, the times, and what the reply says
of itself. Of litellm's own account only the text of the answer is used.
"""

import asyncio
import gc
import os
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import cache
from math import inf
from types import TracebackType
from typing import Any, Self

from runner.calls import callbacks, clouds
from runner.calls import wire as on_the_wire
from runner.calls.dialects import characters
from runner.calls.ending import failure, first_line, success
from runner.calls.wire import Clock, Wire
from runner.cases import images, reading
from runner.config.schema import Single
from runner.errors import ConfigError
from runner.record.outcomes import Message, Reply

# How litellm must be told, before it is imported, to fetch nothing and to read no .env file.
_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
}


_TOLD = (
    "input_callback",
    "success_callback",
    "failure_callback",
    "_async_input_callback",
    "_async_success_callback",
    "_async_failure_callback",
    "callbacks",
)


class Client:
    """The connection to all providers, one for a process: `async with Client() as client`.

    `callbacks` are those of litellm's integrations that are told of every call. A drill has a
    `clock` (in seconds) of its own, and all its providers behind one `unix_socket`.
    """

    def __init__(
        self,
        callbacks: Sequence[str] = (),
        *,
        unix_socket: str | None = None,
        clock: Clock = time.perf_counter,
    ) -> None:
        self._callbacks, self._unix_socket, self._clock = callbacks, unix_socket, clock

    async def __aenter__(self) -> Self:
        self._litellm = _import_litellm()
        self._session = on_the_wire.session(self._unix_socket)
        # Most of litellm's providers take the session; these only its own client around one, which
        # costs half a millisecond more a call.
        from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

        self._handler = AsyncHTTPHandler(shared_session=self._session)
        try:
            self._litellm.callbacks = _started(self._callbacks)
        except ConfigError:
            await self._session.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if told := self._litellm.callbacks:
            from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

            await callbacks.flush(told, GLOBAL_LOGGING_WORKER.flush)
            # litellm copies them here and there, and would go on telling them.
            for name in _TOLD:
                listed = getattr(self._litellm, name)
                listed[:] = [one for one in listed if one not in told]
        await self._session.close()
        # litellm would go on with clients around the closed session: they reopen it, unwatched.
        self._litellm.in_memory_llm_clients_cache.flush_cache()

    async def complete(
        self,
        model: Single,
        messages: list[Message],
        params: dict[str, Any],
        on_text: Callable[[str], None] | None = None,
    ) -> Reply:
        """Send one HTTP request. Raises CallFailed.

        With `on_text` the answer is streamed, where the provider's are: it gets each piece of text
        as it comes. The reply's `first_token_seconds` is None when no answer came, as when
        reasoning took all the tokens.
        """
        if on_text and not model.provider.streams:
            reply = await self.complete(model, messages, params)
            on_text(reply.text)
            return reply
        sent, hashes = messages, dict[str, str]()
        if any(isinstance(message["content"], list) for message in messages):
            sent, hashes = await asyncio.to_thread(images.load, messages)
        key = await clouds.secret(model)
        call = self._call(model, key, streamed=on_text is not None)
        wire = Wire(
            model.provider.litellm,
            sent,
            bool(on_text),
            hashes,
            self._clock,
            max_reply_bytes=model.provider.max_reply_bytes,
            most_tokens=(model.context_tokens, params.get("max_tokens", inf)),
        )
        on_the_wire.current.set(wire)
        timeout = model.provider.timeout
        try:
            async with asyncio.timeout(timeout):
                response = await self._litellm.acompletion(messages=sent, **call, **params)
                if on_text:
                    text, cut = await _read(response, model, on_text, wire), ""
                else:
                    text, cut = _whole(response)
        except _ListenerFailed as failed:
            raise failed.error from None
        except Exception as error:
            raise failure(error, wire, timeout) from None
        if not wire.http_requests:
            raise RuntimeError("litellm sent this over a connection that is not ours")
        reply = success(text, wire, timeout)
        text, reasoning = reading.without_reasoning(reply.text, model.reasoning_tags)
        if cut and model.reasoning_tags:
            text, reasoning = text.lstrip(), characters(cut).strip()
        return reply.model_copy(update={"text": text, "reasoning": reasoning})

    def _call(self, model: Single, key: str, *, streamed: bool) -> dict[str, Any]:
        """What litellm is told besides the messages and parameters."""
        prefix, extra = model.provider.litellm, model.extra_body
        call: dict[str, Any] = {
            "model": model.litellm_id,
            "api_base": model.provider.api_base,
            "api_key": key,
            "timeout": model.provider.timeout,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": False,
        }
        # A stream would go over a session of litellm's own, but for OpenAI's, where nobody sees it.
        if cloud := clouds.arguments(model.provider, key, self._handler):
            call |= cloud
        elif prefix in ("anthropic", "gemini") or (streamed and prefix != "openai"):
            call["client"] = self._handler
        else:
            call["shared_session"] = self._session
        if streamed:
            call["stream"] = True
            if prefix not in _USAGE_UNASKED:
                call["stream_options"] = {"include_usage": True}
        # Merged into the body; of some litellm would send it as a key named extra_body.
        as_it_is = not extra or prefix in ("anthropic", "bedrock")
        return call | (extra if as_it_is else {"extra_body": extra})


def check_callbacks(names: Sequence[str]) -> None:
    """Raises ConfigError for a name that litellm does not know, or whose package is not there."""
    if names:
        known = _import_litellm()._known_custom_logger_compatible_callbacks
        callbacks.check_callbacks(names, known)


def _started(names: Sequence[str]) -> list[Any]:
    if not names:
        return []
    from litellm.litellm_core_utils.litellm_logging import (
        _init_custom_logger_compatible_class as start,
    )

    return callbacks.started(names, lambda name: start(name, None, None))


def check_parameters(model: Single, params: dict[str, Any]) -> None:
    """Raise ConfigError for a parameter that a model does not take, as far as litellm knows.

    Also for those that litellm would drop without a word, and for a JSON schema that it would turn
    into a tool, which asks for the schema and enforces nothing.
    """
    try:
        taken = _translated(model, params)
        for name in params:
            rest = {key: value for key, value in params.items() if key != name}
            without = _translated(model, rest)
            if taken == without and params[name] not in without.values():
                raise ConfigError(
                    f"{model.name}: {model.provider.name} is not sent {name}={params[name]!r}; "
                    + _DROP_IT.format("json_schema" if name == "response_format" else name)
                )
    except _import_litellm().UnsupportedParamsError as error:
        reason = first_line(error).partition(". ")[0]
        raise ConfigError(
            f"{model.name}: {reason}; name what it does not take in the drop_params of its "
            "conf/model/ file"
        ) from None
    if "tools" in taken and "tools" not in params:
        raise ConfigError(
            f"{model.name}: {model.provider.name} does not enforce a JSON schema for {model.id}; "
            + _DROP_IT.format("json_schema")
        )


def count_tokens(model: Single, messages: list[Message]) -> int:
    """Of a prompt, counted offline with one of OpenAI's tokenizers: other models' differ somewhat.

    An image counts in full resolution. Raises CallFailed when one is not what it was.
    """
    sent, _ = images.load(messages)
    for message in sent:
        if isinstance(message["content"], list):
            for part in message["content"]:
                if part["type"] == "image_url":
                    part["image_url"]["detail"] = "high"
    # With its provider's name before it, litellm would know no model, and take an old tokenizer.
    return int(_import_litellm().token_counter(model=model.id, messages=sent))


_NOT_SENT = {"json_mode", "fake_stream", "stream"}  # litellm's notes to itself
_DROP_IT = "name {} in the drop_params of its conf/model/ file"


def _translated(model: Single, params: dict[str, Any]) -> dict[str, Any]:
    translated: dict[str, Any] = _import_litellm().get_optional_params(
        model=model.id, custom_llm_provider=model.provider.litellm, **params
    )
    return {key: value for key, value in translated.items() if key not in _NOT_SENT}


# They state the usage of every stream; Mistral refuses to be asked for it.
_USAGE_UNASKED = {*("anthropic", "bedrock", "gemini", "mistral", "ollama_chat", "vertex_ai")}


class _ListenerFailed(Exception):
    def __init__(self, error: Exception) -> None:
        self.error = error


def _hand_on(piece: str, on_text: Callable[[str], None], wire: Wire) -> None:
    """Its errors are not the provider's: a closed pipe is no broken connection."""
    if not piece:
        return
    wire.delivered = True
    try:
        on_text(piece)
    except Exception as error:
        raise _ListenerFailed(error) from None


async def _read(response: Any, model: Single, on_text: Callable[[str], None], wire: Wire) -> str:
    """All of a streamed answer, whose pieces are handed on as they come."""
    pieces: list[str] = []
    half = ""  # of a character, whose other half the next piece may bring
    answer = reading.Pieces(model.reasoning_tags)
    async with aclosing(response):  # or what broke in litellm would leave the connection open
        async for chunk in response:
            for choice in chunk.choices:
                if piece := choice.delta.content:
                    pieces.append(piece)
                    piece, half = _halved(half + piece)
                    _hand_on(answer.feed(piece), on_text, wire)
    _hand_on(answer.feed(characters(half)) + answer.end(), on_text, wire)
    return "".join(pieces)


def _halved(text: str) -> tuple[str, str]:
    """Whole characters, and the half that stands at the end of them."""
    end = len(text) - ("\ud800" <= text[-1:] <= "\udbff")
    return characters(text[:end]), text[end:]


def _whole(response: Any) -> tuple[str, str]:
    """Text, and the reasoning that litellm has cut from most replies by now."""
    if not response.choices:
        return "", ""
    message = response.choices[0].message
    thoughts = getattr(message, "reasoning_content", None)
    return message.content or "", thoughts if isinstance(thoughts, str) else ""


async def _given_token(
    _: Any, credentials: str | None, project_id: str | None, custom_llm_provider: str
) -> tuple[str, str]:
    """In place of litellm's own way to a token of Google Cloud: the one that it was told."""
    return credentials or "", project_id or ""


@cache
def _import_litellm() -> Any:
    os.environ.update(_ENVIRONMENT)
    # Importing builds two million objects that live for ever: collecting among them is waste.
    gc.disable()
    import litellm
    from litellm.llms.ollama.common_utils import OllamaModelInfo
    from litellm.llms.vertex_ai.vertex_llm_base import VertexBase

    # After a call it would ask Ollama's server for a price, unseen and with all else at a halt.
    OllamaModelInfo.get_model_info = lambda *_, **__: None
    VertexBase._ensure_access_token_async = _given_token
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
