"""What the lines of a checklist are computed from, and what a line is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

from runner.decide.checklist.settings import Checklist
from runner.decide.notify import Notify
from runner.decide.spend import Alerts
from runner.drill.result import DrillResult
from runner.record.outcomes import Result

State = Literal["ticked", "open", "not applicable"]


@dataclass(frozen=True)
class Line:
    """One thing to have done, and what shows whether it is."""

    what: str
    state: State
    evidence: str
    link: Path | None = None
    age_days: int | None = 0  # of the evidence; what the config says now is of today; None: unknown


def line(
    what: str, ticked: bool, evidence: str, link: Path | None = None, age_days: int | None = 0
) -> Line:
    return Line(what, "ticked" if ticked else "open", evidence, link, age_days)


def aged(found: Line, max_age_days: int) -> Line:
    """Old evidence ticks nothing."""
    if found.state != "ticked" or found.age_days is None or found.age_days <= max_age_days:
        return found
    why = f"{found.evidence}; too old: {found.age_days} days, at most {max_age_days} count"
    return replace(found, state="open", evidence=why)


@dataclass(frozen=True)
class Cases:
    """The cases as they are now."""

    path: Path
    sha256: str
    count: int
    tags: Mapping[str, int]  # how many cases have each


@dataclass(frozen=True)
class Measured:
    """A complete run of the model on the task; what speaks against it makes it no evidence."""

    report: Path
    on: date
    result: Result
    objections: Sequence[str] = ()
    scores: Mapping[str, Sequence[float]] = field(default_factory=dict)  # the quality, by tag
    repriced: Sequence[str] = ()  # models that had another price then


@dataclass(frozen=True)
class Contest:
    """A complete sweep on the task."""

    report: Path
    on: date
    candidates: Sequence[str]  # measured on these very cases
    objections: Mapping[str, Sequence[str]]  # candidates that do not count, and why


@dataclass(frozen=True)
class Drilled:
    report: Path
    on: date
    result: DrillResult


@dataclass(frozen=True)
class Facts:
    """All that is known of a decision; None: there is no such record."""

    decision: Checklist
    today: date
    cases: Cases
    measured: Measured | None
    contest: Contest | None
    drilled: Drilled | None  # of the chain as it is now, or else of the model on the task
    alerts: Alerts
    notify: Notify
    files: Mapping[str, Path]  # where the config says it: by group, and `checklist` and `spend`

    def age_days(self, on: date) -> int:
        return (self.today - on).days
