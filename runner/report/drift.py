"""What has moved since a decision was promoted, on screen."""

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.decide.promote.drift import Drift
from runner.report.text import line

_STYLES = {"moved": "bold red", "may have moved": "yellow", "unknown": "magenta"}
_WIDTH = 120  # where nobody's terminal says: a pipe, a log of CI


def print_drift(found: Drift, directory: Path, console: Console | None = None) -> None:
    """All findings, and, where something has moved, the runner-up."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH
    title = f"{found.task} · {found.model}, promoted into {found.mapping} on {found.promoted}"
    console.print(Text(line(title), style="bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("", "recorded", "now", "state", "what to do"):
        table.add_column(column)
    for finding in found.findings:
        table.add_row(
            Text(line(finding.what)),
            Text(line(finding.recorded)),
            Text(line(finding.now)),
            Text(finding.state, style=_STYLES.get(finding.state, "")),
            Text(line(finding.advice)),
        )
    console.print(table)
    console.print(Text(line(_conclusion(found)), style="bold"))
    if found.proposal:
        console.print(Text(line(found.proposal)), soft_wrap=True)  # a command stays in one line
    here = directory.relative_to(Path.cwd()) if directory.is_relative_to(Path.cwd()) else directory
    console.print(Text(f"record: {here}", style="dim"), soft_wrap=True)


def _conclusion(found: Drift) -> str:
    if found.moved:
        return f"Moved: {', '.join(found.moved)}."
    return "Nothing is proven to have moved."
