"""Calls, tokens and dollars from the least to the most, added up role by role."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from runner import price


class Amount(NamedTuple):
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0  # None: unknown


class Range(NamedTuple):
    """Each number of `low` and `high` is a bound of its own."""

    low: Amount = Amount()
    high: Amount = Amount()


Parts = dict[str, Range]  # by what the requests are for


def together(ranges: Iterable[Range]) -> Range:
    found = list(ranges)
    return Range(_sum([each.low for each in found]), _sum([each.high for each in found]))


def add(parts: Sequence[Parts]) -> Parts:
    return _merged(parts, _sum, _sum)


def one_of(parts: Sequence[Parts]) -> Parts:
    """Any of them, one of them only."""
    return _merged(parts, partial(_extreme, min), partial(_extreme, max))


def up_to_all(parts: Sequence[Parts]) -> Parts:
    """The first alone, or others after it, all of them at the most."""
    return _merged(parts, lambda amounts: amounts[0], _sum)


_Pick = Callable[[Sequence[Amount]], Amount]


def _merged(parts: Sequence[Parts], low: _Pick, high: _Pick) -> Parts:
    merged = Parts()
    for role in dict.fromkeys(role for each in parts for role in each):
        ranges = [each.get(role, Range()) for each in parts]
        lows, highs = zip(*ranges, strict=True)
        merged[role] = Range(low(lows), high(highs))
    return merged


def _sum(amounts: Sequence[Amount]) -> Amount:
    calls, tokens_in, tokens_out, usd = zip(Amount(), *amounts, strict=True)
    return Amount(sum(calls), sum(tokens_in), sum(tokens_out), price.total(usd))


def _extreme(pick: Callable[[Any], Any], amounts: Sequence[Amount]) -> Amount:
    """Number by number; where one is unknown, so is the pick."""
    columns = zip(*amounts, strict=True)
    return Amount._make(None if None in column else pick(column) for column in columns)
