"""What runs have cost, on screen: a table, and a bar for each day."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite

from rich.bar import Bar
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from runner.decide.spend import Dimension, Sum
from runner.measure import formatting
from runner.report.table import table
from runner.report.text import line

_BAR = 40  # characters
_DAYS = 31  # in the chart

Names = tuple[str, ...]  # of what a sum is for, in the order of `by`


def text(
    by: Sequence[Dimension], sums: Mapping[Names, Sum], total: Sum, days: Mapping[Names, Sum]
) -> Iterator[RenderableType]:
    yield _table(by, sums, total)
    if total.in_flight:
        yield f"in flight when it stopped: {total.in_flight:,}, {_at_most(total)}"
    yield ""
    yield _chart(days)


def _table(by: Sequence[Dimension], sums: Mapping[Names, Sum], total: Sum) -> Table:
    drawn = table(*by, "attempts", "spent", "of unknown cost", left=by)
    for names, each in sums.items():
        drawn.add_row(*(Text(line(name)) for name in names), *_cells(each))
    if len(sums) != 1:
        drawn.add_section()
        drawn.add_row("total", *[""] * (len(by) - 1), *_cells(total), style="bold")
    return drawn


def _cells(each: Sum) -> tuple[str, ...]:
    unknown = f"{each.unknown:,}" if each.unknown else ""
    return f"{each.attempts:,}", formatting.show(each.usd, "usd"), unknown


def _at_most(total: Sum) -> str:
    most = total.in_flight_usd
    return f"at most {formatting.show(most, 'usd')}" if isfinite(most) else "nobody knows how much"


def _chart(days: Mapping[Names, Sum]) -> Table:
    chart = Table(box=None, pad_edge=False, show_header=False, title_justify="left")
    last = list(days.items())[-_DAYS:]
    if len(last) < len(days):
        chart.title = f"the last {_DAYS} of {len(days)} days on which something was asked"
    most = max((each.known_usd for _, each in last), default=0)
    for [day], each in last:
        bar = Bar(most, 0, each.known_usd, width=_BAR, color="green") if each.known_usd else ""
        chart.add_row(day, bar, str(each))
    return chart
