"""The catalogue as a list: the models that fit some filters, and their facts in plain rows.

What is unknown passes no filter on it, and those that were left out for it are named.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from runner.config import pins, redact
from runner.config.schema import Data, Day, Price, ServerPrice, Single, Strict, Usd
from runner.errors import ConfigError, did_you_mean
from runner.price import coming

_RATES = (
    *("input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok"),
    *("cache_write_usd_per_mtok", "batch_discount"),
)
COLUMNS = (
    *("model", "id", "provider", "data", *_RATES, "long_prompt_above_tokens", "usd_per_hour"),
    *("price_checked", "price_source", "price_changes", "price_will_be"),
    *("context_tokens", "max_input_tokens", "max_output_tokens", "vision", "thinks"),
    *("reasoning_default", "reasoning_lowest", "ttft_ms", "ttft_ms_at_most", "tokens_per_second"),
    *("strengths", "benchmarks", "retires", "retired", "successor", "key", "key_present"),
)


class Filters(Strict):
    """conf/models.yaml."""

    name: str | None
    providers: tuple[str, ...]
    strengths: tuple[str, ...]
    data: tuple[Data, ...]
    max_input_usd_per_mtok: Usd | None
    max_output_usd_per_mtok: Usd | None
    min_context_tokens: int | None = Field(ge=1)
    vision: bool | None
    thinks: bool | None
    key: bool | None
    alive: bool | None
    benchmark: str | None
    folders: bool
    day: Day | None
    format: Literal["table", "csv", "json"]
    to: Path | None


@dataclass(frozen=True)
class Listing:
    models: Mapping[str, Single]  # by option, in the order that was asked for
    of: int  # models that there are
    unpriced: tuple[str, ...]  # left out for a price that nobody knows


def listing(models: Mapping[str, Single], filters: Filters, today: date) -> Listing:
    """Raises ConfigError for a provider, a strength or a benchmark that no model has."""
    _check(models, filters)
    found, unpriced = {}, []
    for option, model in models.items():
        kept = {name: passes(option, model) for name, passes in _filters(filters, today)}
        if all(kept.values()):
            found[option] = model
        elif all(passed is not False for passed in kept.values()):
            unpriced.append(option)
    order = _order(filters.benchmark)
    ordered = dict(sorted(found.items(), key=lambda item: (*order(item[1]), item[0])))
    return Listing(ordered, len(models), tuple(unpriced))


_Passes = Callable[[str, Single], bool | None]  # None: unknown


def _filters(wanted: Filters, today: date) -> Iterator[tuple[str, _Passes]]:
    if wanted.name is not None:
        part = wanted.name
        yield "name", lambda option, _: part in option
    if wanted.providers:
        yield "providers", lambda _, model: model.provider.name in wanted.providers
    if wanted.strengths:
        yield "strengths", lambda _, model: set(wanted.strengths) <= set(model.strengths)
    if wanted.data:
        yield "data", lambda _, model: model.provider.data in wanted.data
    for side in ("input", "output"):
        most = getattr(wanted, f"max_{side}_usd_per_mtok")
        if most is not None:
            yield f"max_{side}", partial(_within, f"{side}_usd_per_mtok", most)
    if (least := wanted.min_context_tokens) is not None:
        yield "context", lambda _, model: model.context_tokens >= least
    if wanted.vision is not None:
        yield "vision", lambda _, model: model.vision == wanted.vision
    if wanted.thinks is not None:
        yield "thinks", lambda _, model: _thinks(model) == wanted.thinks
    if wanted.key is not None:
        yield "key", lambda _, model: has_key(model) == wanted.key
    if wanted.alive is not None:
        yield "alive", lambda _, model: (pins.retired(model, today) is None) == wanted.alive
    if wanted.benchmark is not None:
        yield "benchmark", lambda _, model: bool(model.benchmarks.get(wanted.benchmark or ""))


def _within(key: str, most: float, _: str, model: Single) -> bool | None:
    usd = getattr(model.price, key) if isinstance(model.price, Price) else None
    return None if usd is None else usd <= most


def _thinks(model: Single) -> bool:
    return model.reasoning is not None and model.reasoning.default != "none"


def has_key(model: Single) -> bool:
    """Whether it can be asked from here: a key is set, or none is needed."""
    if redact.missing_key(model, "model"):
        return False
    match model.provider.credentials:
        case "google":
            return any(map(Path.is_file, _google_files()))
        case "aws":
            return "AWS_ACCESS_KEY_ID" in os.environ or any(map(Path.is_file, _aws_files()))
    return True


def _aws_files() -> Iterator[Path]:
    """Likewise for Amazon's."""
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        if named := os.environ.get(name):
            yield Path(named)
    yield from (Path(f"~/.aws/{name}").expanduser() for name in ("credentials", "config"))


def _google_files() -> Iterator[Path]:
    """Where Google's libraries look for credentials on a machine that is none of its cloud's."""
    if named := os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        yield Path(named)
    folder = os.environ.get("CLOUDSDK_CONFIG") or "~/.config/gcloud"
    yield Path(folder).expanduser() / "application_default_credentials.json"


def _order(benchmark: str | None) -> Callable[[Single], tuple[float, ...]]:
    def best_first(model: Single) -> tuple[float, ...]:
        score = model.benchmarks.get(benchmark or "")
        return (-score.value if score else 0.0,)

    def cheapest_first(model: Single) -> tuple[float, ...]:
        price = model.price if isinstance(model.price, Price) else None
        rates = (price.output_usd_per_mtok, price.input_usd_per_mtok) if price else (None, None)
        return tuple(float("inf") if rate is None else rate for rate in rates)

    return best_first if benchmark else cheapest_first


def _check(models: Mapping[str, Single], filters: Filters) -> None:
    known = {
        "provider": ({model.provider.name for model in models.values()}, filters.providers),
        "strength": (
            {strength for model in models.values() for strength in model.strengths},
            filters.strengths,
        ),
        "benchmark": (
            {name for model in models.values() for name in model.benchmarks},
            (filters.benchmark,) if filters.benchmark else (),
        ),
    }
    problems = [
        f"{key}: no model has '{name}'{did_you_mean(name, there)}"
        for key, (there, asked) in known.items()
        for name in asked
        if name not in there
    ]
    if problems:
        raise ConfigError(*problems)


def facts(option: str, model: Single, today: date) -> dict[str, Any]:
    """Everything that a file says, flat but for its lists; None is unknown."""
    price, reasoning, typical = model.price, model.reasoning, model.typical
    by_token = price if isinstance(price, Price) else None
    by_hour = price if isinstance(price, ServerPrice) else None
    change = coming(model, today)
    low, high = typical.ttft_ms or (None, None)
    return {
        "model": option,
        "id": model.id,
        "provider": model.provider.name,
        "data": model.provider.data,
        **{key: getattr(by_token, key, None) for key in _RATES},
        "long_prompt_above_tokens": by_token
        and by_token.long_prompt
        and by_token.long_prompt.above_tokens,
        "usd_per_hour": by_hour and by_hour.usd_per_hour,
        "price_changes": change and change[0].isoformat(),
        "price_will_be": change and change[1],
        "price_checked": price and price.checked and price.checked.isoformat(),
        "price_source": price and price.source,
        "context_tokens": model.context_tokens,
        "max_input_tokens": model.max_input_tokens,
        "max_output_tokens": model.max_output_tokens,
        "vision": model.vision,
        "thinks": _thinks(model),
        "reasoning_default": reasoning and reasoning.default,
        "reasoning_lowest": reasoning and reasoning.lowest,
        "ttft_ms": low,
        "ttft_ms_at_most": high,
        "tokens_per_second": typical.tokens_per_second,
        "strengths": list(model.strengths),
        "benchmarks": {name: score.value for name, score in model.benchmarks.items() if score},
        "retires": model.retires and model.retires.isoformat(),
        "retired": pins.retired(model, today) is not None,
        "successor": model.successor,
        "key": model.provider.api_key_env or model.provider.credentials,
        "key_present": has_key(model),
    }
