"""What a checklist is told, and all that its rows are computed from."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from runner.config.schema import Job, Name, Strict
from runner.decide.notify import Notify
from runner.decide.spend import Alerts
from runner.decide.traffic import Traffic
from runner.drill.result import DrillResult
from runner.record.outcomes import Result

State = Literal["ticked", "open", "not applicable"]


def _days(value: Any) -> timedelta:
    if days := re.fullmatch(r"([1-9]\d{0,4})d", str(value)):
        return timedelta(days=int(days[1]))
    raise ValueError("is no age; write 90d for 90 days")


class Answers(Strict):
    """What only people can say; None: nobody has."""

    compliance: bool | None  # whether there are rules to comply with
    self_hosting_team: bool | None
    provider_commitment: str | None = Field(min_length=1)
    production_cases: bool | None

    def shown(self, name: str) -> str:
        """As the config has it."""
        answer = getattr(self, name)
        said = str(answer).lower() if isinstance(answer, bool) else answer
        return f"answers.{name} is {'not given' if answer is None else said}"


class Checklist(Job):
    """conf/checklist.yaml: the decision as a job, and how much evidence is enough."""

    from_record: Path | None = Field(alias="from")
    max_age: Annotated[timedelta, BeforeValidator(_days)]
    cases_at_least: int = Field(ge=1)
    candidates_at_least: int = Field(ge=1)
    retires_within_days: int = Field(ge=0)
    edge_cases: dict[Name, str]  # the tag of each kind
    answers: Answers
    format: Literal["table", "markdown", "json"]
    to: Path | None


@dataclass(frozen=True)
class Cases:
    """The cases as they are now."""

    path: Path
    sha256: str
    count: int
    tags: Mapping[str, int]  # how many cases have each


@dataclass(frozen=True)
class MeasuredRun:
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
    measured: MeasuredRun | None
    contest: Contest | None
    drilled: Drilled | None  # of the chain as it is now, or else of the model on the task
    alerts: Alerts
    notify: Notify
    files: Mapping[str, Path]  # where the config says it: by group, and `checklist` and `spend`
    traffic: Traffic | None = None  # of the decision, as far back as evidence counts


class ChecklistRow(NamedTuple):
    what: str
    source: str  # of its evidence: a file of the config, by its group, or one of `_place`
    holds: bool | None
    evidence: str
    dated: date | None = None  # the evidence, where its source has several dates


@dataclass(frozen=True)
class Line:
    """A row as it came out."""

    what: str
    state: State
    evidence: str
    link: Path | None = None
    age_days: int | None = 0  # of the evidence; what the config says now is of today; None: unknown
