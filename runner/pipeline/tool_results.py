"""What a tool gives back: from the case, or from a function of the task's `tools.py`.

What a call gets wrong is told to the model, as it would be at work: a tool that there is not,
arguments that are none, a function that raises or takes too long.
"""

import asyncio
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from runner.cases import strict_json
from runner.cases.cases import Case
from runner.config import json_schema, paths
from runner.config.schema import Task
from runner.errors import ConfigError, did_you_mean
from runner.record.files import sha256
from runner.record.outcomes import Message, ToolCall
from runner.scorers import _modules
from runner.scorers._aside import aside

FILE = "tools.py"


class ToolResult(NamedTuple):
    message: Message
    problem: str = ""  # why it is no good one


def file_of(task: Task) -> Path | None:
    """Where its functions are; None: it has none."""
    found = (folder / task.name / FILE for folder in paths.tasks_dirs())
    return next((path for path in found if path.is_file()), None)


def functions(task: Task) -> Mapping[str, Callable[..., Any]]:
    """By the names of the tools. Raises ConfigError for a file that can't be imported, or has none
    of them.
    """
    if not (path := file_of(task)):
        return {}
    found, names = _functions(path, sha256(path)), [tool.name for tool in task.tools]
    if not any(name in found for name in names):
        raise ConfigError(f"{path}: no function has the name of a tool: {', '.join(names)}")
    return found


def problem(task: Task, case: Case) -> str | None:
    """What is wrong with the results that a case has."""
    names = [tool.name for tool in task.tools]
    odd = next((each.name for each in case.results if each.name not in names), None)
    return f"results: no tool '{odd}'{did_you_mean(odd, names)}" if odd else None


def fingerprint(task: Task) -> str | None:
    """Hash of what shapes their results; None: nothing does."""
    path = file_of(task) if task.steps > 1 else None
    return sha256(path) if path else None


@cache
def _functions(path: Path, _sha256: str) -> dict[str, Callable[..., Any]]:
    module = _modules.load(path)
    public = {name: each for name, each in vars(module).items() if not name.startswith("_")}
    return {name: each for name, each in public.items() if callable(each)}


async def results(task: Task, case: Case, calls: Sequence[ToolCall]) -> list[ToolResult] | None:
    """Of all of these calls, in their order; None where there is none for one of them."""
    known = functions(task)
    found = [await _result(task, case, known, call) for call in calls]
    return None if None in found else [each for each in found if each is not None]


async def _result(
    task: Task, case: Case, known: Mapping[str, Callable[..., Any]], call: ToolCall
) -> ToolResult | None:
    tool = next((each for each in task.tools if each.name == call.name), None)
    if tool is None:
        names = ", ".join(each.name for each in task.tools)
        return _wrong(call, f"there is no tool {call.name}; there are: {names}")
    try:
        arguments = strict_json.loads(call.arguments or "{}")
    except ValueError as error:
        return _wrong(call, f"the arguments are no JSON: {error}")
    if not isinstance(arguments, dict):
        return _wrong(call, "the arguments are no object")
    if misfit := json_schema.misfit(tool.parameters, arguments):
        return _wrong(call, f"the arguments do not fit: {misfit[:300]}")
    for each in case.results:
        if each.name == call.name and each.arguments in (None, arguments):
            return ToolResult(_message(call, each.result))
    if call.name not in known:
        return None
    try:
        work = partial(_called, known[call.name], arguments)
        return ToolResult(_message(call, await aside(work, task.tool_timeout, "task.tool_timeout")))
    except Exception as error:
        return _wrong(call, _modules.explain(error))


def _called(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    given = function(**arguments)
    return asyncio.run(given) if inspect.iscoroutine(given) else given


def _message(call: ToolCall, result: Any) -> Message:
    """Raises TypeError, ValueError for what is no JSON."""
    is_text = isinstance(result, str)
    text = result if is_text else json.dumps(result, ensure_ascii=False, allow_nan=False)
    text.encode()
    return {"role": "tool", "tool_call_id": call.id, "content": text}


def _wrong(call: ToolCall, problem: str) -> ToolResult:
    return ToolResult(_message(call, {"error": problem}), f"{call.name}: {problem}")


def not_run(calls: Sequence[ToolCall]) -> list[Message]:
    """What stands in the history for calls that nothing answers, so that it can go on."""
    return [_message(call, {"error": "not run: there is no result"}) for call in calls]
