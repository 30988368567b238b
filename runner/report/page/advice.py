"""What the first screen of a page says of one task: what to do, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runner.decide.recommend import Compared, Recommendation
from runner.record.outcomes import Result
from runner.report import words


@dataclass(frozen=True)
class Advice:
    headline: str
    reasons: Sequence[str]
    more: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by their headings
    differences: Sequence[str] = ()  # where it is not like for like
    compared_with: str | None = None
    compared: Mapping[str, Compared] = field(default_factory=dict)
    front: Sequence[str] = ()  # who is dominated by nobody

    @classmethod
    def on_run(cls, result: Result) -> Advice:
        reasons = [verdict.why for verdict in result.verdicts]
        return cls(
            words.conclusion(result), reasons, differences=result.notes, front=[result.model]
        )

    @classmethod
    def on_sweep(cls, said: Recommendation) -> Advice:
        more = {
            "Why not the others": [f"{label} {why}" for label, why in said.why_not.items()],
            "What would change the answer": said.would_change,
            "What to do next": said.next_steps,
        }
        smallest = [said.smallest_difference] if said.smallest_difference else []
        return cls(
            said.headline,
            [*said.reasons, *smallest],
            {heading: lines for heading, lines in more.items() if lines},
            list(dict.fromkeys(said.differences)),
            said.compared_with,
            said.compared,
            said.front,
        )
