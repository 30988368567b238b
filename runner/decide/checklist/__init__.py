"""Is a decision ready? Each line is computed from what is on record, or answered by people."""

from collections.abc import Mapping, Sequence

from runner.decide.checklist.evaluation import evaluation
from runner.decide.checklist.facts import Facts, Line, aged
from runner.decide.checklist.planning import constraints, requirements
from runner.decide.checklist.readiness import readiness

__all__ = ["Lines", "lines"]

Lines = Mapping[str, Sequence[Line]]  # by heading

_HEADINGS = {
    "Requirements": requirements,
    "Constraints": constraints,
    "Evaluation": evaluation,
    "Production readiness": readiness,
}


def lines(facts: Facts) -> Lines:
    """Every line of the checklist."""
    most = facts.decision.max_age.days
    return {
        heading: [aged(each, most) for each in found(facts)] for heading, found in _HEADINGS.items()
    }
