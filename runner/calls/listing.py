"""When providers say that their models end, in the list of them: `GET /models`.

OpenAI has `shutdown_date` there, Mistral `deprecation`, OpenRouter `expiration_date`: a day, one
with a time, or null (each one's API reference, 2026-11-28). Other lists have no such key.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import aiohttp

from runner.calls.connections import session
from runner.calls.wire import Broken
from runner.config.redact import api_key, redact
from runner.config.schema import Provider, Single

_KEYS = ("shutdown_date", "deprecation", "expiration_date")
_HAVE_ONE = ("openai", "mistral", "openrouter", "hosted_vllm")  # the last: whoever speaks as OpenAI
_SECONDS = 30
_NO_LIST = (404, 405, 501)

Ends = Mapping[tuple[str, str], date]  # by the name of the provider and the id of the model


async def ends(models: Iterable[Single]) -> tuple[Ends, list[str]]:
    """Of all in the lists of these models' providers, where there is one, and a key for it.

    And a line for each list that was kept from us.
    """
    asked: dict[Provider, str] = {}
    for model in models:
        at, key = model.provider, api_key(model)
        if key and at.api_base and at.litellm in _HAVE_ONE and at.data == "third_party":
            asked.setdefault(at, key)
    lists = await asyncio.gather(*(_listed(at, key) for at, key in asked.items()))
    found: dict[tuple[str, str], date] = {}
    problems = []
    for at, listed in zip(asked, lists, strict=True):
        if isinstance(listed, str):
            problems.append(redact(f"{at.name}: its list of models could not be read: {listed}"))
            continue
        for entry in listed:
            if day := _end(entry):
                found[at.name, str(entry.get("id"))] = day
    return found, problems


async def _listed(at: Provider, key: str) -> list[dict[str, Any]] | str:
    """The entries of a list, or why there are none."""
    headers = {"Authorization": f"Bearer {key}"}
    try:
        async with asyncio.timeout(_SECONDS), session() as http:
            reply = await http.get(f"{at.api_base}/models", headers=headers, allow_redirects=False)
            if reply.status in _NO_LIST:
                return []
            if reply.status != 200:
                return f"HTTP {reply.status}"
            text = b""
            async for piece in reply.content.iter_any():
                text += piece
                if len(text) > at.max_reply_bytes:
                    return f"it is longer than {at.max_reply_bytes} bytes"
            tree = json.loads(text)
    except (aiohttp.ClientError, Broken, OSError, TimeoutError, ValueError) as error:
        return f"{type(error).__name__} {error}".strip()
    entries = tree.get("data") if isinstance(tree, dict) else tree
    if not isinstance(entries, list):
        return "it is no list"
    return [each for each in entries if isinstance(each, dict)]


def _end(entry: Mapping[str, Any]) -> date | None:
    """What is no day says nothing."""
    for key in _KEYS:
        try:
            return date.fromisoformat(str(entry[key])[:10])
        except (KeyError, ValueError):
            continue
    return None
