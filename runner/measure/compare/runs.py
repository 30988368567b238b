"""One run held against another, from their journals."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.config.schema import Job
from runner.errors import ConfigError, StorageError
from runner.measure import ceiling, like_for_like
from runner.measure.compare import TOLERANCE, Observed, RunComparison, Seen, Side, compare
from runner.measure.evidence import Run, job_of, read_run
from runner.measure.observations import own
from runner.record.files import JOURNAL, RUN, read_journal
from runner.record.outcomes import CONFIDENCE, Answered, Counts, Failed, Result


@dataclass
class _Look:
    observed: Observed
    asked: like_for_like.Inputs


def against(baseline: Path, candidate: Path, tolerance: float = TOLERANCE) -> RunComparison:
    """How the run in `candidate` compares with the one in `baseline`.

    Raises ConfigError where there is nothing to compare, StorageError for a damaged journal.
    """
    before, after = _look(baseline, "baseline"), _look(candidate, "candidate")
    for key in ("task", "quality"):
        one, other = getattr(before.observed, key), getattr(after.observed, key)
        if one != other:
            raise ConfigError(f"{key}: is {one} in {baseline} and {other} in {candidate}")
    found = like_for_like.differences([before.asked, after.asked])
    # Requirements judge answers and shape none: two runs are alike whatever is required of them.
    differences = [each for each in found if not each.startswith("requirements.")]
    return compare(before.observed, after.observed, differences, tolerance)


def check(job: Job) -> None:
    """Raises ConfigError for a `baseline` that a run of the job could not be compared with."""
    if job.baseline is None:
        return
    before = _empty(job.baseline, _run(job.baseline))
    for key, mine in (("task", job.task.name), ("quality", job.task.quality_scorer)):
        if (other := getattr(before, key)) != mine:
            raise ConfigError(f"baseline: its {key} is {other}, that of this run {mine}")


def observe(directory: Path) -> Observed:
    """The numbers of a run, case by case. Raises ConfigError, StorageError."""
    return _look(directory, "candidate").observed


def _look(directory: Path, label: str) -> _Look:
    run = _run(directory)
    observed = _empty(directory, run)
    job, most = _job(run, directory), None
    first: Answered | None = None
    replayed = 0
    try:
        for line in read_journal(directory / JOURNAL):
            _note(observed, line)
            if job is not None:
                mine = ceiling.of(job, line)
                most = mine if most is None else ceiling.highest([most, mine])
            replayed += line.replayed
            if isinstance(line, Answered) and own(line):
                earliest = first is None or (line.case, line.repeat) < (first.case, first.repeat)
                first = line if earliest else first
    except OSError as error:
        raise StorageError(f"{directory / JOURNAL}: {error.strerror}") from None
    observed.most_usd = most and most.usd
    counts = _counts(observed, replayed)
    result = Result(task=run.task, model=run.model, id=run.id, counts=counts)
    return _Look(observed, like_for_like.asked(label, result, run.config, first))


def _empty(directory: Path, run: Run) -> Observed:
    """What is known of a run before its journal is read."""
    task = run.config.get("task") or {}
    return Observed(
        side=Side(dir=str(directory), model=run.model, id=run.id),
        task=run.task,
        quality=task.get("quality") or next(iter(task.get("scorers") or {}), ""),
        prompt=[task.get("system"), task.get("prompt")],
        timing=run.config.get("concurrency"),
        confidence=(run.config.get("requirements") or {}).get("confidence", CONFIDENCE),
    )


def _job(run: Run, directory: Path) -> Job | None:
    """None: of another version, which is no obstacle to a comparison of what was measured."""
    try:
        return job_of(run, directory / RUN)
    except ConfigError:
        return None


def _run(directory: Path) -> Run:
    if not (directory / JOURNAL).is_file():
        runs = sorted(str(found.parent) for found in directory.glob(f"*/{JOURNAL}"))
        several = f"; name one of its runs: {', '.join(runs)}" if runs else ""
        raise ConfigError(f"{directory}: is no run: it has no {JOURNAL}{several}")
    return read_run(directory / RUN)


def _note(observed: Observed, line: Answered | Failed) -> None:
    seen = observed.cases.get(line.case)
    if seen is None:
        seen = observed.cases[line.case] = Seen(digest(line.messages), digest(line.expected))
    seen.outcomes += 1
    seen.cost_usd.append(line.cost_usd)
    if isinstance(line, Answered) and own(line):
        seen.answered += 1
        if not line.replayed:
            seen.latency_ms.append(line.seconds * 1000)
        for name, score in line.scores.items():
            seen.scores.setdefault(name, []).append(score.value)


def digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _counts(observed: Observed, replayed: int) -> Counts:
    outcomes = sum(seen.outcomes for seen in observed.cases.values())
    answered = sum(seen.answered for seen in observed.cases.values())
    return Counts(
        cases=len(observed.cases),
        outcomes=outcomes,
        answered=answered,
        failed=outcomes - answered,
        replayed=replayed,
    )
