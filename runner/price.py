"""What a request costs. Unknown is None: it stays unknown through every sum, and is never 0."""

from collections.abc import Iterable

from runner.records import Usage
from runner.schema import Price

_PER = 1_000_000  # prices are per million tokens


def dollars(price: Price | None, usage: Usage | None) -> float | None:
    """The price of one request in US dollars.

    A model whose tokens are free costs 0 even where nobody counted them. Cached tokens have a
    price of their own: where it is unknown, taking the full one for it would be a guess.
    Reasoning tokens are part of the output tokens.
    """
    if price is None or price.input_usd_per_mtok is None or price.output_usd_per_mtok is None:
        return None
    rates = price.input_usd_per_mtok, price.output_usd_per_mtok, price.cached_input_usd_per_mtok
    if not any(rates):
        return 0.0
    if usage is None:
        return None
    if usage.cached_input_tokens and price.cached_input_usd_per_mtok is None:
        return None
    cached = usage.cached_input_tokens * (price.cached_input_usd_per_mtok or 0.0)
    fresh = (usage.input_tokens - usage.cached_input_tokens) * price.input_usd_per_mtok
    return (fresh + cached + usage.output_tokens * price.output_usd_per_mtok) / _PER


def total(values: Iterable[float | None]) -> float | None:
    """The sum of dollars; one unknown makes it unknown."""
    known = 0.0
    for value in values:
        if value is None:
            return None
        known += value
    return known
