"""Rebuild the report of a run or a sweep from its journals, and print it."""

from collections.abc import Sequence
from pathlib import Path

from runner.commands.command_line import parser
from runner.decide.sweep import SweepResult
from runner.report import console, rebuild, terminal


def main(argv: Sequence[str]) -> int:
    options = parser("report", __doc__)
    options.add_argument("directory", type=Path, help="outputs/runs/… or outputs/sweeps/…")
    directory = options.parse_args(argv).directory
    result = rebuild(directory)
    if isinstance(result, SweepResult):
        console.show(terminal.sweep(directory, result))
    else:
        console.show(terminal.run(directory, result))
    return 0
