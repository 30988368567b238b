"""What a run leaves on disk: the lines of `cases.jsonl`, typed.

A call that failed is another type than an answer that was wrong: it has no text and no scores,
so that nothing can average it by accident.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from runner.errors import ErrorKind

Message = dict[str, str]


class Record(BaseModel):
    """A line or a part of one: frozen, and tolerant of keys that a later version adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Usage(Record):
    """Tokens as the provider counted them; `input_tokens` includes the cached ones."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0


class Reply(Record):
    """What one successful HTTP request brought back."""

    text: str
    finish_reason: str
    usage: Usage | None  # None: the provider did not say
    seconds: float  # from the first byte sent to the last byte received
    model_served: str | None  # the id that the provider says answered
    request: dict[str, Any]  # the body that really went over the wire
    http_requests: int = 1


class Attempt(Record):
    """One call and how it ended. Each is recorded, timed and paid for."""

    model: str
    seconds: float
    waited_seconds: float  # back-off before this attempt, by our own choice
    cost_usd: float | None  # None: unknown
    http_requests: int
    status: int | None = None  # HTTP
    error: ErrorKind | None = None
    message: str | None = None


class Score(Record):
    """How good one answer is, from 0 to 1, and why; `details` feeds the scorer's own tables."""

    value: float = Field(ge=0, le=1)
    why: str
    details: dict[str, Any] = {}


class Outcome(Record):
    """What Answered and Failed have in common."""

    case: str
    repeat: int
    model: str
    key: str  # hash of all that shapes the answer; equal keys may be replayed
    messages: list[Message]
    request: dict[str, Any]
    tags: list[str] = []
    expected: Any = None
    cost_usd: float | None  # of all attempts together; None: unknown
    seconds: float  # provider time of all attempts together, waits left out
    queued_seconds: float  # waiting for a free slot, by our own choice
    attempts: list[Attempt]
    replayed: bool = False  # taken over from an earlier run: paid for and timed then


class Answered(Outcome):
    status: Literal["answered"] = "answered"
    served_by: str
    model_served: str | None
    reply: str
    finish_reason: str
    usage: Usage | None
    scores: dict[str, Score]
    error: None = None

    def as_reply(self) -> Reply:
        """The answer as a scorer sees it, out of the record."""
        return Reply(
            text=self.reply,
            finish_reason=self.finish_reason,
            usage=self.usage,
            seconds=self.seconds,
            model_served=self.model_served,
            request=self.request,
        )


class Failed(Outcome):
    status: Literal["failed"] = "failed"
    error: str


Line: TypeAdapter[Answered | Failed] = TypeAdapter(
    Annotated[Answered | Failed, Field(discriminator="status")]
)


class Metric(Record):
    """A measured number with its 95 % interval; None is unknown, in each of them."""

    value: float | None
    low: float | None
    high: float | None
    n: int  # how many observations it rests on
    unit: str


class Verdict(Record):
    """One requirement held against the evidence."""

    requirement: str
    bound: float | str | None
    value: float | str | None
    verdict: Literal["met", "missed", "not proven", "unknown"]
    why: str


class Counts(Record):
    cases: int
    outcomes: int
    answered: int
    failed: int
    replayed: int


class Result(Record):
    """`result.json` of one run; with `error` set it could not run and has no numbers."""

    task: str
    model: str
    id: str
    error: str | None = None
    complete: bool = False
    counts: Counts | None = None
    metrics: dict[str, Metric] = {}
    verdicts: list[Verdict] = []
    notes: list[str] = []  # where this run is not like for like with another, or not as pinned
    spent_usd: float | None = None  # by this run itself; replayed answers were paid for before
