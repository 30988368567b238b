"""Rebuild the report of a run or a sweep from its journals, and print it.

    python -m runner report outputs/runs/<run>
    python -m runner report outputs/sweeps/<sweep> gate=true junit=ci.xml

Nothing is asked again. ReportSettings:
    gate=true, gate=proven  exit as the run or the sweep would have with that gate: 3 where it is
                            shut, else 4 where calls failed; without it the exit code is 0
    junit=ci.xml            verdicts for CI, as junit= of the run would have written them
    verbose=true            all reasons, numbers and verdicts on the terminal, not the answer alone
"""

from collections.abc import Sequence
from pathlib import Path

from runner.commands._arguments import arguments
from runner.commands._evaluate import exit_code
from runner.config.schema import Gate, Strict
from runner.decide import gate, sweep
from runner.decide.sweep import SweepResult
from runner.report import console, junit, rebuild, terminal, to_step_summary


class ReportSettings(Strict):
    gate: Gate = False
    junit: Path | None = None
    verbose: bool = False


def main(argv: Sequence[str]) -> int:
    given = arguments("report", __doc__, argv, words=1, keys=ReportSettings)
    directory, settings = Path(given.words[0]), given.settings(ReportSettings)
    result = rebuild(directory)
    to_step_summary(directory)
    if isinstance(result, SweepResult):
        ruling = sweep.ruling(result, settings.gate)
        if settings.gate:
            result = result.model_copy(update={"gate": ruling})
        console.show(terminal.sweep(directory, result, verbose=settings.verbose))
        if settings.junit:
            junit.write_sweep(directory, result, settings.junit)
        return exit_code(result.runs, ruling) if settings.gate else 0
    ruling = gate.rule(settings.gate, gate.of_run(result))
    shown = terminal.run(directory, result, verbose=settings.verbose)
    console.show([*shown, *terminal.gate(ruling)])
    if settings.junit:
        junit.write(settings.junit, result)
    return exit_code([result], ruling) if settings.gate else 0
