"""Which single model answers: router, cascade and split choose here."""

import asyncio
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator

from runner.calls import checks
from runner.cases.call_log import Ask, Call, CallLog, OnText
from runner.cases.cases import Case
from runner.cases.query import Query, schema_of
from runner.config.schema import Cascade, Model, Router, Rule, SelfConsistency, Single, Split
from runner.errors import CallFailed
from runner.record.outcomes import Choice, Reply


class Route:
    """The way of one question through a model; `call` asks a single one, `ask` serves checks."""

    def __init__(self, call: Call, ask: Ask) -> None:
        self._call, self._ask = call, ask

    async def answer(
        self,
        model: Model,
        query: Query,
        asked: CallLog,
        arm: str = "",
        on_text: OnText | None = None,
    ) -> Reply:
        """Raises CallFailed, BudgetSpent, ScorerFailed."""
        match model:
            case Single():
                before = asked.seconds
                reply = await self._call(model, query, arm, asked, on_text)
                if query.role == "answer":
                    asked.served(model, arm, schema_of(model, query))
                    if reply.first_token_seconds is not None:
                        asked.first_token_seconds = before + reply.first_token_seconds
                return reply
            case Router():
                choice = await self._route(model, query, asked, arm)
            case Split():
                choice = Choice(model=model.name, arm=_share(model, query.case), how="weight")
            case Cascade():
                return await self._cascade(model, query, asked, arm, on_text)
        asked.choices.append(choice)
        return await self.answer(
            model.arms[choice.arm], query, asked, _below(arm, choice.arm), on_text
        )

    async def _route(self, router: Router, query: Query, asked: CallLog, arm: str) -> Choice:
        text = _text(query.case)
        if router.classifier is None:
            for number, rule in enumerate(router.rules, 1):
                if _fits(rule, query.case, text):
                    return Choice(model=router.name, arm=rule.arm, how="rule", why=f"rule {number}")
            return Choice(model=router.name, arm=router.otherwise, how="otherwise")
        try:
            reply = await self.answer(
                router.classifier, _classifying(router, query), asked, _below(arm, "classifier")
            )
        except CallFailed as error:
            if not error.transient:
                raise  # a wrong key is to be mended, not routed around
            return Choice(
                model=router.name, arm=router.otherwise, how="unclassified", why=str(error)
            )
        named = _named(reply.text, router)
        if named is None:
            why = f"'{reply.text[:80]}' names no arm"
            return Choice(model=router.name, arm=router.otherwise, how="unparsable", why=why)
        return Choice(model=router.name, arm=named, how="classified")

    async def _cascade(
        self, cascade: Cascade, query: Query, asked: CallLog, arm: str, on_text: OnText | None
    ) -> Reply:
        *tries, last = cascade.arms
        why = ""
        for name in tries:
            asked.choices.append(_step(cascade, name, why))
            reply, why = await self._try(cascade, name, query, asked, _below(arm, name))
            if not why:
                asked.first_token_seconds = asked.seconds if on_text else None
                if on_text:
                    on_text(reply.text)  # only now is it known to stand
                return reply
        asked.choices.append(_step(cascade, last, why))
        return await self.answer(cascade.arms[last], query, asked, _below(arm, last), on_text)

    async def _try(
        self, cascade: Cascade, name: str, query: Query, asked: CallLog, arm: str
    ) -> tuple[Reply, str]:
        """An arm's answer, and why it may not stand."""
        model = cascade.arms[name]
        if cascade.self_consistency is None:
            reply, why = await self.answer(model, query, asked, arm), ""
        else:
            reply, why = await self._sample(cascade.self_consistency, model, query, asked, arm)
        return reply, why or await checks.objection(cascade, reply, query, self._ask) or ""

    async def _sample(
        self, wanted: SelfConsistency, model: Model, query: Query, asked: CallLog, arm: str
    ) -> tuple[Reply, str]:
        """The answer that most of some samples give, asked for at once."""
        ways = asked.side_by_side(wanted.samples)
        try:
            # One that fails does not stop the others: what is in flight is paid for.
            found = await asyncio.gather(
                *(
                    self.answer(model, query.sampled(number, wanted.temperature), way, arm)
                    for number, way in enumerate(ways)
                ),
                return_exceptions=True,
            )
        finally:
            asked.join(ways)
        replies: list[Reply] = []
        for each in found:
            if isinstance(each, BaseException):
                raise each
            replies.append(each)
        meanings = [_meaning(reply.text) for reply in replies]
        meaning, count = Counter(meanings).most_common(1)[0]
        index = meanings.index(meaning)
        asked.served_by, asked.arm = ways[index].served_by, ways[index].arm
        asked.schema = ways[index].schema
        if count / wanted.samples < wanted.min_agreement:
            return replies[index], f"self_consistency: {count} of {wanted.samples} samples agree"
        return replies[index], ""


def questions(model: Model, query: Query) -> Iterator[tuple[Single, Query]]:
    """Every single model that may be asked, with what it would be asked."""
    if isinstance(model, Single):
        yield model, query
        return
    if isinstance(model, Router) and model.classifier is not None:
        yield from questions(model.classifier, _classifying(model, query))
    if isinstance(model, Cascade) and (wanted := model.self_consistency):
        query = query.sampled(0, wanted.temperature)
    for arm in model.arms.values():
        yield from questions(arm, query)


def _classifying(router: Router, query: Query) -> Query:
    messages = [
        {"role": "system", "content": router.system},
        {"role": "user", "content": _text(query.case)},
    ]
    return Query(
        case=query.case,
        messages=messages,
        sampling=router.sampling,
        seed=query.seed,
        role="classifier",
    )


def _below(arm: str, name: str) -> str:
    return f"{arm}.{name}" if arm else name


def _step(cascade: Cascade, arm: str, why: str) -> Choice:
    return Choice(model=cascade.name, arm=arm, how="escalated" if why else "first", why=why)


def _text(case: Case) -> str:
    """What a router looks at: the input, without the task's own words around it."""
    return case.input if isinstance(case.input, str) else json.dumps(case.input, ensure_ascii=False)


def _fits(rule: Rule, case: Case, text: str) -> bool:
    return (
        len(text) >= (rule.min_chars or 0)
        and (rule.max_chars is None or len(text) <= rule.max_chars)
        and (not rule.tags or bool(set(rule.tags) & set(case.tags)))
        and (rule.regex is None or re.search(rule.regex, text) is not None)
    )


def _named(text: str, router: Router) -> str | None:
    """The one arm that a classifier's answer names."""
    named = [
        arm
        for arm in router.arms
        if re.search(rf"(?<![\w-]){re.escape(arm)}(?![\w-])", text, re.IGNORECASE)
    ]
    return named[0] if len(named) == 1 else None


def _share(split: Split, case: Case) -> str:
    """The arm of a key: a number from 0 to 1 that the key and the seed decide, held against the
    weights."""
    key = (case.user or case.id) if split.key == "user" else case.id
    digest = hashlib.sha256(f"{split.seed} {key}".encode()).digest()
    point = int.from_bytes(digest[:8]) / 2**64 * sum(split.weights.values())
    for arm, weight in split.weights.items():
        point -= weight
        if point < 0:
            return arm
    return next(arm for arm in reversed(split.weights) if split.weights[arm])


def _meaning(text: str) -> str:
    """What makes two samples the same answer: their JSON, or their words without case and space."""
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return " ".join(text.casefold().split())
