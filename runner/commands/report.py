"""Rebuild the report of a run or a sweep from its journals, and print it.

    python -m runner report outputs/runs/<run>
    python -m runner report outputs/sweeps/<sweep>

Nothing is asked again.
"""

from collections.abc import Sequence
from pathlib import Path

from runner.commands._arguments import NoKeys, arguments
from runner.decide.sweep import SweepResult
from runner.report import console, rebuild, terminal


def main(argv: Sequence[str]) -> int:
    [named] = arguments("report", __doc__, argv, words=1, keys=NoKeys).words
    directory = Path(named)
    result = rebuild(directory)
    if isinstance(result, SweepResult):
        console.show(terminal.sweep(directory, result))
    else:
        console.show(terminal.run(directory, result))
    return 0
