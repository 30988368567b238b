"""How a call ended, with a reply or a failure: by what the provider said on the wire.

litellm's word counts only where there is none. It passes empty, filtered and broken answers on as
whole, and its classes of errors are guesses from the wording of a message: a 403 of Google is a
BadRequestError to it, a 529 of Anthropic a 500, and one error has another class from each provider.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from runner.calls import waits
from runner.calls.calling import characters
from runner.calls.deadline import TO_SEND_SECONDS
from runner.calls.wire import PROXY_REFUSED, Wire
from runner.config.redact import redact
from runner.errors import CallFailed, ErrorKind
from runner.record.outcomes import Reply


class _Words(BaseModel):
    """errors.yaml: what providers call an error, and which kind it is."""

    by_status: dict[int, ErrorKind]
    by_code: dict[str, ErrorKind]
    statuses: dict[str, int]
    by_wording: dict[str, ErrorKind]


_WORDS = _Words.model_validate(yaml.safe_load(Path(__file__).with_name("errors.yaml").read_bytes()))
_RETRY = {"true": True, "false": False}
_NO_TIME = f"it had not come to the socket after {TO_SEND_SECONDS:g} s: this machine is too busy"
GARBLED = "a part of the reply is no JSON of the known form"
_LOOKED_AT = 4000  # characters of an error's text


@dataclass(frozen=True)
class Statement:
    """What the provider said: a message, and the codes and types beside it."""

    message: str
    codes: frozenset[str] = frozenset()
    retry_seconds: float | None = None


def success(wire: Wire, timeout: float) -> Reply:
    """The reply that was seen. Raises CallFailed when it is none, or broke off."""
    try:
        return _success(wire, timeout)
    except CallFailed:
        raise
    except Exception as odd:
        raise _unreadable(odd, wire) from None


def failure(error: Exception, wire: Wire, timeout: float) -> CallFailed:
    """What an error means. A reply that can't be read is a failure like others, never our end."""
    try:
        return _failure(error, wire, timeout)
    except Exception as odd:
        return _unreadable(odd, wire)


def _success(wire: Wire, timeout: float) -> Reply:
    wire.read()
    said = wire.said
    if said.error or wire.status != 200:
        raise failure(ValueError("an error in place of an answer"), wire, timeout)
    text, reason, usage = "".join(said.text), said.finish_reason, wire.usage
    calls = said.calls.made()
    if wire.garbled:
        raise _failed("invalid_reply", f"{GARBLED}: {wire.garbled}", wire)
    if said.refusal and not (text or calls):
        words = "".join(said.refusal)
        raise _failed("content_policy", f"the model refused: {words}", wire)
    if not (text or reason or calls):
        raise _failed("invalid_reply", "the reply holds no answer", wire)
    if wire.streamed and not reason:
        raise _failed("invalid_reply", "the stream ended without a finish reason", wire)
    if reason == "error":
        raise _failed("invalid_reply", f"the provider ended the answer: {said.ending}", wire)
    if reason == "content_filter" and not (text or calls):
        raise _failed("content_policy", f"the provider held the answer back: {said.ending}", wire)
    if reason == "tool_calls" and not (text or calls):
        raise _failed("invalid_reply", "the answer ends with calls of tools and has none", wire)
    if reason == "tool_calls" and not calls:
        reason = "stop"
    elif calls and reason in ("stop", None):  # so do Google and Ollama end it, OpenAI a forced one
        reason = "tool_calls"
    return Reply(
        text=characters(text),
        tool_calls=calls,
        reasoning=characters("".join(said.reasoning)),
        finish_reason=reason or "unknown",
        usage=usage,
        seconds=wire.seconds,
        model_served=said.model,
        request=wire.request(),
        http_requests=wire.http_requests,
        by_litellm=wire.by_litellm,
        first_token_seconds=wire.first_token_seconds,
    )


def _unreadable(odd: Exception, wire: Wire) -> CallFailed:
    start = bytes(wire.reply[:_LOOKED_AT]).decode(errors="replace")
    return _failed("invalid_reply", f"the reply can't be read ({odd!r:.80}): {start}", wire)


def _failed(kind: ErrorKind, message: str, wire: Wire) -> CallFailed:
    return CallFailed(
        kind,
        one_line(message),
        wire.status,
        seconds=wire.seconds,
        http_requests=wire.http_requests,
        by_litellm=wire.by_litellm,
        request=wire.request(),
        usage=wire.usage,
        delivered=wire.delivered,
    )


def _failure(error: Exception, wire: Wire, timeout: float) -> CallFailed:
    if wire.location or 300 <= (wire.status or 0) < 400:
        return _redirected(wire)
    wire.read()
    said = _statement(wire)
    kind = _kind(error, wire, said)
    stated = said.message if said else f"{GARBLED}: {wire.garbled}" if wire.garbled else ""
    if wire.too_long and not said:
        stated = f"the reply is longer than the provider's max_reply_bytes, {wire.max_reply_bytes}"
    if kind == "invalid_reply" and "html" in wire.headers.get("content-type", ""):
        page = _page(bytes(wire.reply[:_LOOKED_AT]).decode(errors="replace"))
        stated = f"a web page (text/html) in place of a reply: {page}"
    if kind == "invalid_reply" and not stated:
        start = bytes(wire.reply[:_LOOKED_AT]).decode(errors="replace")
        stated = f"the reply is not of the form that its provider documents: {start}"
    timed_out = isinstance(error, TimeoutError) and wire.status is None
    if kind == "timeout" and (wire.status or 0) < 400:
        stated = f"no answer within {timeout:g} s"
    elif timed_out:
        stated = f"not connected within {timeout:g} s" if kind == "connection" else _NO_TIME
    if wire.proxy and (kind == "connection" or wire.status == PROXY_REFUSED):
        stated = f"{one_line(stated) or first_line(error)} (by the proxy {wire.proxy})"
    if kind == "unsupported_param" and stated:
        stated += "; the drop_params of the model's file name what it is not to be sent"
    said_to_wait = (waits.in_headers(wire.headers), said.retry_seconds if said else None)
    return replace(
        _failed(kind, one_line(stated) or first_line(error), wire),
        retry_after=max((wait for wait in said_to_wait if wait is not None), default=None),
        should_retry=_RETRY.get(wire.headers.get("x-should-retry", "")),
        unbilled=_unbilled(wire, kind),
    )


def _redirected(wire: Wire) -> CallFailed:
    where = wire.location or "nowhere"
    why = f"the provider points to {where}: redirects are not followed; correct its api_base"
    return replace(_failed("bad_request", why, wire), unbilled=True)


def _unbilled(wire: Wire, kind: ErrorKind) -> bool:
    """A gateway that gave up waiting, or a model that went astray, may have cost its tokens."""
    refused = (wire.status or 0) >= 400 and kind not in ("timeout", "invalid_output")
    return refused or wire.sent is None


def _kind(error: Exception, wire: Wire, said: Statement | None) -> ErrorKind:
    name, status = type(error).__name__, wire.status
    timed_out = isinstance(error, TimeoutError) or name == "Timeout"
    if status is None:
        if name == "UnsupportedParamsError":
            return "unsupported_param"
        if not wire.http_requests:  # litellm refused it by itself, or there was no time
            return "unsent"
        connected = wire.sent is not None or name == "Timeout"
        return "timeout" if timed_out and connected else "connection"
    if said:
        return _of_statement(said, status, patient=waits.in_headers(wire.headers) is not None)
    if timed_out:
        return "timeout"
    return "connection" if wire.cut and not wire.garbled else "invalid_reply"


def _of_statement(said: Statement, status: int, *, patient: bool) -> ErrorKind:
    if status < 400:  # it came in the midst of a stream
        numbers = (int(code) for code in said.codes if re.fullmatch("[45][0-9][0-9]", code))
        named = (_WORDS.statuses[code] for code in said.codes if code in _WORDS.statuses)
        status = next(chain(numbers, named), 500)
    for code, kind in _WORDS.by_code.items():
        if code in said.codes:
            return kind
    text = said.message.lower()
    # OpenAI says this of an empty account; Google also of a minute's limit, and then when to retry.
    if "exceeded your current quota" in text and not (
        patient or said.retry_seconds or "retry in" in text
    ):
        return "insufficient_quota"
    if status < 500:
        for wording, kind in _WORDS.by_wording.items():
            if wording in text:
                return kind
    return _WORDS.by_status.get(status, "server_error" if status >= 500 else "bad_request")


def _statement(wire: Wire) -> Statement | None:
    """The error that a reply states, in whichever of the providers' forms."""
    if wire.said.error and (wire.streamed or (wire.status or 0) < 400):
        return _from_object(wire.said.error)
    if (wire.status or 0) < 400:
        return None
    text = bytes(wire.reply).decode(errors="replace")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):  # a gateway's page
        return Statement(_page(text))
    if isinstance(body, list) and body:  # Google, of a stream
        body = body[0]
    if not isinstance(body, dict):
        return Statement(redact(text)[:_LOOKED_AT])
    stated = body.get("error") or body
    # The words alone, with the codes beside them: xAI, TGI.
    return _from_object(body | {"message": stated} if isinstance(stated, str) else stated)


def _from_object(error: Any) -> Statement:
    if not isinstance(error, dict):
        words = redact(str(error))[:_LOOKED_AT]
        return Statement(words, retry_seconds=waits.in_words(words))
    message = error.get("message") or error.get("Message") or error.get("detail") or ""
    codes = [error.get(key) for key in ("type", "code", "status", "error_type")]
    codes.append(str(error.get("__type", "")).rpartition("#")[2])  # Bedrock
    if isinstance(metadata := error.get("metadata"), dict) and metadata.get("raw"):
        message = f"{message}: {metadata['raw']}"  # OpenRouter, of whom it asked
    inner = error.get("innererror")
    codes.append(inner.get("code") if isinstance(inner, dict) else None)  # Azure
    retry_seconds = None
    for detail in _objects(error.get("details")):  # Google
        codes.append(detail.get("reason"))
        if str(detail.get("@type")).endswith("RetryInfo"):
            retry_seconds = waits.seconds(str(detail.get("retryDelay", "")))
    if isinstance(message, dict):  # Mistral, of what its schema refuses
        message = message.get("detail") or message
    for problem in _objects(message):
        codes.append(problem.get("type"))
    words = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    named = frozenset(str(code) for code in codes if code and isinstance(code, str | int))
    words = redact(words)[:_LOOKED_AT]
    return Statement(words, named, retry_seconds or waits.in_words(words))


def _page(text: str) -> str:
    """What a page of a gateway says: its title, and the start of its text."""
    start = redact(text)[:_LOOKED_AT]
    title = re.search(r"<title[^<>]*>([^<>]*)", start, re.IGNORECASE)
    body = re.sub(r"(?s)<(style|script|title)\b[^<>]*>[^<]*", " ", start, flags=re.IGNORECASE)
    words = " ".join(re.sub(r"<[^<>]*>", " ", body).split())
    return f"{title[1].strip()}: {words}" if title else words


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def first_line(error: Exception) -> str:
    """What litellm says, without the class names that it stacks before it."""
    line = redact(next(iter(str(error).strip().splitlines()), ""))[:_LOOKED_AT]
    said = re.sub(r"^((litellm\.)?\w+(Error|Timeout): )*(\w+Exception -? ?)?", "", line).strip()
    with suppress(
        ValueError, KeyError, TypeError, RecursionError
    ):  # most providers say it in a JSON body
        said = str(json.loads(said)["error"]["message"])
    return one_line(said) or type(error).__name__


def one_line(text: str) -> str:
    return characters(redact(" ".join(text.split())))[:500]
