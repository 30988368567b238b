"""What a job would ask and cost, at the least and at the most, counted before anything is sent.

At the least every answer is empty and goes the cheapest way through its model: a router's cheapest
arm, the first arm of a cascade. At the most every answer has `max_tokens`, goes the dearest way,
and every model of the fallback is asked too. Retries count in neither.
"""

import json
from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from typing import Any

from runner.calls import checks
from runner.calls.route import questions
from runner.cases.call_log import CallLog
from runner.cases.prompt import variableless
from runner.cases.query import Query, answer_tokens_at_most, cramped, messages, schema_of, texts
from runner.config.schema import (
    TOKENS_PER_BYTE,
    Cascade,
    Job,
    Model,
    Router,
    ServerPrice,
    Single,
    Split,
    Task,
)
from runner.decide.costs.amounts import Amount, Parts, Range, add, one_of, together, up_to_all
from runner.decide.costs.monthly import typical_speed
from runner.errors import RunnerError
from runner.pipeline import conversation
from runner.pipeline.plan import Plan
from runner.price import coming, dollars, worst_case
from runner.record.outcomes import Reply, Usage
from runner.scorers import Scorer

FALLBACK = "fallback"  # what its chain is asked, beside the roles of queries

_ANSWER = "\N{OBJECT REPLACEMENT CHARACTER}"  # where an answer will stand in a judge's prompt


@dataclass(frozen=True)
class CostEstimate:
    candidate: str
    parts: Parts
    notes: tuple[str, ...] = ()

    @property
    def range(self) -> Range:
        return together(self.parts.values())


async def of(plan: Plan) -> CostEstimate:
    """All that a measurement asks, answers that are on record already included."""

    async def once() -> AsyncIterator[Query]:
        for question in plan.questions():
            if question.repeat == 0:
                yield question.query

    return await totals(
        plan.job,
        once(),
        plan.scorers.values(),
        repeats=plan.job.repeats,
    )


async def totals(
    job: Job,
    queries: AsyncIterable[Query],
    scorers: Collection[Scorer] = (),
    *,
    repeats: int = 1,
) -> CostEstimate:
    """Each query asked and its answer scored `repeats` times.

    Nothing is kept of a query once it is counted.
    """
    counting, parts = _Counting(job), Parts()
    async for query in queries:
        asked = await counting.ask(query)
        judged = await counting.judge(scorers, query)
        parts = add([parts, *[asked, judged] * repeats])
    unpriced = [each for each in job.models.values() if worst_case(each.price, 1, 1) is None]
    notes = dict.fromkeys(f"{each.name}: {_unpriced(each)}" for each in unpriced)
    if fixed := variableless(job.task):
        notes[fixed] = None
    for each in job.models.values():
        if change := coming(each, date.today()):
            notes[f"{each.name}: {change[1]}"] = None
    return CostEstimate(job.label, parts, (*notes, *counting.notes))


class _Counting:
    """Takes queries the way that they will take through a job's models."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.notes: dict[str, None] = {}  # in order, each once

    async def ask(self, query: Query) -> Parts:
        if not conversation.takes_several(query):
            return await self._once(query)
        longest, unseen, found = self._longest_answer(query), 0, []
        steps = query.task.steps if query.task and query.tools else 1
        for one in conversation.rounds(query) if query.case.turns else [query]:
            asked = []
            for _ in range(steps):
                asked.append(await self._once(one, unseen))
                unseen += longest
            found.append(up_to_all(asked))
        if steps > 1:
            self.notes["what tools give back is part of the next prompt, and is not counted"] = None
        return add(found)

    async def _once(self, query: Query, unseen: int = 0) -> Parts:
        parts = await self._through(self._job.model, query, unseen)
        chain = [
            await self._through(model, query, unseen) for model in self._job.fallback.chain.values()
        ]
        if chain:
            most = together(each for found in chain for each in found.values()).high
            parts[FALLBACK] = Range(high=most)
        return parts

    async def judge(self, scorers: Collection[Scorer], query: Query) -> Parts:
        """What scorers ask, seen by having them score an answer that is yet to come."""
        found: list[Parts] = []
        asking = [scorer for scorer in scorers if scorer.asks]
        if not asking:
            return {}
        longest = self._longest_answer(query)

        async def ask(model: Model, wanted: Query) -> CallLog:
            unseen = longest * sum(text.count(_ANSWER) for text in texts(wanted))
            found.append(await self._through(model, replace(wanted, role="judge"), unseen))
            return CallLog(reply=_reply(json.dumps(_least(wanted.json_schema or {}))))

        views = [view for _, view in conversation.views(query.case, unseen=_ANSWER)]
        for scorer, case in product(asking, views or [query.case]):
            try:
                await scorer(_reply(_ANSWER), case, query.task or self._job.task, ask)
            except RunnerError:
                why = "it can't be tried without an answer"
                self.notes[f"{scorer.name} may ask more than is counted: {why}"] = None
        return add(found)

    def _longest_answer(self, query: Query) -> int:
        """In tokens, whichever model gives it."""
        limits = [
            answer_tokens_at_most(single, asked)
            for model in self._job.chain.values()
            for single, asked in questions(model, query)
            if asked.role == query.role
        ]
        return max(limits)

    async def _through(self, model: Model, query: Query, unseen: int = 0) -> Parts:
        """`unseen`: tokens that the prompt may have beyond those that can be counted."""
        return await self._way(model, query, questions(model, query), unseen)

    async def _way(
        self, model: Model, query: Query, asked: Iterator[tuple[Single, Query]], unseen: int
    ) -> Parts:
        """`asked` is read in step: it has the single models in the order of the parts."""
        if isinstance(model, Single):
            single, wanted = next(asked)
            if why := cramped(single, wanted):
                self.notes[why] = None
            return _request(single, wanted, unseen)
        classified: Parts = {}
        if isinstance(model, Router) and model.classifier is not None:
            classified = await self._way(model.classifier, query, asked, unseen)
        arms = {key: await self._way(arm, query, asked, unseen) for key, arm in model.arms.items()}
        if isinstance(model, Cascade):
            return await self._cascade(model, query, arms)
        may_answer = [
            arm for key, arm in arms.items() if not isinstance(model, Split) or model.weights[key]
        ]
        return add([classified, one_of(may_answer)])

    async def _cascade(self, cascade: Cascade, query: Query, arms: dict[str, Parts]) -> Parts:
        *tries, last = arms.values()
        samples = cascade.self_consistency.samples if cascade.self_consistency else 1
        looked_at = await self.judge(_checks(cascade, query.task or self._job.task), query)
        steps = [add([*[arm] * samples, looked_at]) for arm in tries]
        return up_to_all([*steps, last])


def _checks(cascade: Cascade, task: Task) -> list[Scorer]:
    return [scorer for scorer, _ in checks.loaded(cascade, task).values()] if cascade.checks else []


def _request(model: Single, query: Query, unseen: int) -> Parts:
    from runner.calls.translate import count_tokens

    sent = list(messages(model, query))
    if schema_of(model, query) == "enforced":  # providers turn it into a part of the prompt
        sent = [*sent, {"role": "system", "content": json.dumps(query.json_schema)}]
    sent += [{"role": "system", "content": tool.model_dump_json()} for tool in query.tools]
    least = round(count_tokens(model, sent) * model.tokens_per_byte / TOKENS_PER_BYTE)
    most, answer = least + unseen, answer_tokens_at_most(model, query)
    if isinstance(model.price, ServerPrice):
        low, high = _server_usd(model, 0), _server_usd(model, answer)
    else:
        low = dollars(model.price, Usage(input_tokens=least, output_tokens=0))
        high = worst_case(model.price, most, answer)
    return {query.role: Range(Amount(1, least, 0, low), Amount(1, most, answer, high))}


def _server_usd(model: Single, output_tokens: int) -> float | None:
    speed = typical_speed(model)
    seconds = output_tokens / speed.tokens_per_second if speed else None
    return dollars(model.price, None, server_seconds=seconds)


def _unpriced(model: Single) -> str:
    speed = typical_speed(model)
    if not isinstance(model.price, ServerPrice):
        return "its price is unknown"
    if speed is None:
        return "its price is by the hour, and nobody says how fast it is"
    return f"priced by the hour at {speed.tokens_per_second:g} tokens a second, {speed.source}"


def _reply(text: str) -> Reply:
    return Reply(
        text=text, finish_reason="stop", usage=None, seconds=0.0, model_served=None, request={}
    )


def _least(schema: dict[str, Any]) -> Any:
    """The plainest value of a JSON schema, so that a judge that reads it goes on to the end."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {key: _least(inner) for key, inner in schema.get("properties", {}).items()}
        case "array":
            return []
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
    return ""
