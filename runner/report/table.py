"""Tables on screen."""

from collections.abc import Collection

from rich import box
from rich.table import Table


def table(*columns: str, left: Collection[str] = ()) -> Table:
    """Columns of numbers, but for the first and those of `left`, whose texts may be wrapped."""
    found = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        text = column in (columns[0], *left)
        found.add_column(column, justify="left" if text else "right", no_wrap=not text)
    return found


def money(value: float | None) -> str:
    """`$12,000.00`, `-$3.50`; None is `?`."""
    if value is None:
        return "?"
    return f"{'-' if value < 0 else ''}${abs(value):,.2f}"


def seconds(ends: tuple[float, float] | None) -> str:
    """`4.37 s`, `14.50 to 42.50 s`; None is `?`."""
    if ends is None:
        return "?"
    low, high = (f"{end:.2f}" for end in ends)
    return f"{low} s" if low == high else f"{low} to {high} s"
