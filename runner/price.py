"""What a request costs. Unknown is None: it stays unknown through every sum, and is never 0."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from runner.config.schema import AnyPrice, Price, Rates, ServerPrice, Single
from runner.record.outcomes import Attempt, Usage

_PER = 1_000_000  # prices are per million tokens


class _Row(NamedTuple):
    """What each kind of token costs, None where unknown."""

    fresh: float | None  # input that is neither read from a cache nor written to one
    cached: float | None
    written: float | None
    answer: float | None  # output without the reasoning
    reasoning: float | None


def dollars(
    price: AnyPrice | None,
    usage: Usage | None,
    *,
    batch: bool = False,
    server_seconds: float | None = None,
) -> float | None:
    """The price of one request in US dollars; `batch`: as part of a batch that may take a day.

    On a server of one's own it costs its share of the server's time, `server_seconds`.

    A prompt longer than `long_prompt.above_tokens` puts every token of the request on that row. A
    rate that is unknown makes the price unknown only where tokens of its kind occur: taking another
    rate for it would be a guess. A batch's discount says nothing about cached tokens, so that
    these are unknown in a batch. A model whose tokens are free costs 0 even where nobody counted
    them.
    """
    if price is None:
        return None
    if isinstance(price, ServerPrice):
        return None if server_seconds is None else server_seconds * price.usd_per_busy_second
    if _free(price):
        return 0.0
    discount = price.batch_discount if batch else 0.0
    if usage is None or discount is None:
        return None
    cached, written = usage.cached_input_tokens, usage.cache_write_tokens
    fresh = usage.input_tokens - cached - written
    answer = usage.output_tokens - usage.reasoning_tokens
    if min(fresh, answer) < 0:
        return None  # the counts contradict each other
    counts = fresh, cached, written, answer, usage.reasoning_tokens
    row = _row(price, _reachable(price, usage.input_tokens)[-1])
    if batch:
        row = row._replace(cached=None)
    return total(
        None if rate is None else tokens * rate / _PER * (1 - discount)
        for tokens, rate in zip(counts, row, strict=True)
        if tokens
    )


def worst_case(price: AnyPrice | None, input_tokens: int, max_output_tokens: int) -> float | None:
    """The most that one request of at most so many tokens can cost, in US dollars.

    Every token counts as the dearest of its kind, on the dearest row that the prompt can reach.
    Where the price of cached input is unknown, it is taken to be no dearer than input. How long a
    server of one's own may take nobody knows.
    """
    if price is None or isinstance(price, ServerPrice):
        return None
    costs = []
    for rates in _reachable(price, input_tokens):
        fresh, cached, written, answer, reasoning = _row(price, rates)
        if fresh is None or written is None or answer is None or reasoning is None:
            return None
        read, said = max(fresh, cached or 0.0, written), max(answer, reasoning)
        costs.append((input_tokens * read + max_output_tokens * said) / _PER)
    return max(costs)


def coming(model: Single, day: date) -> tuple[date, str] | None:
    """The next day after `day` on which another price holds, and that price in words."""
    found = next(model.changes(day), None)
    if found is None:
        return None
    start, price = found
    if price is None:
        return start, f"from {start} on nobody knows its price"
    read, written = (
        "?" if rate is None else f"${rate:g}"
        for rate in (price.input_usd_per_mtok, price.output_usd_per_mtok)
    )
    return start, f"from {start} on {read} in and {written} out per million tokens"


def paid_at_most(attempts: Iterable[Attempt]) -> float:
    """What a cap has to count: the most that a cost can be, where it is unknown."""
    return sum(
        (each.worst_usd or 0.0) if each.cost_usd is None else each.cost_usd
        for each in attempts
        if not each.replayed
    )


def total(values: Iterable[float | None]) -> float | None:
    """The sum of dollars; one unknown makes it unknown."""
    known = 0.0
    for value in values:
        if value is None:
            return None
        known += value
    return known


def mixed(*parts: tuple[float, float | None]) -> float | None:
    """Dollars by share; what has no share may be unknown."""
    return total(None if usd is None else share * usd for share, usd in parts if share)


def _reachable(price: Price, input_tokens: int) -> list[Rates]:
    """The rows that a prompt of at most so many tokens may be on; its own is the last one."""
    long = price.long_prompt
    return [price, long] if long and input_tokens > long.above_tokens else [price]


def _row(price: Price, rates: Rates) -> _Row:
    """`rates`, which is the price itself or its long_prompt, kind by kind.

    Where the price names no rate of its own for writing or for reasoning there is none at any
    length: written tokens are input, and reasoning is output. Where it does name one, a
    long_prompt that is silent leaves it unknown.
    """
    written, reasoning = rates.cache_write_usd_per_mtok, price.reasoning_usd_per_mtok
    if written is None and price.cache_write_usd_per_mtok is None:
        written = rates.input_usd_per_mtok
    if reasoning is None:
        reasoning = rates.output_usd_per_mtok
    elif rates is not price:
        reasoning = None
    return _Row(
        fresh=rates.input_usd_per_mtok,
        cached=rates.cached_input_usd_per_mtok,
        written=written,
        answer=rates.output_usd_per_mtok,
        reasoning=reasoning,
    )


def _free(price: Price) -> bool:
    rows = [_row(price, rates) for rates in (price, price.long_prompt) if rates]
    return all(row.fresh == row.answer == 0 and not any(row) for row in rows)
