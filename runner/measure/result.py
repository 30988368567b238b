"""The result of one run, computed from its record alone: what `result.json` holds."""

from pathlib import Path

from pydantic import ValidationError

from runner.errors import ConfigError
from runner.measure.compare.runs import against
from runner.measure.evidence import Evidence, read
from runner.record.files import RESULT
from runner.record.outcomes import Result


def compute(directory: Path) -> Evidence:
    """All that a run has to show, from its journal; its result says why it stopped, too.

    Raises ConfigError, StorageError.
    """
    evidence = _with_error(read(directory), directory)
    evidence.result = _with_baseline(evidence, directory)
    return evidence


def load(directory: Path) -> Result:
    """The result as it was written, or what an unfinished run has so far."""
    stored = _stored(directory)
    return stored if stored is not None else read(directory).result


def _with_error(evidence: Evidence, directory: Path) -> Evidence:
    """Why a run stopped half-way stands in its result and nowhere else."""
    if not evidence.result.complete and (stored := _stored(directory)):
        evidence.result = evidence.result.model_copy(update={"error": stored.error})
    return evidence


def _with_baseline(evidence: Evidence, directory: Path) -> Result:
    """Compared with its baseline, or, where that is gone, as it was when it was still there."""
    result, baseline = evidence.result, evidence.job.baseline
    if baseline is None:
        return result
    try:
        found = against(baseline, directory).model_dump(mode="json")
    except ConfigError as error:
        stored = _stored(directory)
        if stored is None or stored.baseline is None:
            return result.model_copy(update={"notes": [*result.notes, f"baseline: {error}"]})
        found = stored.baseline
    return result.model_copy(update={"baseline": found})


def _stored(directory: Path) -> Result | None:
    path = directory / RESULT
    try:
        return Result.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        raise ConfigError(f"{path}: can't be read: {error.errors()[0]['msg']}") from None
