"""What has moved since a decision was promoted, on screen."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from runner.decide.promote.drift import Drift
from runner.report.console import pointer, title, uncut
from runner.report.table import table
from runner.report.text import line

_STYLES = {"moved": "bold red", "may have moved": "yellow", "unknown": "magenta"}


def terminal(found: Drift, directory: Path) -> Iterator[RenderableType]:
    """All findings, and, where something has moved, the runner-up."""
    yield title(f"{found.task} · {found.model}, promoted into {found.mapping} on {found.promoted}")
    columns = ("", "recorded", "now", "state", "what to do")
    drawn = table(*columns, left=columns)
    for finding in found.findings:
        drawn.add_row(
            Text(line(finding.what)),
            Text(line(finding.recorded)),
            Text(line(finding.now)),
            Text(finding.state, style=_STYLES.get(finding.state, "")),
            Text(line(finding.advice)),
        )
    yield drawn
    yield title(_conclusion(found))
    if found.proposal:
        yield uncut(found.proposal)
    yield pointer("record", directory)


def _conclusion(found: Drift) -> str:
    if found.moved:
        return f"Moved: {', '.join(found.moved)}."
    return "Nothing is proven to have moved."
