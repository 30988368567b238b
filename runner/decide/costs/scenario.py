"""Every key of `conf/cost.yaml` and `conf/breakeven.yaml`, typed; units live in the names."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from runner.config.schema import Day, Share, Strict, Usd
from runner.decide.costs.workload import FinishedRun, Workload

Tokens = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Hours = Annotated[float, Field(gt=0, le=744)]  # of a month


class Scenario(Strict):
    """What both commands are told: a month of requests, and what to do with the answer."""

    input_tokens: Tokens
    output_tokens: Tokens
    requests_per_month: int = Field(ge=1)
    cached_share: Share  # of the input tokens
    batch_share: Share  # of the requests
    from_run: Path | None = Field(alias="from")
    day: Day | None  # of the prices; None: today
    notes: tuple[str, ...]
    format: Literal["table", "csv", "json"]
    to: Path | None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.input_tokens + self.output_tokens:
            raise ValueError("input_tokens and output_tokens: one must be above 0")
        return self

    def workload(self, run: FinishedRun | None) -> Workload:
        """The month that is asked about; a run's requests have sizes of their own."""
        return Workload(
            sizes=run.sizes if run else {(self.input_tokens, self.output_tokens): 1},
            requests_per_month=self.requests_per_month,
            cached_share=self.cached_share,
            batch_share=self.batch_share,
        )


class Classifier(Strict):
    usd_per_request: Usd | None  # None: what the model takes for these tokens
    model: str
    input_tokens: Tokens | None  # None: those of the request, and what tells it what to do
    output_tokens: Tokens


class Routing(Strict):
    """`simple_share` of the requests go to `simple`, the rest to one of `complex`."""

    simple: str
    complex: tuple[str, ...] = Field(min_length=1)
    simple_share: Share
    classifier: Classifier
    input_tokens: Tokens | None
    output_tokens: Tokens | None
    printed: dict[str, float]  # by the model for complex requests

    @model_validator(mode="after")
    def _whole_sizes(self) -> Self:
        if (self.input_tokens is None) != (self.output_tokens is None):
            raise ValueError("give both of input_tokens and output_tokens, or neither")
        return self

    @property
    def models(self) -> tuple[str, ...]:
        """Those that prices are needed of."""
        classifier = [self.classifier.model] if self.classifier.usd_per_request is None else []
        return *self.complex, self.simple, *classifier

    def named(self, keys: Collection[str]) -> tuple[str, ...]:
        """The models at these keys."""
        simple = [self.simple] if "simple" in keys else []
        return *simple, *(self.complex if "complex" in keys else ())

    def workload(self, asked: Workload) -> Workload:
        """The same month with the router's own request, where it has one."""
        if self.input_tokens is None or self.output_tokens is None:
            return asked
        return replace(asked, sizes={(self.input_tokens, self.output_tokens): 1})


class CostScenario(Scenario):
    outputs: Path | None
    models: tuple[str, ...] = Field(min_length=1)
    routing: bool
    router: Routing
    printed: dict[str, float]  # dollars a month, by model


class Server(Strict):
    """A server of one's own. A replica is the least that can answer: one or more GPUs."""

    gpu_usd_per_hour: Usd
    rented_hours_per_month: Hours
    serving_hours_per_month: Hours
    gpus_per_replica: int = Field(ge=1)
    input_tokens_per_second: Positive | None
    output_tokens_per_second: Positive
    utilisation: float = Field(gt=0, le=1)
    spare_replicas: int = Field(ge=0)
    engineering_hours_per_month: NotNegative
    engineering_usd_per_hour: Usd
    kilowatts_per_gpu: NotNegative
    usd_per_kwh: Usd

    @model_validator(mode="after")
    def _serves_while_rented(self) -> Self:
        if self.serving_hours_per_month > self.rented_hours_per_month:
            raise ValueError("serving_hours_per_month: more than rented_hours_per_month")
        return self


class BreakevenScenario(Scenario):
    api_model: str
    api_input_usd_per_mtok: Usd | None
    api_output_usd_per_mtok: Usd | None
    server: Server
    printed: dict[Literal["gpus", "api_usd", "server_usd", "savings_usd"], float]

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        if not self.output_tokens and self.server.input_tokens_per_second is None:
            raise ValueError("server.input_tokens_per_second: is needed where nothing is written")
        return self
