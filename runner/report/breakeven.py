"""A server of one's own against an API, on screen."""

import math
from collections.abc import Iterable, Iterator, Sequence

from rich.bar import Bar
from rich.console import Group
from rich.table import Table

from runner.decide.costs.breakeven import BreakEven, Crossings, Month
from runner.decide.costs.sensitivity import Sensitivity, Shift
from runner.report.table import money, table

_BAR = 40  # characters


def month_table(month: Month, comparison: BreakEven, api: str) -> Table:
    found = table("", "a month", "of which", left=["of which"])
    engineering = comparison.engineering_usd
    found.add_row(f"API: {api}", money(month.api_usd), "")
    found.add_row(
        f"server: {month.gpus} GPUs",
        money(month.server_usd),
        f"{money(month.server_usd - engineering)} rent and energy, "
        f"{money(engineering)} engineering",
    )
    found.add_row("savings by the server", money(month.savings_usd), "")
    return found


def advice(comparison: BreakEven, crossings: Crossings | None) -> str:
    """The rule of thumb."""
    if crossings is None:
        full = comparison.api_usd * comparison.capacity
        return (
            f"Do not self-host to save money: a replica costs {money(comparison.step_usd)} a "
            f"month, and for the {comparison.capacity:,.0f} requests that fill it the API takes "
            f"{money(full)}."
        )
    first, settled = f"{_volume(crossings.first)} requests a month", _volume(crossings.settled)
    if crossings.first == crossings.settled:
        return f"Do not self-host below {first}; from there on the server never costs more."
    return (
        f"Do not self-host below {first}. From there on it depends on how full the last replica "
        f"is, and from {settled} on the server never costs more."
    )


def curve_table(curve: Sequence[Month]) -> Table:
    found = table("requests", "< is cheaper", "a month", "GPUs", "", left=["", "< is cheaper"])
    most = max(max(month.api_usd, month.server_usd) for month in curve)
    for month in curve:
        costs = month.api_usd, month.server_usd
        cheaper = costs.index(min(costs))
        names = [f"{name}{' <' * (n == cheaper)}" for n, name in enumerate(("API", "server"))]
        found.add_row(
            f"{month.requests:,.0f}",
            "\n".join(names),
            "\n".join(map(money, costs)),
            f"\n{month.gpus}",
            Group(*(Bar(most, 0, cost, width=_BAR) for cost in costs)),
        )
    return found


def sensitivity_table(rows: Sequence[Sensitivity]) -> Table:
    found = table("assumption", "is", "at", "breaks even at", "at", "breaks even at")
    for row in rows:
        changes = (text for change in (row.low, row.high) for text in _change(change))
        found.add_row(row.assumption, f"{row.value:,g}", *changes)
    return found


def printed_figures(month: Month, printed: Iterable[tuple[str, float]]) -> Iterator[str]:
    """Where the source of a scenario prints another figure than its own numbers give."""
    for name, said in printed:
        figure = float(getattr(month, name))
        if round(said, 2) != round(figure, 2):
            show = money if name.endswith("_usd") else "{:,.0f}".format
            yield f"{name}: the source prints {show(said)}; it is {show(figure)}"


def _change(change: Shift) -> tuple[str, str]:
    crossings = change.crossings
    if crossings is None:
        return f"{change.value:,g}", "never"
    ends = dict.fromkeys((_volume(crossings.first), _volume(crossings.settled)))
    return f"{change.value:,g}", " to ".join(ends)


def _volume(requests: float) -> str:
    """Whole requests: the first number of them at which the server costs no more."""
    return f"{math.ceil(round(requests, 6)):,}"
