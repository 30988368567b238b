"""What a run leaves on disk: the lines of `cases.jsonl`, typed.

A call that failed is another type than an answer that was wrong: it has no text and no scores,
so that nothing can average it by accident.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from runner.errors import ErrorKind

# role and content; content is a text, or parts: {"type": "text", "text"} and
# {"type": "image", "path", "sha256"}, which the call turns into what the provider takes. An
# assistant's may have `tool_calls`, each as `ToolCall.message` has it, a tool's has `tool_call_id`.
Message = dict[str, Any]
Schema = Literal["enforced", "prompted"]  # by the provider, or by words in the prompt


def _iso(text: str) -> str:
    try:
        datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"no such time: {text}") from None
    return text


Iso = Annotated[str, AfterValidator(_iso)]  # a time in ISO 8601


class Record(BaseModel):
    """A line or a part of one: frozen, and tolerant of keys that a later version adds."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,  # JSON has neither
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class Usage(Record):
    """Tokens as the provider counted them.

    `input_tokens` includes those read from and written to a cache, `output_tokens` the reasoning.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


class ToolCall(Record):
    """A tool that an answer calls. Whether it was offered, and takes this, nobody has looked at."""

    id: str  # the provider's; where it gives none, `made_up_id`
    name: str
    arguments: str  # JSON as it was sent, if it is JSON; of an object, that object as JSON

    def message(self) -> dict[str, Any]:
        """As it stands in the `tool_calls` of an assistant's message."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


def made_up_id(number: int) -> str:
    """Of the call of that number, from 1: of the only form that Mistral takes, as all others do."""
    return f"call{number:05d}"


class Reply(Record):
    """What one successful HTTP request brought back."""

    text: str  # may be empty where tools are called
    tool_calls: list[ToolCall] = []  # in the order that they came in
    reasoning: str = ""  # taken off the text, as the model's `reasoning_tags` say
    finish_reason: str
    usage: Usage | None  # None: the provider did not say
    seconds: float  # from the first byte sent to the last byte received
    model_served: str | None  # the id that the provider says answered
    request: dict[str, Any]  # the body that really went over the wire
    http_requests: int = 1
    by_litellm: str = ""  # why litellm sent the request, and we did not
    first_token_seconds: float | None = None  # of a stream: until the first token of its answer


Role = Literal["answer", "classifier", "judge"]


class Attempt(Record):
    """One call and how it ended. Each is recorded, timed and paid for."""

    model: str
    provider: str = ""
    role: Role = "answer"
    arm: str = ""  # the way through a composite model: complex.cheap
    exchange: int | None = None  # of a conversation: which of its requests it was, from 1
    fallback: str | None = None  # its key in the chain, where it was not the model under test
    at: Iso | None = None  # when it was sent, in UTC
    seconds: float
    first_token_seconds: float | None = None
    waited_seconds: float  # back-off before this attempt, by our own choice
    cost_usd: float | None  # None: unknown
    http_requests: int
    by_litellm: str = ""  # why litellm sent it, and we did not
    status: int | None = None  # HTTP
    error: ErrorKind | None = None
    message: str | None = None
    usage: Usage | None = None
    replayed: bool = False  # made, and paid for, by an earlier run whose answer is reused
    worst_usd: float | None = None  # the most it can have cost, where the cost is unknown
    sent: str | None = None  # its id among what was sent: see `Sent`

    @property
    def in_flight(self) -> bool:
        """Whether all that is on record of it is that it was sent."""
        return self.error == "interrupted"


class Sent(Record):
    """A line of what was sent: before a request, and once more when it has ended.

    Only where more is asked before there is an outcome does the second line have the reply.
    """

    attempt: Attempt
    asked: str = ""  # hash of the request: equal ones may take one another's reply
    reply: Reply | None = None


class Skipped(Record):
    """A model that was not asked although its turn had come."""

    model: str
    why: str


class Choice(Record):
    """What a composite model decided on the way to an answer."""

    model: str  # the router, cascade or split
    arm: str
    how: Literal[
        "classified",
        "unparsable",
        "unclassified",
        "rule",
        "otherwise",
        "weight",
        "first",
        "escalated",
    ]
    why: str = ""


class Score(Record):
    """How good one answer is, from 0 to 1, and why; `details` feeds the scorer's own tables."""

    value: float = Field(ge=0, le=1)
    why: str
    details: dict[str, Any] = {}
    key: str = ""  # hash of the scorer, its options and what it compared with
    # What the scorer itself gave, where a person has accepted the answer since.
    scored: float | None = Field(None, exclude_if=lambda found: found is None)

    @property
    def by_scorer(self) -> float:
        return self.value if self.scored is None else self.scored


class Exchange(Record):
    """One request of a question that took several, and what came of it."""

    turn: int  # of the user's, from 1
    said: list[Message]  # since the answer before
    reply: str
    tool_calls: list[ToolCall] = []
    problems: list[str] = []  # calls that went wrong, and how: their results say it, too
    reasoning: str = ""
    finish_reason: str
    usage: Usage | None
    seconds: float  # provider time of its attempts together, waits left out
    first_token_seconds: float | None = None
    cost_usd: float | None  # of its attempts together; None: unknown
    model_served: str | None
    served_by: str
    arm: str = ""
    fallback: str | None = None
    expected: Any = None
    scores: dict[str, Score] = {}  # of the last one of a turn that is scored
    unscored: dict[str, str] = {}

    @property
    def message(self) -> Message:
        """The answer as it stands in the history of the next request."""
        calls = [call.message() for call in self.tool_calls]
        said: Message = {"role": "assistant", "content": self.reply}
        return said | ({"tool_calls": calls} if calls else {})


class Outcome(Record):
    """What Answered and Failed have in common."""

    case: str
    line: int | None = None  # of the input of a production run, from 1
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
    judging: list[Attempt] = []  # by the models of scorers; no part of cost_usd and seconds
    # Of a conversation. A default that is no list is not copied, deeply, for each line.
    exchanges: list[Exchange] = Field(default_factory=list, exclude_if=lambda found: not found)
    choices: list[Choice] = []
    skipped: list[Skipped] = []
    replayed: bool = False  # taken over from an earlier run: paid for and timed then

    def asked_in(self, exchange: int | None) -> list[Message]:
        """What a request was asked, as far as it is on record: `messages`, or of a conversation
        all until that exchange, from 1.
        """
        if not exchange or not self.exchanges:
            return self.messages
        opening = list(self.messages)
        while self.exchanges[0].said and opening and opening[-1]["role"] == "user":
            opening.pop()  # the turns, which are said one by one
        for each in self.exchanges[: exchange - 1]:
            opening += [*each.said, each.message]
        return opening + [m for each in self.exchanges[exchange - 1 : exchange] for m in each.said]

    @property
    def paid(self) -> list[Attempt]:
        """What its own run paid for; what is replayed was paid for where it was made."""
        return [each for each in (*self.attempts, *self.judging) if not each.replayed]


class Answered(Outcome):
    status: Literal["answered"] = "answered"
    served_by: str  # the name of the single model
    arm: str = ""  # the way to it through a composite model
    fallback: str | None = None  # its key in the chain, where the model under test did not answer
    output_schema: Schema | None = Field(None, alias="schema")
    model_served: str | None
    reply: str
    tool_calls: list[ToolCall] = []  # of the final answer
    reasoning: str = ""  # taken off the reply before anything read it
    finish_reason: str
    usage: Usage | None
    first_token_seconds: float | None = None  # of a streamed one, since its first request
    scores: dict[str, Score]
    unscored: dict[str, str] = {}  # scorers that could not judge it, and why: no fault of its own
    # From 0 to 1, by people who did not know who gave the answer, nor its scores.
    human: float | None = Field(None, exclude_if=lambda found: found is None)
    error: None = None

    @property
    def as_text(self) -> str:
        """What was said, and below it the tools called: of answers that are alike, the same."""
        calls = [f"{call.name}({call.arguments})" for call in self.tool_calls]
        return "\n".join([*([self.reply] if self.reply else []), *calls])

    @property
    def called(self) -> list[ToolCall]:
        """The tools, of all its exchanges."""
        return [c for each in self.exchanges for c in each.tool_calls] or self.tool_calls

    def as_reply(self) -> Reply:
        """The answer as a scorer sees it, out of the record."""
        return Reply(
            text=self.reply,
            tool_calls=self.called,
            reasoning=self.reasoning,
            finish_reason=self.finish_reason,
            usage=self.usage,
            seconds=self.seconds,
            model_served=self.model_served,
            request=self.request,
        )

    def reply_to(self, turn: int) -> Reply:
        """The answer to one turn of a conversation, from 1, as a scorer sees it."""
        mine = [each for each in self.exchanges if each.turn == turn]
        return Reply(
            text=mine[-1].reply,
            tool_calls=[call for each in mine for call in each.tool_calls],
            reasoning=mine[-1].reasoning,
            finish_reason=mine[-1].finish_reason,
            usage=mine[-1].usage,
            seconds=sum(each.seconds for each in mine),
            model_served=mine[-1].model_served,
            request={},
        )

    def judged(self, scorer: str) -> list[Score]:
        """The scores of one scorer: of each turn that has one, or of the answer."""
        turns = [each.scores[scorer] for each in self.exchanges if scorer in each.scores]
        return turns or [self.scores[scorer]]


class Failed(Outcome):
    status: Literal["failed"] = "failed"
    kind: ErrorKind | None = None
    error: str

    @property
    def open(self) -> bool:
        """Whether it only keeps what happened so far: the question is still to be answered."""
        return self.kind in ("budget", "interrupted", "unsent")


Line = Answered | Failed  # of a journal


CONFIDENCE = 0.95  # unless the requirements say another


class Metric(Record):
    """A measured number with its interval; None is unknown, in each of them."""

    value: float | None
    low: float | None
    high: float | None
    n: int  # how many observations it rests on
    unit: str
    most: float | None = None  # what it can't exceed whatever happens: known, and no estimate

    def times(self, factor: float) -> "Metric":
        """So many of it; what is unknown stays unknown."""
        amounts = {name: getattr(self, name) for name in ("value", "low", "high", "most")}
        known = {name: each * factor for name, each in amounts.items() if each is not None}
        return self.model_copy(update=known)


class Verdict(Record):
    """One requirement held against the evidence."""

    requirement: str
    bound: float | str | None
    value: float | str | None
    verdict: Literal["met", "missed", "not proven", "unknown"]
    why: str
    more_cases: int | None = None  # that would likely settle what is not proven; None: nobody knows
    leans: Literal["met", "missed"] | None = None  # as measured, where it is not proven
    fact: str | None = None  # what somebody has to state where it is unknown, and where
    metric: str | None = None  # what was held against the bound; None: what the config says
    unit: str | None = None  # of bound and value, where they are numbers that have one
    side: Literal["min", "max"] | None = None  # of the bound, where it is a metric's


class Arm(Record):
    """What one arm of a composite model did, among the requests that came to it."""

    arm: str  # the way to it: complex.cheap
    model: str
    requests: int  # that it was asked to answer
    answers: int  # that stood
    metrics: dict[str, Metric]


class Counts(Record):
    cases: int
    outcomes: int
    answered: int
    failed: int
    replayed: int
    unsent: int = 0  # that never left this machine: nobody's failure, and no outcome


# What the evidence carries: every requirement is met; none is missed, and what is open waits for
# more cases or for a fact; or neither.
Tier = Literal["proven", "supported", "refused"]


class Raced(Record):
    """What a race of a sweep has to say of one of its candidates."""

    candidates: int
    # How often each bound of a metric may be wrong: half of that at any look on the way, and half
    # at the last one, when everything was asked. That one knows how many cases there are.
    tail: float
    outcomes: int = 0  # that there would have been
    # Dollars, tokens and seconds that none of these can exceed; in each None: nobody knows.
    most: tuple[float | None, float | None, float | None] | None = None
    stopped: str | None = None  # why no more was asked; None: all was
    beaten_by: str | None = None  # the directory, in a sweep's result the label, of who is proven


class Result(Record):
    """`result.json` of one run; with `error` set it could not run and has no numbers."""

    task: str
    model: str
    id: str
    error: str | None = None
    complete: bool = False
    stamp: str | None = None  # of the record that it was computed from: `Run.stamp`
    counts: Counts | None = None
    failures: dict[str, int] = {}  # calls that failed, by the kind of error
    tier: Tier | None = None  # None: it is not complete
    confidence: float = CONFIDENCE  # of the intervals of the metrics, and so of the verdicts
    metrics: dict[str, Metric] = {}
    verdicts: list[Verdict] = []
    arms: list[Arm] = []
    choices: dict[str, int] = {}  # "<model>: <how>" and how often
    skipped: dict[str, int] = {}  # models whose turn had come and that were not asked, how often
    flaky_cases: dict[str, float] = {}  # the flakiest, with the deviation of their scores
    notes: list[str] = []  # where this run is not like for like with another, or not as pinned
    request: str | None = None  # what is called one, where a case takes several
    spent_usd: float | None = None  # by this run itself; replayed answers were paid for before
    race: Raced | None = None  # None: it was no candidate of one
    uncompared: str | None = None  # why it could not be compared with its baseline
    rescored: list[str] = []  # what it was scored anew from, and what that has changed
    baseline: dict[str, Any] | None = None  # regression.RunComparison: how it compares with a run

    @property
    def candidate(self) -> str:
        """What it is called beside others."""
        return self.model
