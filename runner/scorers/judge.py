"""Another model scores the answer by a rubric, from 1 (worth 0) to `scale` (worth 1).

That model, `model`, sees what was asked, the answer and, unless `reference: false`, the expected
one where a case has it. It replies under a JSON schema, reasons first. What it fails to judge stays
without a score. It may not be a model under test, unless `allow_self_judging: true`.

Two checks of the judge itself ask it more often; the value is then the mean of all judgements.
`repeats` says how often, `swap` has answer and reference read in the other order as well.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import chain, combinations
from statistics import fmean
from typing import Annotated

from pydantic import Field

from runner.cases.call_log import Ask
from runner.cases.cases import Case
from runner.cases.query import Query, misfit
from runner.config.schema import LOWEST, Model, Sampling, Task, answerers
from runner.record.outcomes import Reply, Score
from runner.scorers import ScorerTable, Unscored, _expected, _judging
from runner.scorers._judging import Judgement, Prompt, Texts
from runner.scorers._text import clip

Count = Annotated[int, Field(ge=1)]


async def score(
    reply: Reply,
    case: Case,
    task: Task,
    *,
    ask: Ask,
    model: Model,
    rubric: Annotated[str, Field(min_length=1)],
    scale: Annotated[int, Field(ge=2, le=100)] = 5,
    reference: bool = True,
    key: str | None = None,  # of `expected`, where only a part of it is the reference
    repeats: Count = 1,
    swap: bool = False,
    system: Prompt = _judging.SYSTEM,
    prompt: Prompt = _judging.PROMPT,
    max_tokens: Count = 4096,  # what it thinks first included
    effort: str | None = LOWEST,
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0,
    allow_self_judging: bool = False,  # for runner/judging.py, which knows the models under test
) -> Score:
    request, files = _judging.request(case, task)

    async def judgement(texts: Texts) -> Judgement:
        words = _judging.render(prompt, rubric, scale, texts)
        content = [{"type": "text", "text": words}, *files] if files else words
        query = Query(
            case=case,
            messages=[
                {"role": "system", "content": _judging.render(system, rubric, scale, texts)},
                {"role": "user", "content": content},
            ],
            sampling=Sampling(
                temperature=temperature, max_tokens=max_tokens, reasoning_effort=effort
            ),
            output="json",
            json_schema=_judging.schema(scale),
            schema_name="judgement",
            role="judge",
        )
        asked = await ask(model, query)
        if asked.reply is None:
            raise Unscored(f"{model.name}: {asked.error}")
        try:
            return _judging.read(asked.reply, scale)
        except ValueError as error:
            raise Unscored(f"{model.name}: {error}") from None

    texts = [("request", request), ("answer", reply.text)]
    if _has_reference(case, reference):
        texts.insert(1, ("reference", _reference(case, key)))
    orders = [texts, [texts[0], *reversed(texts[1:])]] if swap else [texts]
    # One after the other: what a failure makes useless is not paid for.
    judged = [[await judgement(texts) for _ in range(repeats)] for texts in orders]
    scores = [[each.score for each in judgements] for judgements in judged]
    given = " and in the other order ".join(", ".join(map(str, each)) for each in scores)
    reasons = clip(judged[0][0].reasoning, 300) or "no reason given"
    return Score(
        value=(fmean(chain(*scores)) - 1) / (scale - 1),
        why=f"{model.name} gave {given} of {scale}: {reasons}",
        details={"judge": model.name, "scale": scale, "scores": scores},
    )


def check(
    case: Case,
    task: Task,
    *,
    model: Model,
    reference: bool = True,
    key: str | None = None,
    swap: bool = False,
) -> str | None:
    _, files = _judging.request(case, task)
    for _, single in answerers(model):
        if why := misfit(single, files):
            return f"can't judge this case: {why}"
    if _has_reference(case, reference):
        return _expected.problem(lambda: _reference(case, key))
    return "swap: there is no reference for the answer to change places with" if swap else None


def tables(scores: Sequence[Score]) -> list[ScorerTable]:
    judges: dict[str, list[Score]] = {}
    again: list[list[float]] = []
    swapped: list[list[float]] = []
    for each in scores:
        judges.setdefault(each.details["judge"], []).append(each)
        orders, span = each.details["scores"], each.details["scale"] - 1
        repeated = chain.from_iterable(combinations(order, 2) for order in orders)
        again.append([abs(a - b) / span for a, b in repeated])
        in_both = zip(*orders, strict=True) if len(orders) == 2 else ()
        swapped.append([abs(a - b) / span for a, b in in_both])
    judged = tuple(_judged(judge, given) for judge, given in judges.items())
    held = (*_held("asked again", again), *_held("order swapped", swapped))
    found = [
        ScorerTable("Judge", ("judge", "answers", "judgements", "mean"), judged),
        ScorerTable(
            "Self-consistency of the judge",
            ("check", "answers", "same score", "mean difference"),
            held,
        ),
    ]
    return [table for table in found if table.rows]


def _judged(judge: str, scores: Sequence[Score]) -> tuple[str, int, int, float]:
    judgements = sum(len(order) for each in scores for order in each.details["scores"])
    return judge, len(scores), judgements, fmean(each.value for each in scores)


def _held(
    check: str, differences: Sequence[Sequence[float]]
) -> Iterator[tuple[str, int, float, float]]:
    """A row for what was checked: differences, of 0 to 1, between judgements of one answer each."""
    if checked := [each for each in differences if each]:
        same = fmean(not any(each) for each in checked)
        yield check, len(checked), same, fmean(chain.from_iterable(checked))


def _has_reference(case: Case, wanted: bool) -> bool:
    return wanted and case.expected is not None


def _reference(case: Case, key: str | None) -> str:
    """Raises ValueError saying what is wrong with the case."""
    found = _expected.value(case, key)
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
