"""What a server is told: conf/serve.yaml, and the decisions that it makes."""

import ipaddress
import os
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field, model_validator

from runner.config.schema import Name, Seconds, Share, Strict, Usd
from runner.errors import ConfigError
from runner.production.job import Production

_LEAST_KEY = 16  # characters


class Limits(Strict):
    """What one client may take of the server, so that there is some left for the others."""

    waiting: int = Field(ge=0)  # requests beyond `concurrency`; the next one gets a 429
    body_bytes: int = Field(ge=1)
    max_tokens: int | None = Field(ge=1)  # that a request may ask for; None: the task's own
    n: int = Field(ge=1)  # answers to one request
    connections: int = Field(ge=1)  # open at once
    header_time: Seconds  # until a connection has sent what it wants
    body_time: Seconds  # and all of it
    write_time: Seconds  # in which a client takes nothing of its answer


class Shadow(Strict):
    """A second candidate, asked about a share of the traffic beside the answer."""

    model: Name  # an option of conf/model/
    share: Share
    budget_usd: Usd  # of a day
    waiting: int = Field(32, ge=1)  # requests; what comes beyond is left out, and counted


class Serving(Strict):
    host: str
    port: int = Field(ge=0, le=65535)  # 0: any that is free
    key_env: str | None = Field(pattern=r"^[A-Z_][A-Z0-9_]*$")  # None: no key
    pass_through: bool
    limits: Limits
    shadow: Shadow | None
    drain: Seconds
    dry_run: bool

    @property
    def key(self) -> str | None:
        """That clients send; never on record, and in no message."""
        return os.environ.get(self.key_env, "").strip() if self.key_env else None

    def problems(self) -> Iterator[str]:
        """A line for whatever would leave the address open to others."""
        if self.key_env is None:
            if not on_loopback(self.host):
                yield f"key_env: a server on {self.host} needs a key; name its variable"
        elif not self.key and not self.dry_run:
            alone = ", or say key_env=null: then anyone on this machine may ask"
            yield (
                f"key_env: set {self.key_env}, the key that clients will send, in the environment"
                f"{alone if on_loopback(self.host) else ''}"
            )
        elif self.key and len(self.key) < _LEAST_KEY:
            yield f"key_env: the key in {self.key_env} has under {_LEAST_KEY} characters"


class ServeJob(Serving, Production):
    """conf/serve.yaml: a server, and the decision of one of its tasks."""

    tasks: tuple[Name, ...]  # empty: `task` alone

    @model_validator(mode="after")
    def _each_once(self) -> "ServeJob":
        if len(set(self.tasks)) < len(self.tasks):
            raise ValueError("tasks: each once")
        return self

    @property
    def decision(self) -> Production:
        return Production.model_construct(
            **{name: getattr(self, name) for name in Production.model_fields}
        )

    @property
    def serving(self) -> Serving:
        return Serving.model_construct(
            **{name: getattr(self, name) for name in Serving.model_fields}
        )


@dataclass(frozen=True)
class Served:
    """All that one server answers with: each decision, and perhaps its shadow, by its task."""

    serving: Serving
    decisions: dict[str, Production]
    shadows: dict[str, Production]

    @property
    def concurrency(self) -> int:
        return max(each.concurrency for each in self.decisions.values())

    def check(self) -> None:
        """Whatever can fail for free. Raises ConfigError."""
        from runner.production.deployment import check_production

        problems = list(self.serving.problems())
        limit = self.serving.limits.max_tokens
        for name, job in self.decisions.items():
            if limit is not None and limit < job.task.sampling.max_tokens:
                own = job.task.sampling.max_tokens
                problems.append(f"limits.max_tokens: is {limit}, and task {name} asks for {own}")
            if job.estimate:
                problems.append("estimate: is for commands; a server is there to answer")
        for job in (*self.decisions.values(), *self.shadows.values()):
            try:
                check_production(job)
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(*dict.fromkeys(problems))


def on_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
