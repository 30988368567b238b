"""What two independent lists say of a model: litellm's bundled map, and genai-prices if installed.

Both are read from what is installed, nothing is fetched. A file notes under `caveats` where it
knows better than one of them, and why.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import isclose
from typing import Any

from runner.config import pins
from runner.config.schema import Single

LITELLM, GENAI = "litellm", "genai-prices"
_ROUNDED = 0.06  # genai-prices has windows of a million where there are 1,048,576 tokens

# litellm's prefixes by what genai-prices calls the provider, where it calls it otherwise.
_PROVIDERS = {
    "gemini": "google",
    "fireworks_ai": "fireworks",
    "together_ai": "together",
    "xai": "x-ai",
    "moonshot": "moonshotai",
    "bedrock": "aws",
    "vertex_ai": "google",
}
# A rate as a file has it, as litellm's map and as genai-prices.
_RATES = {
    "input_usd_per_mtok": ("input_cost_per_token", "input_mtok"),
    "output_usd_per_mtok": ("output_cost_per_token", "output_mtok"),
    "cached_input_usd_per_mtok": ("cache_read_input_token_cost", "cache_read_mtok"),
    "cache_write_usd_per_mtok": ("cache_creation_input_token_cost", "cache_write_mtok"),
}
_LONG_PROMPT = r"input_cost_per_token_above_(\d+)k_tokens"

Facts = dict[str, Any]  # by key, as a file has them; what is missing is unknown


@dataclass(frozen=True)
class Difference:
    key: str
    ours: Any
    theirs: Mapping[str, Any]  # by source: those that say something else
    why: str | None  # as the file knows it

    def __str__(self) -> str:
        said = ", ".join(f"{source} says {value}" for source, value in self.theirs.items())
        why = f" ({self.why})" if self.why else ""
        return f"{self.key}: is {'unknown' if self.ours is None else self.ours}, {said}{why}"


def differences(model: Single, day: date, ids: Mapping[str, str] | None = None) -> list[Difference]:
    """Where a source says something else on a day; `ids` of the models by their option."""
    if model.provider.data != "third_party":
        return []
    ours, found = _ours(model.on(day), ids or {}), said(model, day)
    lacking = {source: "no such model" for source, facts in found.items() if facts is None}
    rows: list[tuple[str, Any, Facts]] = [("id", model.id, lacking)]
    for key in dict.fromkeys(key for facts in found.values() for key in facts or {}):
        theirs = {source: facts[key] for source, facts in found.items() if facts and key in facts}
        other = {
            source: value
            for source, value in theirs.items()
            if not _same(key, ours.get(key), value, rounded=source == GENAI)
        }
        rows.append((key, ours.get(key), other))
    return [Difference(key, own, other, _why(model, key)) for key, own, other in rows if other]


def unsourced(model: Single, day: date, ids: Mapping[str, str] | None = None) -> list[str]:
    """The facts of a file that neither source has."""
    if model.provider.data != "third_party":
        return []
    has = {key for facts in said(model, day).values() for key in facts or {}}
    ours = _ours(model.on(day), ids or {})
    return [key for key, value in ours.items() if value not in (None, False) and key not in has]


def said(model: Single, day: date) -> dict[str, Facts | None]:
    """What each source that is there says; None: it has no such model."""
    found = {LITELLM: _litellm(model)}
    if (providers := _genai()) is not None:
        found[GENAI] = _of_genai(providers, model, day)
    return found


def _why(model: Single, key: str) -> str | None:
    """A caveat of a key holds for all below it."""
    parts = key.split(".")
    above = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((model.caveats[each] for each in above if each in model.caveats), None)


def _ours(model: Single, ids: Mapping[str, str]) -> Facts:
    price = model.price.model_dump(exclude={"checked", "source"}) if model.price else {}
    return {
        "context_tokens": model.context_tokens,
        "max_input_tokens": model.max_input_tokens,
        "max_output_tokens": model.max_output_tokens,
        "retires": model.retires,
        "successor": ids.get(model.successor or ""),
        "vision": model.vision,
        "drop_params": not model.enforces_schema,
        "reasoning": model.reasoning is not None,
        "hosting": model.hosting,
        **dict(_flat("price", price)),
    }


def _litellm(model: Single) -> Facts | None:
    entry = pins.entry(model)
    if entry is None:
        return None
    room, answer = entry.get("max_input_tokens"), entry.get("max_output_tokens")
    enforces, thinks = entry.get("supports_response_schema"), entry.get("supports_reasoning")
    retires, successor = entry.get("deprecation_date"), entry.get("successor_model")
    found = {
        "max_input_tokens" if model.max_input_tokens else "context_tokens": room,
        "max_output_tokens": None if answer == room else answer,  # no limit of its own
        "retires": retires and date.fromisoformat(retires),
        "successor": successor and successor.removeprefix(f"{pins.listed_as(model)}/"),
        "vision": entry.get("supports_vision"),
        "drop_params": None if enforces is None else not enforces,
        "reasoning": thinks or None,
        "hosting": "serverless" if "serverless" in entry.get("source", "") else None,
        **dict(_flat("price", _litellm_rates(entry))),
    }
    return {key: value for key, value in found.items() if value is not None}


def _litellm_rates(entry: Facts) -> Facts:
    rates: Facts = {key: _per_mtok(entry.get(name)) for key, (name, _) in _RATES.items()}
    rates["reasoning_usd_per_mtok"] = _per_mtok(entry.get("output_cost_per_reasoning_token"))
    rates["batch_discount"] = _batch_discount(entry)
    longer = [int(found[1]) for name in entry if (found := re.fullmatch(_LONG_PROMPT, name))]
    if longer:
        tier = f"_above_{min(longer)}k_tokens"
        beyond = {key: _per_mtok(entry.get(name + tier)) for key, (name, _) in _RATES.items()}
        rates["long_prompt"] = {"above_tokens": min(longer) * 1000, **beyond}
    return rates


def _batch_discount(entry: Facts) -> float | None:
    """None also where input and output differ in it, which one number can't say."""
    discounts = set()
    for name in ("input_cost_per_token", "output_cost_per_token"):
        full, batch = entry.get(name), entry.get(f"{name}_batches")
        discounts.add(round(1 - batch / full, 9) if full and batch is not None else None)
    return discounts.pop() if len(discounts) == 1 else None


def _per_mtok(per_token: float | None) -> float | None:
    # Rounded, since 2.5e-07 * 1e6 is 0.24999999999999997.
    return None if per_token is None else round(float(per_token) * 1e6, 9)


@cache
def _genai() -> dict[str, Any] | None:
    """Its providers by id; None where it is not installed."""
    try:
        from genai_prices.data import providers
    except ImportError:
        return None
    return {provider.id: provider for provider in providers}


def _of_genai(providers: Mapping[str, Any], model: Single, day: date) -> Facts | None:
    prefix = pins.listed_as(model)
    provider = providers.get(_PROVIDERS.get(prefix, prefix))
    info = provider and provider.find_model(model.id)
    if info is None:
        return None
    rows = info.prices if isinstance(info.prices, list) else []
    # A price by the time of day is left out: the first one holds the rest of the day.
    starts = [getattr(row.constraint, "start_date", row.constraint) for row in rows]
    held = [row for row, start in zip(rows, starts, strict=True) if _since(start) <= day]
    price = held[-1].prices if held else info.prices
    return {
        **({"context_tokens": info.context_window} if info.context_window else {}),
        **dict(_flat("price", _genai_rates(price))),
    }


def _since(start: Any) -> date:
    """The first day of a price; one by the time of day never starts."""
    return date.min if start is None else start if isinstance(start, date) else date.max


def _genai_rates(price: Any) -> Facts:
    rates: Facts = {}
    longer: Facts = {}
    for key, (_, name) in _RATES.items():
        rate = getattr(price, name)
        rates[key] = float(getattr(rate, "base", rate)) if rate is not None else None
        for tier in getattr(rate, "tiers", [])[:1]:
            longer |= {"above_tokens": tier.start, key: float(tier.price)}
    return rates | ({"long_prompt": longer} if longer else {})


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Nested values by dotted key; what is unknown is left out."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}.{key}", value)
        elif value is not None:
            yield f"{prefix}.{key}", value


def _same(key: str, ours: Any, theirs: Any, *, rounded: bool) -> bool:
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return bool(ours) == bool(theirs)
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        tolerance = _ROUNDED if key == "context_tokens" and rounded else 1e-5
        return isclose(ours, theirs, rel_tol=tolerance)
    if ours is None and key.endswith("cache_write_usd_per_mtok"):
        return float(theirs) == 0.0  # nobody counts what is written then
    return bool(ours == theirs)
