"""The bounds that ship can be shown: by 90 cases proven, by 40 supported, and by chance refused.

What a model says is scored by the task's own scorers; how long and how much it took is made up, as
that of a quick and cheap one, since a busy machine has no say in whether a bound can be shown.
"""

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from runner.config import catalogue, loading
from runner.config.schema import Job
from runner.decide import gate
from runner.pipeline.plan import prepare
from runner.record.outcomes import Answered, Failed, ToolCall, Usage
from runner.report import build
from tests.report import make
from tests.tasks.shipped import TASKS

PROVIDER = """
defaults: [/base/provider@_here_, _self_]
name: loop
litellm: hosted_vllm
api_base: http://127.0.0.1:9/v1
api_key_env: LOOPBACK_API_KEY
rpm: 5000
"""
# Prices of the cheapest hosted models that conf/model/ has.
MODEL = """
defaults: [/base/model@_here_, /provider: loop, _self_]
name: quick
id: quick-2026-01-01
context_tokens: 128000
price: {input_usd_per_mtok: 0.15, output_usd_per_mtok: 0.6, checked: 2026-11-23, source: tests}
"""


class Asked(NamedTuple):
    """What a case expects, and the answer that is right."""

    expected: Any
    answer: str
    input: str = ""


LABELS = ("card_lost", "card_delivery", "transfer_failed", "exchange_rate", "close_account")
ISSUES = ("damaged order", "late delivery", "wrong item", "missing item", "billing error")


def _function(n: int) -> Asked:
    tests = f"assert solve() == {n}\nassert solve() != {n + 1}"
    return Asked({"tests": tests}, f"```python\ndef solve():\n    return {n}\n```")


def _fields(n: int) -> Asked:
    said = ("negative", "neutral", "positive")[n % 3]
    found = {
        "name": f"Ada Nr. {n}", "issue": ISSUES[n % 5], "sentiment": said,
        "order_ids": [f"{55000 + n}"], "amount": n + 0.5, "refund_wanted": n % 2 == 0,
        "needed_by": None,
    }  # fmt: skip
    return Asked(found, json.dumps(found))


def _summary(n: int) -> Asked:
    text = f"Firm {n * 37} of Westerveen{n} sold {n * 11 + 1000} pumps."
    facts = [f"Firm {n * 37}", f"Westerveen{n}", str(n * 11 + 1000)]
    around = (
        f"In spring the board met twice in a hall, and once the weather had been talked over "
        f"it turned to trade. As the minutes of {facts[1]} have it, {facts[0]} has found buyers of "
        f"{facts[2]} pumps since then, more than anybody had hoped. Nobody left early."
    )
    return Asked({"summary": text, "facts": facts}, text, around)


def _call(n: int) -> Asked:
    """The answer is the arguments of the one call that it makes."""
    order = {"order_id": f"FF-{20000 + n}"}
    return Asked([{"name": "get_order", "arguments": order}], json.dumps(order))


MAKERS: dict[str, Callable[[int], Asked]] = {
    "classification": lambda n: Asked(LABELS[n % 5], LABELS[n % 5]),
    "code_generation": _function,
    "extraction": _fields,
    "reasoning": lambda n: Asked(n * 7, f"Let me see.\nAnswer: {n * 7}"),
    "summarization": _summary,
    "tool_use": _call,
}


def job_of(task: str, count: int, home: Path) -> Job:
    """On `count` generated cases, with the requirements that ship."""
    lines = [
        {"id": f"c{n}", "input": one.input or f"question {n}", "expected": one.expected}
        for n, one in enumerate(map(MAKERS[task], range(count)))
    ]
    (home / "cases.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name, text in {"provider/loop": PROVIDER, "model/quick": MODEL}.items():
        path = home / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    own = [f"task={task}", "model=quick", f"task.cases={home / 'cases.jsonl'}"]
    return loading.load(catalogue.compose_config("config", own, home / "conf"))


async def answer(job: Job, says: Callable[[int], str]) -> list[Answered | Failed]:
    """As a run would record it: 0.3 to 0.7 s, 400 tokens in and 60 out."""
    plan = prepare(job)
    found: list[Answered | Failed] = []
    usage = Usage(input_tokens=400, output_tokens=60)
    for n, question in enumerate(plan.questions()):
        about = {
            "messages": list(question.query.messages),
            "expected": question.case.expected,
            **_said(job.task.name, says(n)),
            "usage": usage,
            "cost_usd": 400 * 0.15e-6 + 60 * 0.6e-6,
            "seconds": 0.3 + 0.4 * (n % 10) / 10,
            "served_by": "quick",
            "scores": {},
        }
        line = make.answered(question.case.id, **about)
        found.append(await plan.score(line, question.case, _nobody, [], {}))
    return found


def _said(task: str, answer: str) -> dict[str, Any]:
    if task != "tool_use":
        return {"reply": answer}
    return {"reply": "", "tool_calls": [ToolCall(id="1", name="get_order", arguments=answer)]}


async def _nobody(*_: object) -> Any:
    raise AssertionError("no scorer of these asks a model")


@pytest.mark.parametrize("task", TASKS)
def test_what_ships_can_be_shown(task: str, tmp_path: Path) -> None:
    """A perfect model is proven on 90 cases and supported on 40; one that guesses is refused."""

    def seen(count: int, lines: list[Answered | Failed]) -> tuple[str | None, bool, bool]:
        """The tier by the first answers, and whether gate=true and gate=proven are shut."""
        job = job_of(task, count, tmp_path)
        result = build(make.run(tmp_path / "run", lines[:count], job))
        points = gate.of_run(result)
        assert not [each for each in result.verdicts if each.verdict == "unknown"], task
        return result.tier, gate.rule(True, points).shut, gate.rule("proven", points).shut

    def right(n: int) -> str:
        return MAKERS[task](n).answer

    said = random.Random(0).choices(range(40), k=90)  # the answer to any of the first cases

    def guess(n: int) -> str:
        return right(said[n])

    job = job_of(task, 90, tmp_path)
    answers, guesses = (asyncio.run(answer(job, says)) for says in (right, guess))
    for count in (90, 40):
        assert seen(count, guesses) == ("refused", True, True), (task, count)
    assert seen(90, answers) == ("proven", False, False), task
    assert seen(40, answers) == ("supported", False, True), task
