"""Is a model still what its file says: pinned, alive, at this price?

The evidence is the price map that litellm's wheel carries. It is read as a file: importing litellm
takes seconds, and a look at a date should not.
"""

import json
import math
import re
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from runner.config.schema import Single
from runner.errors import ConfigError

# What a provider appends to an id to name one state of it: 2024-08-06, 20251001, Mistral's 2512.
_SNAPSHOT = r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4})"

_RATES = {
    "input_usd_per_mtok": "input_cost_per_token",
    "output_usd_per_mtok": "output_cost_per_token",
    "cached_input_usd_per_mtok": "cache_read_input_token_cost",
    "cache_write_usd_per_mtok": "cache_creation_input_token_cost",
}
_LONG_PROMPT = r"input_cost_per_token_above_(\d+)k_tokens"


def check_callable(model: Single, today: date) -> None:
    """Raises ConfigError for an alias that nobody allowed, and for a model past its retirement."""
    problems = [] if model.allow_unpinned else [unpinned(model)]
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


def price_differences(model: Single) -> list[str]:
    """Where the model's file and litellm's map disagree, a line each as `key: ours, theirs`."""
    if model.provider.data != "third_party":
        return []
    entry = _entry(model)
    if entry is None:
        return [f"id: litellm's price map has no '{model.id}': mistyped, retired or very new"]
    ours: dict[str, Any] = {
        "context_tokens": model.context_tokens,
        "retires": model.retires,
        "vision": model.vision,
    }
    theirs: dict[str, Any] = {
        "context_tokens": entry.get("max_input_tokens"),
        "retires": date.fromisoformat(day) if (day := entry.get("deprecation_date")) else None,
        "vision": entry.get("supports_vision"),
    }
    prices = _prices(entry)
    if model.price is None:
        theirs["price"] = " and ".join(str(price) for price in [*prices.values()][:2] if price)
    else:
        ours |= _flat("price", model.price.model_dump())
        theirs |= _flat("price", prices)
    return [
        f"{key}: is {_say(ours.get(key))}, litellm's price map says {value}"
        for key, value in theirs.items()
        if value not in (None, "") and not _same(ours.get(key), value)
    ]


def _prices(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of the map in the words of our `price`."""
    prices: dict[str, Any] = {key: _per_mtok(entry.get(name)) for key, name in _RATES.items()}
    prices["reasoning_usd_per_mtok"] = _per_mtok(entry.get("output_cost_per_reasoning_token"))
    prices["batch_discount"] = _batch_discount(entry)
    longer = [int(found[1]) for name in entry if (found := re.fullmatch(_LONG_PROMPT, name))]
    if longer:
        tier = f"_above_{min(longer)}k_tokens"
        rates = {key: _per_mtok(entry.get(name + tier)) for key, name in _RATES.items()}
        prices["long_prompt"] = {"above_tokens": min(longer) * 1000, **rates}
    return prices


def _batch_discount(entry: dict[str, Any]) -> float | None:
    """None also where input and output differ in it, which one number can't say."""
    discounts = set()
    for name in ("input_cost_per_token", "output_cost_per_token"):
        full, batch = entry.get(name), entry.get(f"{name}_batches")
        discounts.add(round(1 - batch / full, 9) if full and batch is not None else None)
    return discounts.pop() if len(discounts) == 1 else None


def _flat(prefix: str, values: dict[str, Any]) -> dict[str, Any]:
    """Nested values by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        where = f"{prefix}.{key}"
        flat |= _flat(where, value) if isinstance(value, dict) else {where: value}
    return flat


def _say(value: Any) -> str:
    return "unknown" if value is None else str(value)


def _way_out(snapshot: str = "") -> str:
    return f"pin it{snapshot and f' (id: {snapshot})'} or say allow_unpinned: true"


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=1e-6)
    return bool(ours == theirs)


def _per_mtok(per_token: float | None) -> float | None:
    # Rounded, since 2.5e-07 * 1e6 is 0.24999999999999997.
    return None if per_token is None else round(float(per_token) * 1e6, 9)


def _entry(model: Single) -> dict[str, Any] | None:
    return _ids(model.provider.litellm).get(model.id)


def _snapshots(model: Single) -> list[str]:
    pattern = re.compile(re.escape(model.id) + _SNAPSHOT)
    return sorted(id for id in _ids(model.provider.litellm) if pattern.fullmatch(id))


@cache
def _ids(prefix: str) -> dict[str, dict[str, Any]]:
    """The map's entries of one provider by plain id; the map writes the prefix for some only."""
    return {
        key.removeprefix(f"{prefix}/"): entry
        for key, entry in _price_map().items()
        if entry.get("litellm_provider") == prefix
    }


@cache
def _price_map() -> dict[str, dict[str, Any]]:
    spec = find_spec("litellm")
    assert spec is not None and spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0])
    text = (folder / "model_prices_and_context_window_backup.json").read_text(encoding="utf-8")
    entries: dict[str, dict[str, Any]] = json.loads(text)
    return entries
