"""The one way out: what a command found, on screen or into a file, as text or as data."""

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from rich.console import Console, RenderableType
from rich.styled import Styled
from rich.text import Text

from runner.config.redact import redact
from runner.config.terminal import coloured, for_stdout
from runner.record.files import write_text
from runner.report.text import line

WIDTH = 120  # where neither a terminal nor COLUMNS says: a pipe, a file, a log of CI


def show(parts: Iterable[RenderableType], file: IO[str] | None = None) -> None:
    """Print from top to bottom, on stdout unless `file` is another stream."""
    console = Console(file=file, highlight=False)
    if not console.is_terminal and not os.environ.get("COLUMNS", "").isdecimal():
        console.width = WIDTH
    with console.capture() as drawn:
        for part in parts:
            console.print(part, crop=False)
    print(redact(coloured(drawn.get())), end="", file=file)


def emit(
    form: str,
    to: Path | None = None,
    *,
    text: Iterable[RenderableType] = (),
    markdown: str = "",
    tree: Any = None,
    rows: Sequence[Mapping[str, Any]] = (),
    columns: Sequence[str] = (),
) -> None:
    """Write in one form, to the screen or, whole or not at all, to the file `to`.

    `table` is `text`, `json` is `tree`, and `csv` is `rows`, whose keys are `columns` unless they
    are given. What is unknown, None, is null in JSON and an empty field in CSV. Raises StorageError
    when `to` can't be written.
    """
    if form == "table" and to is None:
        show(text)
        return
    buffer = io.StringIO()
    if form == "table":
        show(text, buffer)
    elif form == "csv":
        table = csv.DictWriter(buffer, columns or list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    elif form == "json":
        buffer.write(json.dumps(tree, ensure_ascii=False, indent=2, allow_nan=False) + "\n")
    else:
        buffer.write(markdown)
    if to is None:
        print(redact(for_stdout(buffer.getvalue())), end="")
    else:
        write_text(to, buffer.getvalue())


def title(text: str) -> Text:
    """What a text is about, or what it comes down to; like the others, on one line and harmless."""
    return Text(line(text), style="bold")


def note(text: str) -> Text:
    """What to know beside the numbers."""
    return Text(line(text), style="dim")


def uncut(text: str, style: str = "") -> Styled:
    """A path or a command, which stays in one line, however narrow the terminal."""
    return Styled(Text(line(text), no_wrap=True, overflow="ignore"), style)


def pointer(name: str, path: Path, more: str = "") -> Styled:
    """Where the rest is to be found: `report: outputs/…`."""
    return uncut(f"{name}: {near(path)}{more}", style="dim")


def near(path: Path) -> Path:
    """As one would type it from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
