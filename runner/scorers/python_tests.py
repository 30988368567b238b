"""The answer's Python code passes the case's tests (pass@1).

`expected` is Python that runs after the code and raises when something is wrong. It sees every name
of the code, but for those that Python itself has (`from answer import filter` gets one of these),
and is a module of its own: helpers of the tests and of the code never meet, whatever their names.
Code and tests run in a process of their own: without environment, network and input, with bounded
time, memory, processes and files, as far as the system allows; `details` says which of the limits
held. Of several code blocks in an answer the first (or the last, by `block`) counts that defines
what the tests use, joined with those that it needs in turn; an answer without any is code as a
whole. An answer that is only a function's body gets the head that the case's input gives for it.
"""

import ast
import asyncio
import json
import os
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from weakref import WeakKeyDictionary

from pydantic import Field

from runner.cases.cases import Case
from runner.config.schema import Seconds, Task
from runner.record.outcomes import Reply, Score
from runner.scorers import ScorerTable, _expected, _python_code
from runner.scorers._text import clip

_SANDBOX = Path(__file__).with_name("_sandbox.py")
_START_SECONDS = 30.0  # for the interpreter alone: on a busy machine that is not the answer's fault
_END_SECONDS = 2.0

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
    block: _python_code.Block = "first",
) -> Score:
    tests = _tests(case, key)
    code, which = _python_code.code(reply.text, _texts(case), tests, block)
    order = {"code": code, "tests": tests, "seconds": timeout, "memory_mb": memory_mb}
    problem, limits = await _run(order, timeout)
    why = f"{problem or 'passed'}{which}"
    return Score(value=problem is None, why=why, details={"limits": limits})


def check(case: Case, task: Task, *, key: str | None = None) -> str | None:
    return _expected.problem(lambda: _tests(case, key))


def tables(scores: Sequence[Score]) -> list[ScorerTable]:
    held: Counter[str] = Counter()
    for each in scores:
        held.update({name: int(holds) for name, holds in each.details["limits"].items()})
    rows = tuple((name, count, len(scores)) for name, count in held.items())
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
    values = case.input.values() if isinstance(case.input, dict) else [case.input]
    return [value for value in values if isinstance(value, str)]


async def _run(order: dict[str, Any], seconds: float) -> tuple[str | None, dict[str, bool]]:
    """What went wrong (None: passed), and which limits held.

    Raises RuntimeError when nothing can be run here.
    """
    slots = _slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(os.cpu_count() or 1))
    async with slots:
        with TemporaryDirectory(prefix="python_tests_") as folder:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", str(_SANDBOX)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd=folder,
                env={},
                start_new_session=True,
            )
            try:
                return await _verdict(process, order, seconds)
            finally:
                with suppress(ProcessLookupError, PermissionError):  # all of them ended before
                    os.killpg(process.pid, signal.SIGKILL)
                with suppress(TimeoutError):  # something that escaped holds the pipe
                    async with asyncio.timeout(_END_SECONDS):
                        await process.communicate()


async def _verdict(
    process: Process, order: dict[str, Any], seconds: float
) -> tuple[str | None, dict[str, bool]]:
    assert process.stdin and process.stdout and process.stderr
    token = secrets.token_hex()
    with suppress(ConnectionError):  # it ended at once: what it says on stderr is reported below
        process.stdin.write(json.dumps(order | {"token": token}).encode())
        await process.stdin.drain()
    process.stdin.close()
    try:
        # Not wait_for: before Python 3.12 it loses an interrupt that comes with its line.
        async with asyncio.timeout(_START_SECONDS):
            start = await process.stdout.readline()
    except TimeoutError:
        raise RuntimeError(f"the sandbox took over {_START_SECONDS:g} s to start") from None
    if not start:
        trouble = (await process.stderr.read()).decode(errors="replace")
        raise RuntimeError(f"the sandbox did not start: {clip(trouble[-300:], 300)}")
    limits = json.loads(start)["limits"]
    try:
        async with asyncio.timeout(seconds):
            return await _read_verdict(process.stdout, token), limits
    except TimeoutError:
        return f"timed out after {seconds:g} s", limits


async def _read_verdict(report: asyncio.StreamReader, token: str) -> str | None:
    """The code can find the pipe too, so only a line with the token counts."""
    ours = json.dumps({"token": token}).removesuffix("}").encode()
    try:
        while line := await report.readline():
            if line.startswith(ours):
                problem: str | None = json.loads(line)["problem"]
                return problem
    except ValueError:
        return "wrote into the report of the tests"  # a line beyond what a reader takes
    return "ended before the tests were through"
