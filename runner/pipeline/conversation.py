"""A question that takes several requests, driven from the first to the last.

The turns of a case are said one after the other, each answer is put into the history. Calls of
tools that have results go on with these, as long as the task has steps left. What came of a request
is an `Exchange` on record; each is paid for, and on disk, before the next one is sent.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from runner.cases.attachments import recorded
from runner.cases.call_log import CallLog, OnText
from runner.cases.cases import Case
from runner.cases.messages import attached
from runner.cases.query import Query
from runner.config.schema import Model
from runner.pipeline.tool_results import not_run, results
from runner.price import total
from runner.record.outcomes import Answered, Exchange, Message, Reply, Score

if TYPE_CHECKING:
    from runner.calls.ask import Asker

# Scores one answer as that to a case, into the first dict; of the second are those that it has.
ScoreOne = Callable[[Reply, Case, dict[str, Score], dict[str, Score]], Awaitable[dict[str, str]]]


def takes_several(query: Query) -> bool:
    return bool(query.case.turns) or bool(query.tools and query.task and query.task.steps > 1)


async def hold(
    asker: "Asker", model: Model, query: Query, log: CallLog, on_text: OnText | None = None
) -> None:
    """Ask for the answer to each turn; `log` has all that happened, as `Asker.ask` leaves it.

    It ends with the first request that no model answers. What is said beside calls that go on is
    not of the answer, so that `on_text` hears of a step once it is known to be the last.
    """
    case, steps = query.case, query.task.steps if query.task else 1
    cut = len(query.messages) - len(case.turns)
    opening, turns = query.messages[:cut], query.messages[cut:]
    said: list[Message] = []
    unanswered: list[Message] = []  # calls of the turn before, so that providers take the history
    for number in range(1, max(1, len(turns)) + 1):
        new = [*unanswered, *turns[number - 1 : number]]
        for step in range(1, steps + 1):
            said += new
            view = _view(case, said) if case.turns else case
            now = replace(query, messages=[*opening, *said], case=view)
            if step > 1 and query.tool_choice not in (None, "none"):
                now = replace(now, tool_choice="auto")  # who had to call may say what came of it
            held: list[str] = []
            hear = held.append if on_text and step < steps else on_text
            one = await _ask(asker, model, now, log, hear)
            if one.reply is None or one.error is not None:
                return
            log.exchanges.append(_exchange(one, one.reply, number, new))
            said.append(log.exchanges[-1].message)
            new = await _results(query, log) if step < steps else []
            if not new:
                if on_text:
                    for piece in held:
                        on_text(piece)
                break
        unanswered = not_run(log.exchanges[-1].tool_calls)


def rounds(query: Query) -> Iterator[Query]:
    """What is asked in each turn, as far as it is known: without the answers before it."""
    whole, count = len(query.messages), len(query.case.turns)
    for end in range(whole - count + 1, whole + 1):
        said = query.messages[whole - count : end]
        yield replace(query, messages=query.messages[:end], case=_view(query.case, said))


async def _results(query: Query, log: CallLog) -> list[Message]:
    """What the calls of the last answer give back; none where there is nothing to go on with."""
    last = log.exchanges[-1]
    if not last.tool_calls or query.task is None:
        return []
    found = await results(query.task, query.case, last.tool_calls)
    if found is None:
        return []
    problems = [each.problem for each in found if each.problem]
    log.exchanges[-1] = last.model_copy(update={"problems": problems})
    return [each.message for each in found]


async def _ask(
    asker: "Asker", model: Model, query: Query, log: CallLog, on_text: OnText | None
) -> CallLog:
    """One request with retries and fallbacks of its own, added to `log` even when cancelled."""
    one = CallLog(exchange=len(log.exchanges) + 1)
    try:
        await asker.ask(model, query, on_text, one)
    finally:
        log.follow(one)
    return one


def _exchange(one: CallLog, reply: Reply, turn: int, said: list[Message]) -> Exchange:
    return Exchange(
        turn=turn,
        said=recorded(said),
        reply=reply.text,
        tool_calls=reply.tool_calls,
        reasoning=reply.reasoning,
        finish_reason=reply.finish_reason,
        usage=reply.usage,
        seconds=one.seconds,
        first_token_seconds=one.first_token_seconds,
        cost_usd=total(attempt.cost_usd for attempt in one.attempts),
        model_served=reply.model_served,
        served_by=one.served_by,
        arm=one.arm,
        fallback=one.fallback,
    )


def _view(case: Case, said: Iterable[Message], expected: Any = None) -> Case:
    """What a turn is to routers, checks and scorers: a case whose messages are all until then."""
    own = {"turns": (), "messages": tuple(said), "expected": expected}
    return case.model_copy(update=own)


def views(
    case: Case, exchanges: Sequence[Exchange] = (), *, unseen: str = "…"
) -> Iterator[tuple[int, Case]]:
    """The turns that are scored, by number from 1, as cases of what was said until then.

    They are those with an expected value of their own; where none has one, all. `unseen` stands
    for answers that are not among the `exchanges`.
    """
    wanted = [turn.expected is not None for turn in case.turns]
    said: list[Message] = []
    for number, turn in enumerate(case.turns, 1):
        said.append({"role": "user", "content": attached(turn.input, turn.images, turn.files)})
        answers = [each for each in exchanges if each.turn == number]
        for step, exchange in enumerate(answers):
            said += exchange.said if step else []
            if step + 1 < len(answers):
                said.append(exchange.message)
        if wanted[number - 1] or not any(wanted):
            yield number, _view(case, said, turn.expected)
        said.append(answers[-1].message if answers else {"role": "assistant", "content": unseen})
        said += not_run(answers[-1].tool_calls) if answers else []


async def score(
    answer: Answered, case: Case, rule: str, one: ScoreOne, names: Iterable[str]
) -> tuple[dict[str, Score], dict[str, str]]:
    """The scores of a conversation under `rule`, and why some of `names` are missing.

    The exchanges of `answer` have those of their turns as soon as these are there: whatever ends
    this, they are kept.
    """
    missing: dict[str, str] = {}
    scored: list[tuple[int, dict[str, Score]]] = []
    for number, view in views(case, answer.exchanges):
        place = max(n for n, each in enumerate(answer.exchanges) if each.turn == number)
        scores: dict[str, Score] = {}
        unscored: dict[str, str] = {}
        try:
            kept = answer.exchanges[place].scores
            unscored = await one(answer.reply_to(number), view, scores, kept)
        finally:
            found = {"scores": scores, "unscored": unscored, "expected": view.expected}
            answer.exchanges[place] = answer.exchanges[place].model_copy(update=found)
        missing |= {name: f"turn {number}: {why}" for name, why in unscored.items()}
        scored.append((number, scores))
    together = {
        name: _together(rule, [(n, scores[name]) for n, scores in scored])
        for name in names
        if name not in missing
    }
    return together, missing


def _together(rule: str, turns: list[tuple[int, Score]]) -> Score:
    number, shown = turns[-1] if rule == "last" else min(turns, key=lambda turn: turn[1].value)
    value = fmean(each.value for _, each in turns) if rule == "mean" else shown.value
    of = f"turn {number}" if rule == "last" else f"turn {number}, the worst of {len(turns)}"
    return Score(value=value, why=f"{of}: {shown.why}", details=shown.details)
