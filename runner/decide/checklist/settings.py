"""What `checklist` is told: the decision as a job, and how much evidence is enough."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from runner.config.schema import Job, Name, Strict


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


class Checklist(Job):
    """conf/checklist.yaml."""

    from_record: Path | None = Field(alias="from")
    max_age: Annotated[timedelta, BeforeValidator(_days)]
    cases_at_least: int = Field(ge=1)
    candidates_at_least: int = Field(ge=1)
    retires_within_days: int = Field(ge=0)
    edge_cases: dict[Name, str]  # the tag of each kind
    answers: Answers
    format: Literal["table", "markdown", "json"]
    to: Path | None
