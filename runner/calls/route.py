"""Which single model answers: router, cascade and split choose here, and ask nobody.

A route is a generator: it yields what is to be done next, and whoever drives it (`ask`) sends back
what came of it. So a router is a question to its classifier and then an arm; a cascade an arm, a
check, and the next arm; a split an arm.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from runner.cases import attachments, reading
from runner.cases.cases import Case
from runner.cases.query import Query, about_tokens, answer_tokens_at_most, misfit
from runner.config import patterns
from runner.config.schema import Cascade, Model, Router, Rule, SelfConsistency, Single, Split
from runner.errors import CallFailed, ErrorKind
from runner.record.outcomes import Choice, Reply

_RULE_SECONDS = 0.5  # of a rule's pattern, while all else waits


@dataclass(frozen=True)
class AskModel:
    """Sent back: its Reply. CallFailed is thrown in where there is none."""

    model: Single
    query: Query
    arm: str  # the way to the model through composite ones
    stands: bool  # whether what it answers will, so that it may be read as it is written


@dataclass(frozen=True)
class AskAtOnce:
    """Sent back: what Served each of these routes."""

    routes: "list[Route]"


@dataclass(frozen=True)
class Check:
    """Sent back: why the checks of a cascade object to an answer; None: they don't."""

    cascade: Cascade
    reply: Reply
    query: Query


@dataclass(frozen=True)
class Served:
    """The end of a route: the answer, who gave it, and whether it could be read meanwhile."""

    by: AskModel
    reply: Reply


Next = AskModel | AskAtOnce | Check | Choice  # a choice is to be noted: nothing is sent back
Route = Generator[Next, Any, Served]


def route(model: Model, query: Query, arm: str = "", *, stands: bool = True) -> Route:
    """The way of one question through a model."""
    match model:
        case Single():
            step = AskModel(model, query, arm, stands)
            return Served(step, (yield step))
        case Router():
            choice = yield from _choose(model, query, arm)
        case Split():
            choice = Choice(model=model.name, arm=_share(model, query.case), how="weight")
        case Cascade():
            return (yield from _escalate(model, query, arm, stands))
    yield choice
    below = _below(arm, choice.arm)
    return (yield from route(model.arms[choice.arm], query, below, stands=stands))


def _choose(router: Router, query: Query, arm: str) -> Generator[Next, Any, Choice]:
    text = query.case.text
    if router.classifier is None:
        slow = ""
        for number, rule in enumerate(router.rules, 1):
            try:
                if _fits(rule, query.case, text):
                    return Choice(model=router.name, arm=rule.arm, how="rule", why=f"rule {number}")
            except patterns.TooSlow as problem:  # no input ends a run: the rule does not fit
                slow = f"rule {number}: {problem}"
        return Choice(model=router.name, arm=router.otherwise, how="otherwise", why=slow)
    asking = _classifying(router, query)
    below = _below(arm, "classifier")
    try:
        said = (yield from route(router.classifier, asking, below, stands=False)).reply.text
    except CallFailed as error:
        if not (error.transient or error.kind == "circuit_open"):
            raise  # a wrong key is to be mended, not routed around
        return Choice(model=router.name, arm=router.otherwise, how="unclassified", why=str(error))
    from runner.scorers import _labels  # whose forty patterns take a while to compile

    named = _labels.read(said, tuple(router.arms)).label
    if named is None:
        why = f"'{said[:80]}' names no arm"
        return Choice(model=router.name, arm=router.otherwise, how="unparsable", why=why)
    return Choice(model=router.name, arm=named, how="classified")


def _escalate(cascade: Cascade, query: Query, arm: str, stands: bool) -> Route:
    *tries, last = cascade.arms
    why = ""
    for name in tries:
        yield _step(cascade, name, why)
        model, below = cascade.arms[name], _below(arm, name)
        if wanted := cascade.self_consistency:
            samples = [
                route(model, query.sampled(number, wanted.temperature), below, stands=False)
                for number in range(wanted.samples)
            ]
            served, why = _most_common((yield AskAtOnce(samples)), wanted)
        else:
            served, why = (yield from route(model, query, below, stands=False)), ""
        why = why or (yield Check(cascade, served.reply, query)) or ""
        if not why:
            return served
    yield _step(cascade, last, why)
    return (yield from route(cascade.arms[last], query, _below(arm, last), stands=stands))


def _most_common(samples: Sequence[Served], wanted: SelfConsistency) -> tuple[Served, str]:
    """The answer that most samples give, and why it may not stand."""
    meanings = [_meaning(each.reply, fenced=each.by.query.fenced) for each in samples]
    meaning, count = Counter(meanings).most_common(1)[0]
    served = samples[meanings.index(meaning)]
    if count / wanted.samples < wanted.min_agreement:
        return served, f"self_consistency: {count} of {wanted.samples} samples agree"
    return served, ""


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


def unfit(model: Model, query: Query) -> tuple[ErrorKind, str] | None:
    """Why a model, or any that it may turn to, can't be asked this."""
    for single, asked in questions(model, query):
        if why := misfit(single, attachments.of(asked.messages)):
            return "bad_request", why
        if asked.role == "answer" and query.output not in single.outputs:
            return "bad_request", f"{single.name} is not for {query.output} output"
        tokens = about_tokens(asked, single.tokens_per_byte)
        answer = answer_tokens_at_most(single, asked)
        if tokens > (single.max_input_tokens or tokens):
            return "context_window", (
                f"about {tokens} tokens are more than the {single.max_input_tokens} that "
                f"{single.name} reads"
            )
        if tokens + answer > single.context_tokens:
            return "context_window", (
                f"about {tokens} tokens and {answer} for the answer do not fit "
                f"the {single.context_tokens} of {single.name}"
            )
    return None


def _classifying(router: Router, query: Query) -> Query:
    messages = [
        {"role": "system", "content": router.system},
        {"role": "user", "content": query.case.text},
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


def _fits(rule: Rule, case: Case, text: str) -> bool:
    return (
        len(text) >= (rule.min_chars or 0)
        and (rule.max_chars is None or len(text) <= rule.max_chars)
        and (not rule.tags or bool(set(rule.tags) & set(case.tags)))
        and (rule.regex is None or patterns.found(rule.regex, text, seconds=_RULE_SECONDS))
    )


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


def _meaning(reply: Reply, *, fenced: bool) -> str:
    """What makes two samples the same answer: the tools that they call, and how; else their JSON,
    or their words without case and space."""
    if reply.tool_calls:
        calls = [[call.name, _form(call.arguments)] for call in reply.tool_calls]
        return json.dumps(["calls", *sorted(calls)])
    return _form(reply.text, fenced=fenced)


def _form(text: str, *, fenced: bool = False) -> str:
    try:
        value, _ = reading.as_json(text, fenced=fenced)
        return json.dumps(value, sort_keys=True)
    except ValueError:
        return " ".join(text.casefold().split())
