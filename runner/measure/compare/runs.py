"""One run held against another, from their journals."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from runner.config.schema import Job
from runner.errors import ConfigError
from runner.measure import ceiling, like_for_like
from runner.measure.compare import TOLERANCE, Observed, RunComparison, Seen, Side, compare
from runner.measure.observations import own
from runner.record.outcomes import CONFIDENCE, Answered, Counts, Line, Result
from runner.record.run import Run


class Look:
    """A run as it is compared, line by line of its journal."""

    def __init__(self, run: Run, label: str) -> None:
        """Raises ConfigError."""
        self._of = run.measurement
        self._label = label
        self._replayed = 0
        self._most: ceiling.Ceiling | None = None
        self._seen = like_for_like.Seen(run.quality_scorer)
        self.observed = Observed(
            side=Side(dir=str(run.directory), model=self._of.model, id=self._of.id),
            task=self._of.task,
            quality=run.quality_scorer,
            prompt=[run.task.get("system"), run.task.get("prompt")],
            timing=run.config.get("concurrency"),
            confidence=run.section("requirements").get("confidence", CONFIDENCE),
        )
        try:
            self._job: Job | None = run.job
        except ConfigError:  # of another version: no obstacle to a comparison of what was measured
            self._job = None

    def watch(self, lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            self._see(line)
            yield line

    def _see(self, line: Line) -> None:
        _note(self.observed, line)
        if self._job is not None:
            mine = ceiling.of(self._job, line)
            self._most = ceiling.highest([self._most, mine] if self._most else [mine])
            self.observed.most_usd = self._most.usd
        self._replayed += line.replayed
        self._seen.see(line)

    @property
    def asked(self) -> like_for_like.Inputs:
        """How its questions were asked, once all of it is seen."""
        of, counts = self._of, _counts(self.observed, self._replayed)
        result = Result(task=of.task, model=of.model, id=of.id, counts=counts)
        return like_for_like.asked(self._label, result, of.config, self._seen.first)


def against(baseline: Path, candidate: Path, tolerance: float = TOLERANCE) -> RunComparison:
    """How the run in `candidate` compares with the one in `baseline`.

    Raises ConfigError where there is nothing to compare, StorageError for a damaged journal.
    """
    return held_against(look(baseline, "baseline"), look(candidate, "candidate"), tolerance)


def held_against(before: Look, after: Look, tolerance: float = TOLERANCE) -> RunComparison:
    """How two runs that were looked at compare. Raises ConfigError."""
    for key in ("task", "quality"):
        one, other = getattr(before.observed, key), getattr(after.observed, key)
        if one != other:
            here, there = before.observed.side.dir, after.observed.side.dir
            raise ConfigError(f"{key}: is {one} in {here} and {other} in {there}")
    found = like_for_like.differences([before.asked, after.asked])
    # Requirements judge answers and shape none: two runs are alike whatever is required of them.
    differences = [each for each in found if not each.startswith("requirements.")]
    return compare(before.observed, after.observed, differences, tolerance)


def check(job: Job) -> None:
    """Raises ConfigError for a `baseline` that a run of the job could not be compared with."""
    if job.baseline is None:
        return
    before = Look(Run.open(job.baseline, at="baseline: "), "baseline").observed
    for key, mine in (("task", job.task.name), ("quality", job.task.quality_scorer)):
        if (other := getattr(before, key)) != mine:
            raise ConfigError(f"baseline: its {key} is {other}, that of this run {mine}")


def observe(directory: Path) -> Observed:
    """The numbers of a run, case by case. Raises ConfigError, StorageError."""
    return look(directory, "candidate").observed


def look(directory: Path, label: str) -> Look:
    """Look through the journal of a run. Raises ConfigError, StorageError."""
    run = Run.open(directory)
    found = Look(run, label)
    for _ in found.watch(run.outcomes()):
        pass
    return found


def _note(observed: Observed, line: Line) -> None:
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
