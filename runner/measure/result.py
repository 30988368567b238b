"""The result of one run, computed from its record alone: what `result.json` holds."""

from collections.abc import Iterable
from pathlib import Path

from runner.errors import ConfigError, StorageError
from runner.measure.compare import Look, held_against, look
from runner.measure.evidence import Evidence, Lines, read
from runner.record.outcomes import Line, Result
from runner.record.run import Run


def compute(directory: Path, lines: Lines = Run.outcomes) -> Evidence:
    """All that a run has to show, from its journal; its result says why it stopped, too.

    The journal is read once, by `lines`. Raises ConfigError, StorageError.
    """
    run = Run(directory)
    candidate = Look(run, "candidate") if run.job.baseline else None

    def watched(run: Run) -> Iterable[Line]:
        return candidate.watch(lines(run)) if candidate else lines(run)

    evidence = read(directory, watched)
    if not evidence.result.complete and (stored := run.result):
        # Why a run stopped half-way stands in its result and nowhere else.
        evidence.result = evidence.result.model_copy(update={"error": stored.error})
    if candidate and run.job.baseline:
        evidence.result = _with_baseline(evidence.result, run.job.baseline, candidate, run)
    return evidence


def load(directory: Path) -> Result:
    """The result as it was written, or what an unfinished run, or one gone on with, has so far."""
    stored = Run(directory).result
    ended = stored is not None and (stored.complete or stored.error is not None)
    return stored if stored and ended else compute(directory).result


def _with_baseline(result: Result, baseline: Path, candidate: Look, run: Run) -> Result:
    """Compared with its baseline, or, where that is gone, as it was when it was still there."""
    try:
        found = held_against(look(baseline, "baseline"), candidate).model_dump(mode="json")
    except (ConfigError, StorageError) as error:
        stored = run.result
        if stored is None or not stored.complete or stored.baseline is None:
            notes = [*result.notes, f"baseline: {error}"]
            return result.model_copy(update={"notes": notes, "uncompared": str(error)})
        found = stored.baseline
    return result.model_copy(update={"baseline": found})
