"""All runs and sweeps on record, by task and model: quality, cost and latency over time.

    python -m runner history
    python -m runner history task=extraction model=haiku
    python -m runner history format=csv to=runs.csv

Writes outputs/index.html, one page that works offline and links to the page of each run.

Settings:
    outputs=outputs     where runs are kept
    task=… model=…      only these
    most=20             rows on screen; the page and the other formats have all
    format=table        table | json | csv
    to=…                a file instead of the screen
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from runner.commands._arguments import arguments
from runner.config.schema import Strict
from runner.decide import history
from runner.decide.history import METRICS, Rows
from runner.errors import ConfigError, did_you_mean
from runner.record.files import write_text
from runner.report import history as report
from runner.report.console import emit, pointer, show

_INDEX = "index.html"


class HistorySettings(Strict):
    outputs: Path = Path("outputs")
    task: str | None = None
    model: str | None = None
    most: int = Field(20, ge=1)
    format: Literal["table", "json", "csv"] = "table"
    to: Path | None = None


def main(argv: Sequence[str]) -> int:
    settings = arguments("history", __doc__, argv, keys=HistorySettings).settings(HistorySettings)
    if not settings.outputs.is_dir():
        raise ConfigError(f"outputs: no directory '{settings.outputs}'")
    found = history.of(settings.outputs)
    for key in ("task", "model"):
        if (wanted := getattr(settings, key)) is not None:
            known = {row[key] for row in found.rows}
            if wanted not in known:
                raise ConfigError(f"{key}: no run of '{wanted}'{did_you_mean(wanted, known)}")
            rows = Rows(row for row in found.rows if row[key] == wanted)
            found = replace(found, rows=rows)
    emit(
        settings.format,
        settings.to,
        text=report.terminal(found, settings.most),
        tree=list(found.rows),
        rows=found.rows,
        columns=[] if found.rows else ["task", "model", *METRICS],
    )
    if settings.task is None and settings.model is None:
        index = settings.outputs.absolute() / _INDEX
        write_text(index, report.page(found, index.parent))
        if settings.format == "table" and settings.to is None:
            show([pointer("page", index)])
    return 0
