"""The most that one request can come to: known from its prices and limits, and so no estimate.

A single model gets the prompt, of no more tokens than it has bytes, and may write `max_tokens`; at
each attempt that it is allowed, each of which ends at the provider's time-out. A composite model
takes the dearest of its ways, and all that stand in a fallback may be asked as well.
"""

from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from runner.cases.cases import Case
from runner.cases.query import Query, answer_tokens_at_most, input_tokens_at_most
from runner.cases.query import query as query_of
from runner.config.schema import (
    Cascade,
    Job,
    Model,
    Retry,
    Router,
    ServerPrice,
    Single,
    Split,
    models_of,
)
from runner.price import total, worst_case
from runner.record.outcomes import Answered, Failed

# What providers call the number of tokens that an answer may have.
_LIMITS = (
    "max_tokens",
    "maxTokens",
    "max_completion_tokens",
    "max_output_tokens",
    "maxOutputTokens",
    "num_predict",
)


class Ceiling(NamedTuple):
    """None: nobody knows."""

    usd: float | None
    tokens: float | None
    seconds: float | None


_UNKNOWN = Ceiling(None, None, None)


def of(job: Job, line: Answered | Failed) -> Ceiling:
    """Of the request that a line of the journal tells of, judgements of its answer left out."""
    case = Case(id=line.case, input="", max_tokens=_sent_limit(line.request))
    said = [{"role": "assistant", "content": each.reply} for each in line.exchanges]
    query = query_of(job.task, case, [*line.messages, *said], seed=None)
    once = _sum(_of(model, query, job.retry) for model in job.chain.values())
    if not line.exchanges:
        return once
    # Of a conversation each request has a part of that as its prompt. A turn is what takes time.
    count = len(line.exchanges) + isinstance(line, Failed)
    return _sum([once] * count)._replace(seconds=once.seconds)


def planned(job: Job, queries: Iterable[Query]) -> Ceiling:
    """Of requests that are yet to be sent, none of which takes several."""
    return highest(
        _sum(_of(model, query, job.retry) for model in job.chain.values()) for query in queries
    )


class Most:
    """Of all requests so far. Of those alike in all but length the shorter can't come to more."""

    def __init__(self, job: Job, known: Ceiling | None = None) -> None:
        self._job = job
        self._longest: dict[Hashable, int] = {}
        self.ceiling = known  # None: there was no request

    def add(self, line: Answered | Failed) -> Ceiling | None:
        if (size := _length(line)) is not None:
            alike = *(message["role"] for message in line.messages), _sent_limit(line.request)
            if size <= self._longest.get(alike, -1):
                return self.ceiling
            self._longest[alike] = size
        found = of(self._job, line)
        self.ceiling = highest([self.ceiling, found]) if self.ceiling else found
        return self.ceiling


def _length(line: Answered | Failed) -> int | None:
    """Bytes of its texts; None: its ceiling hangs on more."""
    size = 0
    for message in line.messages:
        content = message["content"]
        if not isinstance(content, str) or "tool_calls" in message:
            return None
        size += len(content.encode())
    return None if line.exchanges else size


def highest(found: Iterable[Ceiling]) -> Ceiling:
    """Kind by kind; one that is unknown makes it unknown, and so does none at all."""
    columns = list(zip(*found, strict=True)) or [(None,)] * 3
    return Ceiling(*(_highest(column) for column in columns))


def _of(model: Model, query: Query, retry: Retry) -> Ceiling:
    if isinstance(model, Single):
        return _single(model, query, retry)
    if isinstance(model, Cascade):
        return _cascade(model, query, retry)
    arms = {key: _of(arm, query, retry) for key, arm in model.arms.items()}
    if isinstance(model, Split):
        return highest(arm for key, arm in arms.items() if model.weights[key])
    if model.classifier is None:
        return highest(arms.values())
    return _sum([_of(model.classifier, _classifying(model, query), retry), highest(arms.values())])


def _single(model: Single, query: Query, retry: Retry) -> Ceiling:
    prompt, answer = input_tokens_at_most(model, query), answer_tokens_at_most(model, query)
    timeout = model.provider.timeout
    seconds = min(timeout * retry.attempts, retry.total + timeout)
    if isinstance(model.price, ServerPrice):
        usd: float | None = model.price.usd_per_busy_second * seconds
    else:
        once = worst_case(model.price, prompt, answer)
        usd = None if once is None else once * retry.attempts
    return Ceiling(usd, (prompt + answer) * retry.attempts, seconds)


def _cascade(cascade: Cascade, query: Query, retry: Retry) -> Ceiling:
    if models_of(cascade.checks):
        return _UNKNOWN  # their prompts have the answer in them
    *tries, last = [_of(arm, query, retry) for arm in cascade.arms.values()]
    samples = cascade.self_consistency.samples if cascade.self_consistency else 1
    return _sum([*tries * samples, last])


def _classifying(router: Router, query: Query) -> Query:
    prompt = [{"role": "system", "content": router.system}, *query.messages]
    return replace(query, messages=prompt, sampling=router.sampling, json_schema=None)


def _sum(found: Iterable[Ceiling]) -> Ceiling:
    return Ceiling(*map(total, zip(*found, strict=True)))


def _highest(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if None in known else max(each for each in known if each is not None)


def _sent_limit(request: Any) -> int | None:
    """The limit in the body that was sent: that of a case may be another than the task's."""
    if not isinstance(request, dict):
        return None
    highest = 0
    for key, value in request.items():
        if key in _LIMITS or isinstance(value, dict):
            found = value if key in _LIMITS and isinstance(value, int) else _sent_limit(value)
            highest = max(highest, found or 0)
    return highest or None
