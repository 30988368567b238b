"""Rebuild the report of a run or a sweep from its journals, and print it."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from runner.commands.command_line import parser
from runner.decide.sweep import SweepResult
from runner.report import print_run, print_sweep, rebuild


def main(argv: Sequence[str]) -> int:
    options = parser("report", __doc__)
    options.add_argument("directory", type=Path, help="outputs/runs/… or outputs/sweeps/…")
    return report(options.parse_args(argv).directory)


def report(directory: Path, console: Console | None = None) -> int:
    """Raises ConfigError when there is nothing to report on, StorageError when it is damaged."""
    result = rebuild(directory)
    if isinstance(result, SweepResult):
        print_sweep(directory, result, console)
    else:
        print_run(directory, result, console)
    return 0
