"""A run as it is compared: numbers of each case, and no texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.measure.compare.comparison import Side
from runner.record.outcomes import CONFIDENCE


@dataclass
class Seen:
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

    side: Side
    task: str
    quality: str  # the scorer whose mean is the quality
    prompt: object = None
    timing: object = None  # what latency hangs on beside the model: runs that differ can't be timed
    confidence: float = CONFIDENCE
    most_usd: float | None = None  # that a request can cost; None: nobody knows
    cases: dict[str, Seen] = field(default_factory=dict)


Pairs = Mapping[str, tuple[Seen, Seen]]  # by case: in the baseline, in the candidate
