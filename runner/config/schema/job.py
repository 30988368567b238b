"""A job: one candidate on one task, what is required of it, and how it is asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from runner.config.schema.base import (
    DURATION,
    Data,
    FallbackKind,
    Gate,
    Name,
    Output,
    Privacy,
    Seconds,
    Share,
    Strict,
    Usd,
)
from runner.config.schema.composite import Model, models_of, reached, with_singles
from runner.config.schema.single import Single
from runner.config.schema.task import Task


class Bound(Strict):
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.min is None) == (self.max is None):
            raise ValueError("give exactly one of min and max")
        return self


class Requirements(Strict):
    """Bounds in the words of the people who set them; None: no such requirement."""

    name: Name
    # Of each verdict; beyond 0.9999 no number of cases that anybody has would do.
    confidence: float = Field(0.95, ge=0.5, le=0.9999)
    max_latency_ms: float | None = Field(None, gt=0)
    latency_percentile: Literal[50, 95] = 95
    max_cost_per_request: Usd | None = None
    min_quality_score: Share | None = None
    context_needed: int | None = Field(None, ge=1)
    data_privacy: Privacy = "standard"
    certifications: tuple[str, ...] = ()  # that every provider must have
    regions: tuple[str, ...] = ()  # the only ones a provider may work in; empty: any
    output_format: Output | None = None
    min_valid_output: Share = 0.95  # the share of outputs that must be in output_format
    requests_per_month: int | None = Field(None, ge=1)
    peak_factor: float = Field(3, ge=1)  # the busiest minute of the month, in average minutes
    availability: Share | None = None
    bounds: dict[str, Bound] = Field({})  # on any other metric, by its name in result.json


class Breaker(Strict):
    """Leaves a provider alone for `cooling` after so many failures in a row."""

    failures: int = Field(ge=1)
    cooling: Seconds


class Retry(Strict):
    """Which waits between the attempts of one model."""

    name: Name
    attempts: int = Field(ge=1)
    initial_wait: Seconds
    max_wait: Seconds
    jitter: Annotated[float, DURATION, Field(ge=0)]
    total: Seconds  # of a case, in requests and waits for the provider: then nothing is retried
    # One that can't be read, though its status was a success, is asked for so often again.
    invalid_replies: int = Field(0, ge=0)
    breaker: Breaker | None = None  # None: a failing provider is asked on


class Fallback(Strict):
    """Whole models to ask in turn when the one before failed with an error of `on`."""

    name: Name
    chain: dict[str, Model] = Field({})
    on: tuple[FallbackKind, ...] = ()

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.chain and not self.on:
            raise ValueError("on: name the errors that may fall back, e.g. [overloaded, timeout]")
        return self


class Callback(Strict):
    """Somebody whom litellm tells of every call."""

    name: Name  # as litellm knows it: langfuse, mlflow …
    data: Data = "third_party"  # where what it is told ends up

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Tracing(Strict):
    """Where OpenTelemetry spans go: over OTLP/HTTP to an endpoint."""

    endpoint: str  # http://127.0.0.1:4318
    data: Data
    content: bool = False  # true: prompts and answers are part of the spans


class Job(Strict):
    """One candidate on one task: all that a run needs to know."""

    task: Task
    model: Model
    requirements: Requirements
    retry: Retry
    fallback: Fallback
    limit: int | None = Field(ge=1)
    tags: tuple[str, ...]  # only cases with one of these
    repeats: int = Field(ge=1)
    concurrency: int = Field(ge=1)
    seed: int | None
    gate: Gate
    reuse: Path | None
    outputs: Path
    stream: bool = False  # answers are streamed, and the first token of each is timed
    duplicate: bool = False  # may be under way in two processes at once
    shards: int = Field(1, ge=1)  # processes that a run is divided among
    shard: int | None = None  # which of them this is, from 0; None: it is all of it
    budget_usd: Usd | None = None
    budget_dir: Path | None = None  # where processes that share it put what they spend
    estimate: bool = False
    race: bool = False  # a sweep asks no more of who can't win any more
    verbose: bool = False  # the terminal shows all that there is to say, and not the answer alone
    baseline: Path | None = None  # a run that this one is compared with
    junit: Path | None = None  # an XML file for CI
    callbacks: tuple[Callback, ...] = ()
    tracing: Tracing | None = None

    @field_validator("shard")
    @classmethod
    def _of_several(cls, shard: int | None, info: ValidationInfo) -> int | None:
        shards = info.data.get("shards", 1)
        if shard is not None and (shards == 1 or not 0 <= shard < shards):
            raise ValueError(f"is set for each of several; say shards={max(2, shards)}")
        return shard

    @property
    def chain(self) -> dict[str, Model]:
        """The model and then its fallbacks, by the keys that they are configured at."""
        fallbacks = self.fallback.chain.items()
        return {"model": self.model, **{f"fallback.chain.{key}": each for key, each in fallbacks}}

    @property
    def judges(self) -> dict[str, Model]:
        return {f"task.scorers.{k}": each for k, each in models_of(self.task.scorers).items()}

    @property
    def answering(self) -> dict[str, Single]:
        """Every single model that may be asked for an answer, by the key it is configured at."""
        return reached(self.chain)

    @property
    def judging(self) -> dict[str, Single]:
        """Every single model that scorers may ask."""
        return reached(self.judges)

    @property
    def models(self) -> dict[str, Single]:
        """Every single model that a request of this job may reach."""
        return reached(self.chain | self.judges)

    @property
    def label(self) -> str:
        return f"{self.task.name}-{self.model.name}"

    @property
    def part(self) -> tuple[int, int]:
        """The first line or question that is its own, from 0, and how far it is to each next."""
        return (0, 1) if self.shard is None else (self.shard, self.shards)

    @property
    def on_device(self) -> bool:
        """Whether some of the work is done by this machine."""
        return any(model.provider.data == "on_device" for model in self.models.values())

    def with_singles(self, new: Callable[[Single], Single]) -> Self:
        """The job with every single model that it may reach replaced."""
        replaced: Self = with_singles(self, new)
        return replaced
