"""The catalogue on screen, and as rows of a CSV file."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.table import Table

from runner.decide.select.listing import Listing
from runner.report.table import table

Row = Mapping[str, Any]


_NARROW = 100  # columns of a screen, below which some of the table is left out: no number is cut
_LEFT_OUT = ("cached", "typically", "key")


@dataclass(frozen=True)
class ModelsTable:
    rows: Sequence[Row]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        yield _drawn(self.rows, _LEFT_OUT if options.max_width < _NARROW else ())


def _drawn(rows: Sequence[Row], left_out: Collection[str]) -> Table:
    cells = [_cells(row) for row in rows]
    columns = [name for name in cells[0] if name not in left_out]
    found = table(*columns, left=["good at"])
    found.columns[0].no_wrap = True
    found.columns[-1].overflow = "fold"
    for each in cells:
        found.add_row(*(each[name] for name in columns))
    return found


def _cells(row: Row) -> dict[str, str]:
    return {
        "model": row["model"],
        "$ in": _rate(row["input_usd_per_mtok"], row["usd_per_hour"]),
        "$ out": _rate(row["output_usd_per_mtok"]),
        "cached": _rate(row["cached_input_usd_per_mtok"]),
        "context": _short(row["context_tokens"]),
        "typically": _speed(row),
        "key": "" if row["key"] is None else "yes" if row["key_present"] else "no",
        "good at": "; ".join(_said(row)),
    }


def remarks(listing: Listing) -> Iterator[str]:
    yield f"{len(listing.models)} of {listing.of} models; $ per million tokens, ? is unknown"
    if listing.unpriced:
        yield f"left out, since no price is known: {', '.join(listing.unpriced)}"


def flat(row: Row) -> dict[str, Any]:
    """A row without lists: their items are parted by semicolons."""
    scores = row["benchmarks"].items()
    return {
        **row,
        "strengths": ";".join(row["strengths"]),
        "benchmarks": ";".join(f"{name}={value:g}" for name, value in scores),
    }


def _said(row: Row) -> Iterator[str]:
    if row["retires"]:
        gone = "retired" if row["retired"] else "retires"
        instead = f", then {row['successor']}" if row["successor"] else ""
        yield f"{gone} {row['retires']}{instead}"
    if row["price_will_be"]:
        yield row["price_will_be"]
    if row["strengths"]:
        yield ", ".join(row["strengths"])
    if row["thinks"]:
        yield f"thinks first ({row['reasoning_default'] or '?'})"
    if row["vision"]:
        yield "images"
    if row["benchmarks"]:
        yield ", ".join(f"{name} {value:g}" for name, value in row["benchmarks"].items())


def _speed(row: Row) -> str:
    """`2 to 30 s, 40/s`: until the first token, and tokens a second from there on."""
    ends = dict.fromkeys(end for end in (row["ttft_ms"], row["ttft_ms_at_most"]) if end is not None)
    first = " to ".join(f"{end / 1000:g}" for end in ends)
    rate = row["tokens_per_second"]
    return (
        ", ".join([*([f"{first} s"] if first else []), *([f"{rate:g}/s"] if rate else [])]) or "?"
    )


def _rate(usd: float | None, usd_per_hour: float | None = None) -> str:
    if usd_per_hour is not None:
        return f"{usd_per_hour:g}/h"
    return "?" if usd is None else f"{usd:g}"


def _short(tokens: int) -> str:
    """`8K`, `1.05M`: as context windows are spoken of."""
    return f"{tokens / 1_000_000:.3g}M" if tokens >= 1_000_000 else f"{tokens / 1000:.3g}K"
