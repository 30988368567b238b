"""How two runs compare, as it stands in `result.json`."""

from typing import Literal

from runner.record.outcomes import CONFIDENCE, Record

# Names of changes; those of other scorers are score.<name>, as among the metrics.
QUALITY, ANSWERED = "quality", "answered"
COST, TYPICAL_COST = "cost_per_request_usd", "cost_p50_usd"
LATENCY, TAIL = "latency_p50_ms", "latency_p95_ms"

Verdict = Literal["better", "worse", "not proven", "unknown"]


class Side(Record):
    dir: str
    model: str
    id: str


class Flip(Record):
    """A case whose quality is another, as the mean of its repeats."""

    case: str
    before: float
    after: float


class Change(Record):
    """One number of the two runs, on the cases that they have in common.

    `change` is a difference for scores and shares, and a ratio, candidate over baseline, for
    latency and cost; `low` and `high` are its interval. `smallest` is the true difference
    that so many cases show in 8 of 10 runs; None: not even the largest, or nobody knows.
    """

    name: str
    unit: str
    before: float | None
    after: float | None
    change: float | None
    low: float | None
    high: float | None
    n: int  # cases
    verdict: Verdict
    p_value: float | None = None
    smallest: float | None = None


class RunComparison(Record):
    """How a candidate compares with a baseline. `regressed` names what the gate is shut for."""

    task: str
    baseline: Side
    candidate: Side
    confidence: float = CONFIDENCE  # of the intervals
    n: int  # cases compared
    only_baseline: list[str]  # cases
    only_candidate: list[str]
    changed: list[str]  # cases of one id that are not the same case
    changes: list[Change]
    fell: list[Flip]  # the largest first
    rose: list[Flip]
    fell_count: int
    rose_count: int
    differences: list[str]  # where the two were not asked alike
    regressed: list[str]
