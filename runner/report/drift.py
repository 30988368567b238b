"""What has moved since a decision was promoted, on screen."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import RenderableType

from runner.decide.promote.drift import Drift
from runner.report.console import pointer, title, uncut
from runner.report.table import Table, coloured


def terminal(found: Drift, directory: Path) -> Iterator[RenderableType]:
    """All findings, and, where something has moved, the runner-up."""
    yield title(f"{found.task} · {found.model}, promoted into {found.mapping} on {found.promoted}")
    rows = [
        (one.what, one.recorded, one.now, coloured(one.state), one.advice) for one in found.findings
    ]
    yield Table(("", "recorded", "now", "state", "what to do"), rows).drawn()
    yield title(conclusion(found))
    if found.proposal:
        yield uncut(found.proposal)
    yield pointer("record", directory)


def conclusion(found: Drift) -> str:
    if found.moved:
        return f"Moved: {', '.join(found.moved)}."
    return "Nothing is proven to have moved."
