"""What litellm makes of a request, and its own calls: the only home of litellm.

It knows how a hundred providers want a request. `caught` is one that it made and that never left
this process; Calls have it send one itself, over our session, where the wire sees it pass.
"""

import asyncio
import gc
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NoReturn

import aiohttp

from runner.calls import callbacks, clouds
from runner.calls.deadline import TO_SEND_SECONDS
from runner.calls.failures import first_line
from runner.cases import attachments
from runner.cases.messages import text_of
from runner.config.prefixes import openai_package, working
from runner.config.schema import Single
from runner.errors import ConfigError
from runner.record.outcomes import Message

# How litellm must be told, before it is imported, to fetch nothing and to read no .env file.
ENVIRONMENT = {
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
# They state the usage of every stream; Mistral refuses to be asked for it.
_USAGE_UNASKED = {*("anthropic", "bedrock", "gemini", "mistral", "ollama_chat", "vertex_ai")}
_NOT_SENT = {"json_mode", "fake_stream", "stream"}  # litellm's notes to itself
_DROP_IT = "name {} in the drop_params of its conf/model/ file"


@dataclass(frozen=True)
class Caught:
    """A request as litellm would have sent it."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


def caught(
    model: Single, messages: list[Message], params: dict[str, Any], key: str, *, streamed: bool
) -> Caught:
    """What `acompletion` would send, caught before it leaves.

    Blocks; may be called from any thread. Raises whatever litellm raises, LookupError where it
    sends a body in pieces, and ConfigError where it would send it over a connection of its own.
    """
    _import_litellm()
    found: list[Caught | Exception] = []
    loops: list[_Shut] = []

    def shut() -> _Shut:  # a loop of its own: litellm keeps clients by loop
        loops.append(_Shut())
        return loops[0]

    def catch() -> None:
        try:
            with asyncio.Runner(loop_factory=shut) as runner:
                found.append(runner.run(_catch(model, messages, params, key, streamed)))
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=catch)
    thread.start()
    thread.join()
    if loops[0].knocked:
        raise _unseen(model)
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


class _Shut(asyncio.SelectorEventLoop):
    """A loop that no connection leaves."""

    knocked = False

    async def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        self.knocked = True
        raise OSError("what is caught goes nowhere")

    getaddrinfo = sock_connect = create_connection = _refuse


class _Stopped(BaseException):
    """Carries a request out of litellm, which catches every Exception."""

    def __init__(self, caught: Caught) -> None:
        self.caught = caught


with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
    # litellm takes a session and nothing like one.
    class _Catching(aiohttp.ClientSession):
        async def _request(self, method: str, str_or_url: Any, **request: Any) -> NoReturn:
            data, headers = request.get("data"), request.get("headers")
            if not isinstance(data, bytes):
                raise LookupError("litellm sends this in pieces")
            plain = {str(name).lower(): str(value) for name, value in dict(headers or {}).items()}
            raise _Stopped(Caught(method, str(str_or_url), plain, data))


async def _catch(
    model: Single, messages: list[Message], params: dict[str, Any], key: str, streamed: bool
) -> Caught:
    async with _Catching(connector=aiohttp.BaseConnector()) as session:
        try:
            hear = (lambda: None) if streamed else None
            await Calls(session).send(model, messages, params, key, hear)
        except _Stopped as stopped:
            return stopped.caught
        finally:
            # litellm would go on with clients around a session that is closed.
            _import_litellm().in_memory_llm_clients_cache.flush_cache()
    raise _unseen(model)


def _unseen(model: Single) -> ConfigError:
    return ConfigError(
        f"{model.name}: provider.litellm: litellm sends requests to {model.litellm_id} over "
        f"connections of its own, which nobody sees; these work: {', '.join(working())}"
    )


class Calls:
    """litellm's own calls over `session`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._litellm = _import_litellm()
        self._session = session
        # Most of litellm's providers take the session; some only its own client around one.
        from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

        self._handler = AsyncHTTPHandler(shared_session=session)

    async def send(
        self,
        model: Single,
        messages: list[Message],
        params: dict[str, Any],
        key: str,
        hear: Callable[[], None] | None = None,
    ) -> None:
        """Send one request and read all of its reply, which passes by the wire.

        With `hear` the answer is streamed: it is called whenever more has come.
        """
        call = self._call(model, key, streamed=hear is not None)
        said = list(map(_silent, messages))
        response = await self._litellm.acompletion(messages=said, **call, **params)
        if hear:
            async with aclosing(response):  # or what broke in litellm would leave it open
                async for _ in response:
                    hear()

    def _call(self, model: Single, key: str, *, streamed: bool) -> dict[str, Any]:
        """What litellm is told besides the messages and parameters."""
        prefix, extra = model.provider.litellm, model.extra_body
        call: dict[str, Any] = {
            "model": model.litellm_id,
            "api_base": model.provider.api_base,
            "api_key": key,
            # Ours comes first: this one would begin before the request is at the socket.
            "timeout": 2 * model.provider.timeout + TO_SEND_SECONDS,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": False,
        }
        # A stream would go over a session of litellm's own, where nobody sees it, but for what the
        # openai package posts.
        if cloud := clouds.arguments(model.provider, key, self._handler):
            call |= cloud
        elif prefix in ("anthropic", "gemini") or (streamed and prefix not in openai_package()):
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


def _silent(message: Message) -> Message:
    """With no text in place of an empty one, beside calls: litellm would put in words of its own,
    "[System: Empty message content sanitised to satisfy protocol]".
    """
    says_nothing = message.get("tool_calls") and message["content"] == ""
    return {**message, "content": None} if says_nothing else message


@contextmanager
def told(names: Sequence[str]) -> Iterator[list[Any]]:
    """litellm's loggers of these names, told of its calls until the end. Raises ConfigError."""
    litellm = _import_litellm()
    from litellm.litellm_core_utils.litellm_logging import (
        _init_custom_logger_compatible_class as start,
    )

    loggers = callbacks.started(names, lambda name: start(name, None, None))
    litellm.callbacks = list(loggers)
    try:
        yield loggers
    finally:
        # litellm copies them here and there, and would go on telling them.
        for name in _TOLD:
            listed = getattr(litellm, name)
            listed[:] = [one for one in listed if one not in loggers]


async def flush(loggers: list[Any]) -> None:
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

    await callbacks.flush(loggers, GLOBAL_LOGGING_WORKER.flush)


def forget_clients() -> None:
    """litellm would go on with clients around a closed session: they reopen it, unwatched."""
    _import_litellm().in_memory_llm_clients_cache.flush_cache()


def check_callbacks(names: Sequence[str]) -> None:
    """Raises ConfigError for a name that litellm does not know, or whose package is not there."""
    if names:
        known = _import_litellm()._known_custom_logger_compatible_callbacks
        callbacks.check_callbacks(names, known)


def check_parameters(model: Single, params: dict[str, Any]) -> None:
    """Raise ConfigError for a parameter that a model does not take, as far as litellm knows.

    Also for those that litellm would drop without a word, and for a JSON schema that it would turn
    into a tool, which asks for the schema and enforces nothing.
    """
    # Named before the try: a Ctrl-C while litellm is imported must not have it imported again.
    unsupported: type[Exception] = _import_litellm().UnsupportedParamsError
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
    except unsupported as error:
        reason = first_line(error).partition(". ")[0]
        raise ConfigError(
            f"{model.name}: {reason}; name what it does not take in the drop_params of its "
            "conf/model/ file"
        ) from None
    rest = {key: value for key, value in params.items() if "tool" not in key}
    if params.get("parallel_tool_calls") is False and _all_the_same(model, params):
        raise ConfigError(
            f"{model.name}: {model.provider.name} is not sent parallel_tool_calls=False; "
            + _DROP_IT.format("parallel_tool_calls")
        )
    if "tools" in (_translated(model, rest) if rest != params else taken):
        raise ConfigError(
            f"{model.name}: {model.provider.name} does not enforce a JSON schema for {model.id}; "
            + _DROP_IT.format("json_schema")
        )


def _all_the_same(model: Single, params: dict[str, Any]) -> bool:
    """Whether a request is the same without its `parallel_tool_calls`, as far as it can be seen."""
    rest = {key: value for key, value in params.items() if key != "parallel_tool_calls"}
    ask: list[Message] = [{"role": "user", "content": "-"}]
    key = "-" * 20
    try:
        asked = [caught(model, ask, each, key, streamed=False).body for each in (params, rest)]
    except Exception:
        return False
    return asked[0] == asked[1]


def count_tokens(model: Single, messages: list[Message]) -> int:
    """Of a prompt, counted offline with one of OpenAI's tokenizers: other models' differ somewhat.

    An image counts in full resolution, a PDF by its pages. Raises CallFailed when one is not what
    it was.
    """
    sent, _ = attachments.load(messages)
    for message in sent:
        if isinstance(message["content"], list):
            message["content"] = [p for p in message["content"] if p["type"] != "file"]
            for part in message["content"]:
                if part["type"] == "image_url":
                    part["image_url"]["detail"] = "high"
    files = (part["path"] for part in attachments.of(messages) if part["type"] == "file")
    pages = sum(map(attachments.pages, files))
    # With its provider's name before it, litellm would know no model, and take an old tokenizer.
    count = partial(_import_litellm().token_counter, model=model.id)
    try:
        counted = int(count(messages=sent))
    except ValueError:  # an image whose size can't be read
        texts = [message | {"content": text_of(message)} for message in messages]
        images = sum(part["type"] == "image" for part in attachments.of(messages))
        counted = int(count(messages=texts)) + images * attachments.IMAGE_TOKENS
    return counted + pages * attachments.PAGE_TOKENS


def _translated(model: Single, params: dict[str, Any]) -> dict[str, Any]:
    translated: dict[str, Any] = _import_litellm().get_optional_params(
        model=model.id, custom_llm_provider=model.provider.litellm, **params
    )
    return {key: value for key, value in translated.items() if key not in _NOT_SENT}


async def _given_token(
    _: Any, credentials: str | None, project_id: str | None, custom_llm_provider: str
) -> tuple[str, str]:
    """In place of litellm's own way to a token of Google Cloud: the one that it was told."""
    return credentials or "", project_id or ""


_importing = threading.Lock()


def _import_litellm() -> Any:
    with _importing:
        return _imported()


@cache
def _imported() -> Any:
    os.environ.update(ENVIRONMENT)
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
