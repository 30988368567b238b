"""What a production run is told: a job that measures nothing."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from runner.cases.cases import Case
from runner.cases.query import Question, query
from runner.config.identity import shape
from runner.config.schema import Job, Model, Strict
from runner.config.validation import validated
from runner.errors import ConfigError
from runner.pipeline import tool_results
from runner.record.outcomes import Message

# What only a measurement can be told, and what it is where nobody says anything.
_MEASURING = {
    "tags": (),
    "repeats": 1,
    "gate": False,
    "baseline": None,
    "junit": None,
    "reuse": None,
    "stream": False,
    "race": False,
}


class Production(Job):
    """A decision at work: nothing is scored, so that models which judge are not among its own."""

    @property
    def judges(self) -> dict[str, Model]:
        return {}

    @model_validator(mode="after")
    def _measures_nothing(self) -> Self:
        for key, unset in _MEASURING.items():
            if getattr(self, key) != unset:
                raise ValueError(f"{key}: is for measuring; in production it has no meaning")
        return self

    @property
    def wants_json(self) -> bool:
        return self.task.output == "json" or self.task.json_schema is not None

    def question(
        self, case: Case, messages: list[Message], key: str, line: int | None = None
    ) -> Question:
        """`line` is that of the input, from 1."""
        return Question(query(self.task, case, messages, self.seed), key, line=line)

    def fingerprint(self) -> str:
        """Hash of all that shapes an answer but the request itself."""
        own = {"name", "system", "prompt", "output", "json_schema", "sampling"}
        if self.task.tools:
            own |= {"tools", "tool_choice", "parallel_tool_calls", "steps"}
        text = json.dumps(
            [
                self.task.model_dump(mode="json", include=own),
                [shape(model) for model in self.chain.values()],
                [[one.drop_params, one.max_output_tokens] for one in self.answering.values()],
                self.fallback.on,
                self.seed,
                *filter(None, [tool_results.fingerprint(self.task)]),
            ],
            sort_keys=True,
            default=str,
        )
        return hashlib.sha256(text.encode()).hexdigest()


def request_key(fingerprint: str, request: bytes) -> str:
    """Hash of all that shapes an answer."""
    return hashlib.sha256(fingerprint.encode() + request).hexdigest()[:16]


def _given(value: str) -> str:
    if value == "???":  # OmegaConf's word for it, which a text may not be
        raise ValueError("is missing")
    return value


class _Paths(Strict):
    input: Annotated[
        str, Field(min_length=1), AfterValidator(_given)
    ]  # a file, "-" for standard input, or a text
    output: str = Field(min_length=1)  # a file, or "-" for standard output
    overwrite: bool


class BatchJob(_Paths, Production):
    """conf/run.yaml."""

    @property
    def output_file(self) -> Path | None:
        """None: standard output."""
        return None if self.output == "-" else Path(self.output).absolute()


def production(config: dict[str, object]) -> Production:
    """The decision that conf/run.yaml makes, for whoever brings the inputs. Raises ConfigError."""
    wrong = [key for key in _Paths.model_fields if config.get(key) not in (None, "???", "-", False)]
    for key in [*wrong, *(["shards"] if config.get("shards", 1) != 1 else [])]:
        raise ConfigError(f"{key}: is for the command run; a client has no such key")
    if config.get("estimate"):
        raise ConfigError("estimate: is for commands; a client is there to ask")
    rest = {key: value for key, value in config.items() if key not in _Paths.model_fields}
    return validated(Production, rest)
