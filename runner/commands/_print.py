"""An answer goes to the screen or into a file, as text, CSV or strict JSON."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from runner.decide.costs.scenario import Scenario
from runner.record.files import write_text

_WIDTH = 120  # where nobody's terminal says: a pipe, a file, a log of CI


def emit(
    scenario: Scenario,
    *,
    text: Sequence[RenderableType],
    rows: Sequence[Mapping[str, Any]],
    tree: Mapping[str, Any],
) -> None:
    """Write in the scenario's format: `text` on screen, `rows` as CSV, `tree` as JSON.

    None is an empty field in CSV and null in JSON. Raises StorageError when `to` can't be written.
    """
    buffer = io.StringIO()
    if scenario.format == "csv":
        table = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    elif scenario.format == "json":
        buffer.write(json.dumps(tree, ensure_ascii=False, indent=2, allow_nan=False) + "\n")
    elif scenario.to is None:
        _draw(Console(highlight=False), text)
        return
    else:
        _draw(Console(file=buffer, highlight=False), text)
    if scenario.to is None:
        print(buffer.getvalue(), end="")
    else:
        write_text(scenario.to, buffer.getvalue())


def _draw(console: Console, text: Sequence[RenderableType]) -> None:
    if not console.is_terminal:
        console.width = _WIDTH
    for part in text:
        console.print(part)


def notes(lines: Sequence[str]) -> list[RenderableType]:
    return [Text(line, style="dim") for line in lines]
