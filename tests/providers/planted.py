"""litellm as it might be some day: what it sends is no longer what a template says."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from runner.calls.translate import Caught, caught
from runner.config.schema import Single


def planted(change: Callable[[Caught, str], Caught]) -> Callable[..., Caught]:
    """litellm, as it might be some day."""

    def catch(model: Single, messages: Any, params: Any, key: str, *, streamed: bool) -> Caught:
        real = caught(model, messages, params, key, streamed=streamed)
        return change(real, messages[-1]["content"])

    return catch


def _without(body: bytes, text: str) -> bytes:
    for escaped in (True, False):
        body = body.replace(json.dumps(text, ensure_ascii=escaped).encode(), b'""')
    return body


CHANGES: dict[str, Callable[[Caught, str], Caught]] = {
    "a header by the text": lambda sent, text: replace(
        sent, headers=sent.headers | {"x-size": str(len(text))}
    ),
    "a signature": lambda sent, _: replace(sent, headers=sent.headers | {"x-is": str(id(sent))}),
    "a key by the text": lambda sent, text: replace(
        sent, body=sent.body.replace(b'"messages"', b'"short":%d,"messages"' % len(text))
    ),
    "text that is trimmed": lambda sent, _: replace(sent, body=sent.body.replace(b"\\n", b"")),
    "text that is left out": lambda sent, text: replace(sent, body=_without(sent.body, text)),
    "another path": lambda sent, text: replace(sent, url=sent.url + f"?n={len(text)}"),
}
