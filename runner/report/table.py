"""A table, once for every form: drawn on a screen, written in Markdown, laid out on a page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich import table as rich
from rich.text import Text

from runner.report.text import Markdown, inline, line

MARKS = {"met": "✓", "missed": "✗", "not proven": "≈", "unknown": "?"}
LEGEND = ", ".join(f"{mark} {word}" for word, mark in MARKS.items())
_GOOD, _BAD, _OPEN, _UNKNOWN = "green", "bold red", "yellow", "magenta"
_STYLES = {
    **{"met": _GOOD, "missed": _BAD, "not proven": _OPEN, "unknown": _UNKNOWN},
    **{"better": _GOOD, "worse": _BAD, "kept": _GOOD, "broken": _BAD},
    **{"moved": _BAD, "may have moved": _OPEN},
    **{"ticked": _GOOD, "open": _BAD, "not applicable": "dim"},
}

Cell = str | Text  # a Text has a colour where there are colours


def coloured(text: str, word: str | None = None) -> Text:
    """In the colour of `word`, which is the text itself unless it says more than that."""
    return Text(line(text), style=_STYLES.get(text if word is None else word, ""))


@dataclass(frozen=True)
class Table:
    """`right` names the columns of numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    right: Collection[str] = ()

    def only(self, *columns: str) -> "Table":
        """Some of its columns, in that order."""
        places = [list(self.columns).index(column) for column in columns]
        return Table(columns, [[row[place] for place in places] for row in self.rows], self.right)

    def drawn(self) -> rich.Table:
        left = [column for column in self.columns if column not in self.right]
        found = table(*self.columns, left=left)
        for row in self.rows:
            found.add_row(*(cell if isinstance(cell, Text) else Text(line(cell)) for cell in row))
        return found

    def markdown(self) -> Markdown:
        rows = [self.columns, [Markdown("---")] * len(self.columns), *self.rows]
        return Markdown("\n".join(f"| {' | '.join(map(_inline, row))} |" for row in rows))


def _inline(cell: Cell) -> str:
    return cell if isinstance(cell, Markdown) else inline(str(cell))


def table(*columns: str, left: Collection[str] = ()) -> rich.Table:
    """Columns of numbers, but for the first and those of `left`, whose texts may be wrapped."""
    found = rich.Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        text = column in (columns[0], *left)
        justify: Literal["left", "right"] = "left" if text else "right"
        found.add_column(column, justify=justify, no_wrap=not text, overflow="fold")
    return found


def money(value: float | None) -> str:
    """`$12,000.00`, `-$3.50`; None is `?`."""
    if value is None:
        return "?"
    return f"{'-' if value < 0 else ''}${abs(value):,.2f}"


def seconds(low: float | None, high: float | None) -> str:
    """`4.37 s`, `14.50 to 42.50 s`; None is `?`."""
    ends = dict.fromkeys(f"{end:.2f}" for end in (low, high) if end is not None)
    return f"{' to '.join(ends)} s" if ends else "?"
