"""What came of one request in production: a line of output, or what a client returns."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from runner.cases import reading
from runner.config.schema import Task
from runner.errors import ErrorKind
from runner.price import total
from runner.record.outcomes import Answered, Failed, Record, ToolCall, Usage

Kind = ErrorKind | Literal["invalid_input"]  # the latter: not sent, since it is no request


class Answer(Record):
    """An answer, or why there is none. As JSON its keys are the names here, but `json`."""

    id: str
    line: int | None = None  # of the input, from 1; None: asked by a client
    status: Literal["answered", "failed"]
    output: str | None = None  # what the model wrote, less its reasoning; None: nothing
    # Of a conversation: the answer to each turn, of which `output` is the last.
    turns: list[str] | None = Field(None, exclude_if=lambda found: found is None)
    # The value that `output` is the JSON of, where the task asks for JSON and got it.
    parsed: Any = Field(None, alias="json")
    tool_calls: list[ToolCall] = Field([])  # that it asks for: nothing has run them
    served_by: str | None = None  # the single model that answered
    fallback: str | None = None  # its key in the chain, where the model itself did not answer
    model_served: str | None = None  # the id that the provider says answered
    finish_reason: str | None = None
    usage: Usage | None = None
    cost_usd: float | None  # of all attempts together; None: unknown
    seconds: float  # provider time of all attempts together, waits left out
    waited_seconds: float = 0.0  # for a limit, a pause, or between attempts
    kind: Kind | None = None  # of the error
    error: str | None = None


@dataclass
class Totals:
    answered: int = 0
    failed: int = 0
    cost_usd: float | None = 0.0  # None: unknown

    @property
    def requests(self) -> int:
        return self.answered + self.failed

    def add(self, answer: Answer) -> None:
        self.answered += answer.status == "answered"
        self.failed += answer.status == "failed"
        self.cost_usd = total((self.cost_usd, answer.cost_usd))


def answer(outcome: Answered | Failed, task: Task, *, as_json: bool) -> Answer:
    common: dict[str, Any] = {
        "id": outcome.case,
        "line": outcome.line,
        "status": outcome.status,
        "cost_usd": outcome.cost_usd,
        "seconds": outcome.seconds,
        "waited_seconds": outcome.queued_seconds
        + sum(attempt.waited_seconds for attempt in outcome.attempts),
    }
    if outcome.exchanges:
        replies = {each.turn: each.reply for each in outcome.exchanges}
        common["turns"] = list(replies.values())
    if isinstance(outcome, Failed):
        return Answer(**common, kind=outcome.kind, error=outcome.error)
    return Answer(
        **common,
        output=outcome.reply,
        parsed=_parsed(outcome.reply, task.fenced) if as_json else None,
        tool_calls=outcome.tool_calls,
        served_by=outcome.served_by,
        fallback=outcome.fallback,
        model_served=outcome.model_served,
        finish_reason=outcome.finish_reason,
        usage=outcome.usage,
    )


def invalid(problem: str, id: str, line: int | None = None) -> Answer:
    """What comes of a request that nobody can be asked."""
    return Answer(
        id=id,
        line=line,
        status="failed",
        cost_usd=0.0,
        seconds=0.0,
        kind="invalid_input",
        error=problem,
    )


def _parsed(text: str, fenced: bool) -> Any:
    try:
        value, _ = reading.as_json(text, fenced=fenced)
    except ValueError:
        return None
    return value
