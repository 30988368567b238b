"""Loopback providers in the places of a job's own; the first one asked for an answer fails."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

from runner.calls.acceptance import about_tokens, flaw
from runner.cases.query import Query
from runner.config.schema import Job, Model, Router, Single, answerers, singles
from runner.drill.faults import Step
from runner.drill.loopback import Answer, Flow, Format, Loopback, Request, Saying, format_of
from runner.drill.loopback.answers import garbage, hang, reset
from runner.drill.loopback.exchange import Piece
from runner.drill.pace import answer_seconds
from runner.errors import ConfigError, ErrorKind
from runner.record.outcomes import Reply, Usage

OK = Step()
_LOOPBACK = "http://127.0.0.1"
_READING_SECONDS = 0.25  # real ones
_FORM: tuple[ErrorKind, ...] = ("invalid_output",)


@dataclass(frozen=True, eq=False)
class Place:
    """Where one single model stands in a job."""

    model: Single
    speaks: Format
    answers: bool  # for the model under test, so that its faults may come here
    arm: str | None  # a classifier's: the one it names


def offline(job: Job) -> Job:
    """The job without what would need a key, weights, or anybody who listens."""

    def bare(model: Single) -> Single:
        provider = model.provider.model_copy(update={"api_key_env": None})
        elsewhere = model.model_copy(update={"provider": provider, "artifact": None})
        return elsewhere if provider.api_base else elsewhere.at(_LOOPBACK)

    nothing = {"callbacks": (), "tracing": None, "reuse": None, "budget_usd": None}
    return job.with_singles(bare).model_copy(update=nothing)


class Stage:
    """All providers of a drill; one case is on at a time, and `speed` divides their times."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._lock = threading.Lock()  # each provider has a thread of its own

    def set(self, job: Job, stack: ExitStack) -> Job:
        """The job with a provider of its own at every place where it names a model."""
        answering = [single for _, single in answerers(job.model)]
        arms = [
            found for model in (job.model, *job.fallback.chain.values()) for found in _named(model)
        ]

        def moved(model: Single) -> Single:
            place = Place(
                model,
                format_of(model.provider),
                answers=any(model is each for each in answering),
                arm=next((arm for classifier, arm in arms if model is classifier), None),
            )
            server = Loopback(lambda request: self._answer(place, request), place.speaks)
            return model.at(stack.enter_context(server).base_url)

        return job.with_singles(moved)

    def begin(self, query: Query, steps: tuple[Step, ...] = (OK,)) -> None:
        """A case comes on. Raises ConfigError when nobody knows what would be a good answer."""
        self._text, self._wrong = healthy(query), _wrong(query)
        self._input_tokens = about_tokens(query)
        self._steps = list(steps)
        self._failing: Place | None = None

    def _next(self, place: Place) -> Step:
        with self._lock:
            if place.answers and self._failing is None:
                self._failing = place
            if place is not self._failing:
                return OK
            return self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]

    def _answer(self, place: Place, request: Request) -> Answer:
        step = self._next(place)
        if step.status is not None:
            return self._refusal(place.speaks, step)
        match step.does:
            case "hang":
                return hang()
            case "reset":
                return reset()
            case "garbled":
                return garbage()
        text = self._wrong if step.does == "wrong_format" else place.arm or self._text
        usage = Usage(input_tokens=self._input_tokens, output_tokens=output_tokens(text))
        seconds = answer_seconds(place.model, usage.output_tokens) / self._speed
        flow = Flow(first_delay=seconds, breaks="cut" if step.does == "cut" else None)
        answer = place.speaks.answer(request, Saying(text, usage=usage), flow)
        return _cut(answer) if step.does == "cut" else answer

    def _refusal(self, speaks: Format, step: Step) -> Answer:
        assert step.status is not None
        wait = step.retry_after and step.retry_after / self._speed
        answer = speaks.fault(step.status, wait and f"{wait:.3f}")
        if isinstance(answer.body, dict) and isinstance(answer.body.get("error"), dict):
            for detail in answer.body["error"].get("details", ()):
                if "retryDelay" in detail:  # Google says it here, always, and at its own pace
                    detail["retryDelay"] = f"{wait or 0:.3f}s"
        return answer


def _cut(answer: Answer) -> Answer:
    if not answer.pieces:
        return replace(answer, ending="close", cut=len(answer.whole()) - 10)
    # A client drops what it has not yet read when the connection closes.
    return replace(answer, pieces=(*answer.pieces, Piece(b"\n", _READING_SECONDS)))


def healthy(query: Query) -> str:
    """What a model that knows it answers: what the case expects."""
    expected = query.case.expected
    if expected is None and query.output != "json" and query.json_schema is None:
        return "ok"
    text = expected if isinstance(expected, str) else json.dumps(expected, ensure_ascii=False)
    if not in_format(_reply(text), query):
        raise ConfigError(
            f"case '{query.case.id}': a drill answers with what a case expects, and that is no "
            "output of this task's form; drill with tags or cases that have one"
        )
    return text


def in_format(reply: Reply, query: Query) -> bool:
    return flaw(reply, query, _FORM) is None


def output_tokens(text: str) -> int:
    """About so many: four bytes a token, as for the input."""
    return max(1, len(text.encode()) // 4)


def _wrong(query: Query) -> str:
    """An answer that is not in the task's format; where any text is, only an empty one is not."""
    words = "Sure! Here is what you asked for: {"
    return "" if in_format(_reply(words), query) else words


def _reply(text: str) -> Reply:
    return Reply(
        text=text, finish_reason="stop", usage=None, seconds=0, model_served=None, request={}
    )


def _named(model: Model) -> Iterator[tuple[Single, str]]:
    """The models that classify for routers, and an arm for each to name."""
    if isinstance(model, Router) and model.classifier is not None:
        for _, single in singles(model.classifier, ""):
            yield single, next(iter(model.arms))
    for part in model.parts().values():
        yield from _named(part)
