"""One run held against another, case by case: what is proven to have changed, and what flipped."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean

from runner.config.schema import Job
from runner.errors import ConfigError
from runner.measure import ceiling, like_for_like
from runner.measure.comparison import (
    ANSWERED,
    COST,
    LATENCY,
    QUALITY,
    TAIL,
    TOLERANCE,
    TYPICAL_COST,
    Change,
    Flip,
    Observed,
    Pairs,
    RunComparison,
    Side,
)
from runner.record.files import typed
from runner.record.outcomes import CONFIDENCE, Line
from runner.record.run import Run

_LISTED = 100  # flipped cases of a kind that a record names


class Look:
    """A run as it is compared, line by line of its journal."""

    def __init__(self, run: Run, label: str) -> None:
        """Raises ConfigError."""
        of = run.provenance
        measured = run.kind != "production"
        self._config = of.config
        self._label = label
        self._seen = like_for_like.JournalDigest(run.quality_scorer)
        self.observed = Observed(
            side=Side(dir=str(run.directory), model=of.model, id=of.id),
            task=of.task,
            quality=run.quality_scorer,
            prompt=[run.task.get("system"), run.task.get("prompt")],
            timing=run.config.get("concurrency"),
            confidence=run.section("requirements").get("confidence", CONFIDENCE),
            outcomes=run.measurement.outcomes if measured else None,
            anytime=measured and bool(run.measurement.race and run.measurement.race.stopped),
        )
        try:
            self._most: ceiling.Most | None = ceiling.Most(typed(Job, of.config, ""))
        except ConfigError:  # of another version: no obstacle to a comparison of what was measured
            self._most = None

    def watch(self, lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            self._see(line)
            yield line

    def _see(self, line: Line) -> None:
        self.observed.note(line)
        if self._most and (most := self._most.add(line)):
            self.observed.most_usd = most.usd
        self._seen.see(line)

    @property
    def asked(self) -> like_for_like.Inputs:
        """How its questions were asked, once all of it is seen."""
        return like_for_like.asked(self._label, self._config, self._seen)


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


def look(directory: Path, label: str) -> Look:
    """Look through the journal of a run, one in production, too: of that nothing has a score.

    Raises ConfigError, StorageError.
    """
    run = Run.open(directory, production=True)
    found = Look(run, label)
    for _ in found.watch(run.outcomes()):
        pass
    return found


def compare(
    before: Observed,
    after: Observed,
    differences: Sequence[str] = (),
    tolerance: float = TOLERANCE,
) -> RunComparison:
    """`after` held against `before`, of which quality is the same scorer's mean."""
    from runner.measure.changes import costs, latencies, scores

    both = sorted(before.cases.keys() & after.cases.keys())
    common = [case for case in both if _same(before, after, case)]
    pairs = {case: (before.cases[case], after.cases[case]) for case in common}
    changes = [
        *scores(before, after, pairs),
        *latencies(before, after, pairs),
        *costs(before, after, pairs),
    ]
    fell, rose = _flips(pairs, after.quality)
    return RunComparison(
        task=after.task,
        baseline=before.compared,
        candidate=after.compared,
        confidence=after.confidence,
        tolerance=tolerance,
        n=len(common),
        only_baseline=sorted(before.cases.keys() - after.cases.keys()),
        only_candidate=sorted(after.cases.keys() - before.cases.keys()),
        changed=[case for case in both if case not in pairs],
        changes=changes,
        fell=fell[:_LISTED],
        rose=rose[:_LISTED],
        fell_count=len(fell),
        rose_count=len(rose),
        differences=list(differences),
        regressed=[change.name for change in changes if _regressed(change, tolerance)],
    )


def _regressed(change: Change, tolerance: float) -> bool:
    if change.name in (QUALITY, ANSWERED):
        return change.verdict == "worse"
    if change.name in (LATENCY, TAIL, COST, TYPICAL_COST):
        free_before = change.change is None and change.verdict == "worse"
        return free_before or (change.low is not None and change.low > 1 + tolerance)
    return False


def _same(before: Observed, after: Observed, case: str) -> bool:
    """Another prompt makes other messages of one case: then its expected value alone tells."""
    one, other = before.cases[case], after.cases[case]
    return one.expected == other.expected and (
        one.question == other.question or before.prompt != after.prompt
    )


def _flips(pairs: Pairs, quality: str) -> tuple[list[Flip], list[Flip]]:
    """The cases whose quality fell, and those where it rose, the largest changes first."""
    found = [
        Flip(case=case, before=fmean(before.scores[quality]), after=fmean(after.scores[quality]))
        for case, (before, after) in pairs.items()
        if before.scores.get(quality) and after.scores.get(quality)
    ]
    found.sort(key=lambda flip: (-abs(flip.after - flip.before), flip.case))
    return (
        [flip for flip in found if flip.after < flip.before],
        [flip for flip in found if flip.after > flip.before],
    )
