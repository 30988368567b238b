"""Compare two runs of a task, case by case: what is proven to have changed, which cases flipped.

    python -m runner compare outputs/runs/<baseline> outputs/runs/<candidate>
    python -m runner compare <baseline> <candidate> gate=true format=json

The baseline comes first. A run in a sweep is a run, too. CompareSettings:
    gate=true               exit 3 when the candidate is proven worse
    tolerance=0.1           so much slower or dearer it may be; quality has no such allowance
    format=table|json|markdown
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field
from rich.console import Console

from runner.commands._arguments import words
from runner.commands.command_line import parser
from runner.config.redact import redact
from runner.config.schema import Strict
from runner.errors import GATE_EXIT, ConfigError
from runner.measure.compare import TOLERANCE, RunComparison
from runner.measure.compare.runs import against
from runner.report import compare as report
from runner.report import markdown

_WIDTH = 120  # where nobody's terminal says: a pipe, a log of CI


class CompareSettings(Strict):
    gate: bool = False
    tolerance: float = Field(TOLERANCE, ge=0)
    format: Literal["table", "json", "markdown"] = "table"


def main(argv: Sequence[str]) -> int:
    _, runs, settings = words(CompareSettings, parser("compare", __doc__), argv)
    if len(runs) != 2:
        raise ConfigError(f"compare: takes two runs, the baseline first, and got {len(runs)}")
    found = against(Path(runs[0]), Path(runs[1]), settings.tolerance)
    _print(found, settings.format)
    return GATE_EXIT if settings.gate and found.regressed else 0


def _print(found: RunComparison, form: str) -> None:
    if form == "table":
        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = _WIDTH
        for part in report.terminal(found):
            console.print(part)
    elif form == "json":
        tree = found.model_dump(mode="json")
        print(redact(json.dumps(tree, ensure_ascii=False, indent=2, allow_nan=False)))
    else:
        sys.stdout.write(redact(markdown.comparison(found)))
