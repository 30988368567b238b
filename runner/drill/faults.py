"""What a drill needs to know besides its job: the faults, as data."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from runner.config.schema import Job, Name, Seconds, Strict

Status = Literal[400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529]


class Step(Strict):
    """What one request gets: the error of `status` if that is set, else what `does` says."""

    does: Literal["ok", "wrong_format", "garbled", "cut", "reset", "hang"] = "ok"
    status: Status | None = None
    retry_after: Seconds | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, int):
            return {"status": value}
        return {"does": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _errors_wait(self) -> "Step":
        if self.retry_after and not self.status:
            raise ValueError("retry_after: goes with a status, e.g. 429")
        return self


class Fault(Strict):
    """What goes wrong with the first model that is asked for an answer to a case."""

    answers: tuple[Step, ...]  # the last one to all requests that follow
    stream: bool = False
    expect: Literal["answer", "stop"] = "answer"  # stop: at once, since no other model mends it

    @field_validator("answers")
    @classmethod
    def _some(cls, answers: tuple[Step, ...]) -> tuple[Step, ...]:
        if not answers:
            raise ValueError("give one or more, e.g. [503, ok]")
        return answers


class Drill(Job):
    """A job, and what is to go wrong with it."""

    faults: dict[Name, Fault] = Field(min_length=1)
    only: tuple[str, ...]
    served: bool = False  # asked through the server, as its clients do
