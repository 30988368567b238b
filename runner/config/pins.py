"""Is a model still what its file says: pinned, alive? And can it be asked as we ask?

The evidence is the price map that litellm's wheel carries. It is read as a file: importing litellm
takes seconds, and a look at a date should not.
"""

import json
import re
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from runner.config.prefixes import unworkable
from runner.config.schema import Single
from runner.errors import ConfigError

_CHAT = "/v1/chat/completions"  # where the map says so
# What a provider appends to an id to name one state of it: 2024-08-06, 20251001, Mistral's 2512.
_SNAPSHOT = r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4})"


# What the map calls a provider, where it is not litellm's prefix.
_LISTED = {
    "bedrock": {"bedrock_converse"},
    "cohere": {"cohere_chat"},
    "vertex_ai": {"vertex_ai", "vertex_ai-language-models"},
}


def check_callable(model: Single, today: date) -> None:
    """Raises ConfigError for an alias that nobody allowed, and for a model past its retirement.

    For one that can't be asked, too.
    """
    problems = [unaskable(model), *([] if model.allow_unpinned else [unpinned(model)])]
    found = [problem for problem in [*problems, retired(model, today)] if problem]
    if found:
        raise ConfigError(*found)


def unpinned(model: Single) -> str | None:
    """Why the id is an alias, which may answer differently tomorrow. None: it is a pin.

    An id without dated snapshots is a pin, since there is nothing more exact to write. What a
    server of our own calls its model is up to us.
    """
    if model.provider.data != "third_party":
        return None
    if model.provider.ids_move:
        moves = f"{model.provider.name} puts new models behind its ids"
        return f"id: '{model.id}' is no pin, {moves}; say allow_unpinned: true"
    if re.search(r"(^|[-:/@])latest$", model.id):
        return f"id: '{model.id}' is an alias, it moves with every release; {_way_out()}"
    if snapshots := _snapshots(model):
        return f"id: '{model.id}' is an alias of {', '.join(snapshots)}; {_way_out(snapshots[-1])}"
    return None


def retired(model: Single, today: date) -> str | None:
    if model.retires is None or today <= model.retires:
        return None
    instead = f"; use model={model.successor}" if model.successor else ""
    return f"{model.name} retired on {model.retires}{instead}"


def unaskable(model: Single) -> str | None:
    """Why not: by its prefix, or because it does not answer chat completions."""
    if model.provider.data != "third_party":
        return unworkable(model.provider.litellm)
    listed = entry(model) or {}
    mode = listed.get("mode") or "chat"
    if mode == "chat" or _CHAT in (listed.get("supported_endpoints") or ()):
        return unworkable(model.provider.litellm)
    where = "by the Responses API" if mode == "responses" else f"for {mode}"
    return (
        f"id: {model.provider.name} serves '{model.id}' {where} alone, as litellm's map says, and "
        "what is asked here are chat completions"
    )


def _way_out(snapshot: str = "") -> str:
    return f"pin it{snapshot and f' (id: {snapshot})'} or say allow_unpinned: true"


def listed_as(model: Single) -> str:
    """What the map calls a provider; one that is asked in another's format has its own name."""
    own = model.provider.litellm == "hosted_vllm" and model.provider.data == "third_party"
    return model.provider.name if own else model.provider.litellm


def entry(model: Single) -> dict[str, Any] | None:
    """What the map says of a model, in its words; None: it has no such model."""
    return _ids(listed_as(model)).get(model.id)


def _snapshots(model: Single) -> list[str]:
    pattern = re.compile(re.escape(model.id) + _SNAPSHOT)
    return sorted(id for id in _ids(listed_as(model)) if pattern.fullmatch(id))


@cache
def _ids(prefix: str) -> dict[str, dict[str, Any]]:
    """The map's entries of one provider by plain id; the map writes the prefix for some only."""
    names = _LISTED.get(prefix, {prefix})
    found = [(k, e) for k, e in _price_map().items() if e.get("litellm_provider") in names]
    # What stands under the bare id, too, may be another's.
    found.sort(key=lambda entry: entry[0].startswith(f"{prefix}/"))
    return {key.removeprefix(f"{prefix}/"): entry for key, entry in found}


@cache
def _price_map() -> dict[str, dict[str, Any]]:
    spec = find_spec("litellm")
    assert spec is not None and spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0])
    text = (folder / "model_prices_and_context_window_backup.json").read_text(encoding="utf-8")
    entries: dict[str, dict[str, Any]] = json.loads(text)
    return entries
