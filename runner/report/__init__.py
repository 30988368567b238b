"""What a finished run or sweep looks like: on screen, as Markdown, as a page, as JUnit.

Nothing is computed here, and nobody is asked again: results come from `measure.result` and
`decide.sweep`, which read each journal once and let the page see what they read.
"""

import os
from pathlib import Path

from runner.config.paths import shared
from runner.config.terminal import say
from runner.decide import sweep as sweeps
from runner.decide.sweep import SweepResult
from runner.errors import ConfigError, StorageError
from runner.measure import result as results
from runner.measure.conclusion import conclusion
from runner.record.files import (
    JOURNAL,
    PAGE,
    REPORT,
    RESULT,
    RUN,
    read_json,
    write_json,
    write_text,
)
from runner.record.outcomes import Result
from runner.record.run import Run, nearest
from runner.report import markdown
from runner.report.origin import Origin
from runner.report.page import RunPage, SweepPage

__all__ = ["build", "build_sweep", "rebuild", "to_step_summary"]

_STEP_BYTES = 900_000  # GitHub refuses a summary of more than a MiB


def build(directory: Path) -> Result:
    """Write the reports of a run, and the result of a complete one.

    A run without a result is one that the same command goes on with, so an unfinished one gets
    none. Raises ConfigError, StorageError.
    """
    page = RunPage()
    evidence = results.compute(directory, page.lines)
    goes_on = not evidence.result.complete and evidence.result.error is None
    if goes_on and (directory / RESULT).is_file():  # whoever goes on with a run takes it away
        raise _lost(directory, JOURNAL)
    origin = Origin.of_run(directory)
    write_text(directory / REPORT, shared(markdown.run(evidence, origin)))
    write_text(directory / PAGE, shared(page.html(evidence, origin)))
    if evidence.result.complete:
        said = {"conclusion": conclusion(evidence.result)}
        write_json(directory / RESULT, evidence.result.model_dump(mode="json") | said)
    return evidence.result


def build_sweep(directory: Path, *, anew: bool = False) -> SweepResult:
    """Write the reports of a sweep, and its result once no job can go on; `anew` builds its runs.

    Raises StorageError.
    """
    if anew and (directory / RESULT).is_file():
        for run in read_json(directory / RESULT).get("runs", ()):
            if not (directory / run["dir"]).is_dir():
                raise _lost(directory, run["dir"])
    page = SweepPage(directory)
    sweep = sweeps.compute(directory, _anew if anew else results.load, page.lines)
    origin = Origin.of_sweep(directory, sweep)
    write_text(directory / REPORT, shared(markdown.sweep(sweep, origin)))
    write_text(directory / PAGE, shared(page.html(sweep, origin)))
    if all(run.complete or run.error for run in sweep.runs):
        write_json(directory / RESULT, sweep.model_dump(mode="json"))
    else:
        (directory / RESULT).unlink(missing_ok=True)
    return sweep


def _lost(directory: Path, what: str) -> StorageError:
    return StorageError(
        f"{directory}: {what} is gone, or does not hold all that {RESULT} was made of; nothing was "
        f"changed there: without {RESULT} what is left is reported"
    )


def _anew(directory: Path) -> Result:
    return build(directory) if (directory / RUN).is_file() else results.load(directory)


def to_step_summary(directory: Path) -> None:
    """Append the Markdown of a run or a sweep to what GitHub shows of a step of CI, where it does.

    Of a report that is more than GitHub takes, only what a reviewer reads.
    """
    summary, report = os.environ.get("GITHUB_STEP_SUMMARY"), directory / REPORT
    if not summary or not report.is_file():
        return
    text = report.read_text(encoding="utf-8")
    if len(text.encode()) > _STEP_BYTES:
        text = text.partition("\n<details>")[0] + "\n"
    try:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except OSError as error:
        say(f"GITHUB_STEP_SUMMARY: {summary}: {error.strerror}")


def rebuild(directory: Path) -> Result | SweepResult:
    """Write result.json and the reports of a run or a sweep anew.

    Raises ConfigError when the directory is neither, StorageError when its record can't be read.
    """
    kind = Run(directory).kind
    if kind == "sweep":
        return build_sweep(directory, anew=True)
    if kind:
        return build(directory)
    if not directory.is_dir():
        raise ConfigError(f"{directory}: no such directory")
    raise ConfigError(f"{directory}: is neither a run nor a sweep{nearest(directory)}")
