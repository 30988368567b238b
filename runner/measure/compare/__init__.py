"""Two runs of one task, case by case: what is proven to have changed, and which cases flipped.

Pure: from numbers to a record, without a look at any file. Latencies are those of two times of
day: what is proven of them holds for these two runs.
"""

from collections.abc import Sequence
from statistics import fmean

from runner.measure.compare.comparison import (
    ANSWERED,
    COST,
    LATENCY,
    QUALITY,
    TAIL,
    TYPICAL_COST,
    Change,
    Flip,
    RunComparison,
    Side,
)
from runner.measure.compare.observed import Observed, Pairs, Seen
from runner.measure.compare.ratios import costs, latencies
from runner.measure.compare.scores import scores

__all__ = [
    "ANSWERED",
    "COST",
    "LATENCY",
    "QUALITY",
    "TAIL",
    "TOLERANCE",
    "TYPICAL_COST",
    "Change",
    "Flip",
    "Observed",
    "RunComparison",
    "Seen",
    "Side",
    "compare",
]

# Latency and cost waver: only what is proven to be more than this share above the baseline is a
# regression. Quality has no such allowance, and neither has the share of requests answered.
TOLERANCE = 0.1
_LISTED = 100  # flipped cases of a kind that a record names


def compare(
    before: Observed,
    after: Observed,
    differences: Sequence[str] = (),
    tolerance: float = TOLERANCE,
) -> RunComparison:
    """`after` held against `before`, of which quality is the same scorer's mean."""
    both = sorted(before.cases.keys() & after.cases.keys())
    common = [case for case in both if _same(before, after, case)]
    pairs = {case: (before.cases[case], after.cases[case]) for case in common}
    changes = [
        *scores(pairs, after.quality, after.confidence),
        *latencies(before, after, pairs),
        *costs(before, after, pairs),
    ]
    fell, rose = _flips(pairs, after.quality)
    return RunComparison(
        task=after.task,
        baseline=before.side,
        candidate=after.side,
        confidence=after.confidence,
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
