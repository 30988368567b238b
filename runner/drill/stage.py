"""Loopback providers in the places of a job's own; the first one asked for an answer fails."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from runner.calls.checks import flaw
from runner.cases.query import Query, about_tokens
from runner.config.schema import Job, Model, Router, Single, answerers, singles
from runner.drill.faults import Step
from runner.drill.loopback.dialect import Dialect, Saying
from runner.drill.loopback.exchange import HttpAnswer, HttpRequest
from runner.drill.loopback.server import Host, LoopbackProvider
from runner.drill.loopback.spoken import dialect_of
from runner.errors import ConfigError, ErrorKind
from runner.record.outcomes import Reply, ToolCall, Usage, made_up_id
from runner.scorers import tool_calls

OK = Step()
_LOOPBACK = "http://127.0.0.1"
_FORM: tuple[ErrorKind, ...] = ("invalid_output",)


@dataclass(frozen=True, eq=False)
class Place:
    """Where one single model stands in a job."""

    model: Single
    speaks: Dialect
    answers: bool  # for the model under test, so that its faults may come here
    arm: str | None  # a classifier's: the one it names


def offline(job: Job) -> Job:
    """The job without what would need a key, weights, or anybody who listens."""

    def bare(model: Single) -> Single:
        nobody = {"api_key_env": None, "credentials": None}
        provider = model.provider.model_copy(update=nobody)
        elsewhere = model.model_copy(update={"provider": provider, "artifact": None})
        return elsewhere if provider.api_base else elsewhere.at(_LOOPBACK)

    nothing = {
        "callbacks": (),
        "tracing": None,
        "reuse": None,
        "budget_usd": None,
        "budget_dir": None,
    }
    return job.with_singles(bare).model_copy(update=nothing)


class Stage:
    """All providers of a drill; one case is on at a time."""

    def set(self, job: Job, host: Host) -> Job:
        """The job with a provider of its own at every place where it names a model."""
        answering = [single for _, single in answerers(job.model)]
        arms = [found for model in job.chain.values() for found in _named(model)]

        def moved(model: Single) -> Single:
            place = Place(
                model,
                dialect_of(model.provider),
                answers=any(model is each for each in answering),
                arm=next((arm for classifier, arm in arms if model is classifier), None),
            )
            played = LoopbackProvider(lambda request: self._answer(place, request), place.speaks)
            return model.at(host.add(played))

        return job.with_singles(moved)

    def begin(self, query: Query, steps: tuple[Step, ...] = (OK,)) -> None:
        """A case comes on. Raises ConfigError when nobody knows what would be a good answer."""
        self._text, self._wrong = healthy(query), _wrong(query)
        self._calls = _calls(query)
        self._input_tokens = about_tokens(query)
        self._steps = list(steps)
        self._failing: Place | None = None

    def _next(self, place: Place) -> Step:
        if place.answers and self._failing is None:
            self._failing = place
        if place is not self._failing:
            return OK
        return self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]

    def _answer(self, place: Place, request: HttpRequest) -> HttpAnswer:
        step = self._next(place)
        if step.status is not None:
            return place.speaks.fault(step.status, step.retry_after)
        match step.does:
            case "hang":
                return HttpAnswer(ending="hang")
            case "reset":
                return HttpAnswer(ending="reset", cut=0)
            case "garbled":
                return HttpAnswer(body=b"<html>502 from some proxy</html>")
        text = self._wrong if step.does == "wrong_format" else place.arm or self._text
        usage = Usage(input_tokens=self._input_tokens, output_tokens=output_tokens(text))
        seconds = answer_seconds(place.model, usage.output_tokens)
        saying = Saying(text, usage=usage)
        if self._calls and text is self._text:
            saying = Saying(None, usage=usage, calls=self._calls)
        return place.speaks.answer(request, saying, seconds, cut=step.does == "cut")


def answer_seconds(model: Single, tokens: int) -> float:
    """How long an answer of so many tokens typically takes; what nobody knows takes no time."""
    typical = model.typical
    rate = typical.tokens_per_second
    first_token_ms, _ = typical.ttft_ms or (0.0, 0.0)
    return first_token_ms / 1000 + (tokens / rate if rate else 0)


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


def _calls(query: Query) -> tuple[ToolCall, ...]:
    """Those that the case expects, where the task's scorer of them can tell."""
    options = query.task.scorers.get("tool_calls") if query.task else None
    if options is None or not query.tools:
        return ()
    try:
        wanted = tool_calls.example(query.case, key=options.get("key"))
    except ValueError:
        return ()
    return tuple(
        ToolCall(id=made_up_id(number), name=name, arguments=json.dumps(given, ensure_ascii=False))
        for number, (name, given) in enumerate(wanted, 1)
    )


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
