"""The answer's Python code passes the case's tests (pass@1).

`expected` is Python that runs after the code and raises when something is wrong. It sees every name
of the code, but for those that Python itself has (`from answer import filter` gets one of these),
and is a module of its own: helpers of the tests and of the code never meet, whatever their names.

The code never meets what is expected of it either. It runs in a process of its own, beside those
parts of the tests that call it; what these give is compared in another process with what the tests
expect, worked out there without the code. An assert is compared so if one side of it can be: write
`assert f(2) == 4`. Any other (`assert is_sorted(f(x))`) is evaluated beside the code: `details`
counts both kinds. Code that reaches for what runs it (frames, traces, the interpreter's memory), or
equals whatever it is compared with, scores 0 as what looks like a fake.

Both processes have Python's own library alone, and no environment, network or input; time, memory,
processes and files are bounded. With bubblewrap (`bwrap`, Linux) they see no file of the user and
nothing outside; without, `details` and the report say in words what was not held.

Of several code blocks in an answer the first (or the last, by `block`) counts that defines
what the tests use, joined with those that it needs in turn; an answer without any is code as a
whole. An answer that is only a function's body gets the head that the case's input gives for it.
"""

import ast
import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from typing import Annotated
from weakref import WeakKeyDictionary

from pydantic import Field

from runner.cases.cases import Case
from runner.config.schema import Seconds, Task
from runner.record.outcomes import Reply, Score
from runner.scorers import ScorerTable, _expected
from runner.scorers._python_tests import (
    answer_code,
    code_side,
    free_names,
    halves,
    judge_side,
    limits,
    sandbox,
    trial,
    values,
)

PARTS = (answer_code, code_side, free_names, halves, judge_side, limits, sandbox, trial, values)

# More at once than there are cores would only make each run into its time limit. A semaphore
# belongs to one event loop.
_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def score(
    reply: Reply,
    case: Case,
    task: Task,
    *,
    key: str | None = None,
    timeout: Seconds = 5.0,  # noqa: ASYNC109 (an option's name, and what ends is a process)
    memory_mb: Annotated[int, Field(ge=64)] = 512,
    block: answer_code.Block = "first",
) -> Score:
    tests = _tests(case, key)
    code, which = answer_code.code(reply.text, _texts(case), tests, block)
    slots = _slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(os.cpu_count() or 1))
    async with slots:
        verdict = await trial.run(code, tests, timeout, memory_mb)
    why = f"{verdict.problem or 'passed'}{which}"
    details = {
        "limits": verdict.limits,
        "compared_apart_from_the_code": verdict.judged,
        "evaluated_beside_the_code": verdict.believed,
    }
    return Score(value=verdict.problem is None, why=why, details=details)


def check(case: Case, task: Task, *, key: str | None = None) -> str | None:
    return _expected.problem(lambda: _tests(case, key))


def tables(scores: Sequence[Score]) -> list[ScorerTable]:
    """Records of older versions say only whether a limit held."""
    said: Counter[tuple[str, str]] = Counter()
    for each in scores:
        for name, held in each.details["limits"].items():
            said[name, held if isinstance(held, str) else "held" if held else "NOT held"] += 1
    rows = tuple((name, held, count) for (name, held), count in said.items())
    columns = ("limit", "held", "answers")
    return [ScorerTable("Limits on the code that was run", columns, rows)] if rows else []


def _tests(case: Case, key: str | None) -> str:
    tests = _expected.text(case, key)
    try:
        body = ast.parse(tests).body
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"the tests are no Python: {error}") from None
    only_defines = (
        ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
        | ast.Assign | ast.AnnAssign | ast.Pass
    )  # fmt: skip
    if all(isinstance(node, only_defines) for node in body):
        raise ValueError("the tests only define things: end them with an assert or a call")
    return tests


def _texts(case: Case) -> list[str]:
    values = case.input.values() if isinstance(case.input, dict) else [case.text]
    return [value for value in values if isinstance(value, str)]
