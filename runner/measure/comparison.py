"""Two runs side by side: what is compared of each, and what `result.json` says of the two."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from runner.measure.observations import own, turns
from runner.record.outcomes import CONFIDENCE, Failed, Line, Record

# Names of changes; those of other scorers are score.<name>, as among the metrics.
QUALITY, ANSWERED = "quality", "answered"
COST, TYPICAL_COST = "cost_per_request_usd", "cost_p50_usd"
LATENCY, TAIL = "latency_p50_ms", "latency_p95_ms"

NAMES = {
    QUALITY: "quality",
    ANSWERED: "requests answered",
    LATENCY: "latency p50",
    TAIL: "latency p95",
    COST: "cost per request",
    TYPICAL_COST: "cost p50",
}
WATCHED = tuple(NAMES)  # what can regress
# Latency and cost waver: only what is proven to be more than this share above the baseline is a
# regression. Quality has no such allowance, and neither has the share of requests answered.
TOLERANCE = 0.1

Verdict = Literal["better", "worse", "not proven", "unknown"]


class Side(Record):
    dir: str
    model: str
    id: str
    missing: int = 0  # outcomes that there would be, were it complete


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
    """How a candidate compares with a baseline. `regressed` names what a gate is shut for."""

    task: str
    baseline: Side
    candidate: Side
    confidence: float = CONFIDENCE  # of the intervals
    tolerance: float = TOLERANCE
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


@dataclass
class CaseOutcomes:
    """What a run shows of one case, a number for each repeat; no texts but two hashes."""

    question: str  # hash of the messages
    expected: str  # hash
    outcomes: int = 0
    answered: int = 0  # by the model under test
    scores: dict[str, list[float]] = field(default_factory=dict)
    latency_ms: list[float] = field(default_factory=list)  # none of a replayed answer
    cost_usd: list[float | None] = field(default_factory=list)  # of every outcome


@dataclass
class Observed:
    """A run, for comparison; `prompt` is what its messages are made from."""

    side: Side  # as far as it is known before its lines are
    task: str
    quality: str  # the scorer whose mean is the quality
    prompt: object = None
    timing: object = None  # what latency hangs on beside the model: runs that differ can't be timed
    confidence: float = CONFIDENCE
    most_usd: float | None = None  # that a request can cost; None: nobody knows
    outcomes: int | None = None  # that there will be; None: as many as there are
    anytime: bool = False  # a race ended it, by what it had shown
    cases: dict[str, CaseOutcomes] = field(default_factory=dict)

    def note(self, line: Line) -> None:
        """A line that only keeps what was paid for is no outcome yet."""
        if isinstance(line, Failed) and line.open:
            return
        seen = self.cases.get(line.case)
        if seen is None:
            seen = self.cases[line.case] = CaseOutcomes(
                digest(line.messages), digest(line.expected)
            )
        seen.outcomes += 1
        seen.cost_usd.append(line.cost_usd)
        if own(line):
            seen.answered += 1
            if not line.replayed:
                seen.latency_ms.extend(turn.seconds * 1000 for turn in turns(line))
            for name, score in line.scores.items():
                seen.scores.setdefault(name, []).append(score.value)

    @property
    def compared(self) -> Side:
        """Once all its lines are noted."""
        there = sum(seen.outcomes for seen in self.cases.values())
        missing = 0 if self.outcomes is None else self.outcomes - there
        return self.side.model_copy(update={"missing": missing})


Pairs = Mapping[
    str, tuple[CaseOutcomes, CaseOutcomes]
]  # by case: in the baseline, in the candidate


def digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
