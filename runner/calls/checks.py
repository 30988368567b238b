"""Whether an answer may stand, where nobody knows the expected one.

A cascade's checks are scorers; a fallback may be for answers that are cut off or malformed.
"""

import json
from collections.abc import Collection
from functools import cache
from typing import Any

from runner import scorers
from runner.cases import reading
from runner.cases.call_log import Ask
from runner.cases.cases import Case
from runner.cases.query import Query
from runner.config import json_schema, paths
from runner.config.schema import Cascade, Task
from runner.errors import ConfigError, ErrorKind
from runner.record.outcomes import Reply

_UNKNOWN = Case(id="-", input="-")  # a case without an expected value


def check_cascade(cascade: Cascade, task: Task) -> None:
    """Raises ConfigError for a scorer or option that is not there, or needs an expected value."""
    problems = []
    for name, (scorer, _) in loaded(cascade, task).items():
        if problem := scorer.check(_UNKNOWN, task):
            problems.append(
                f"{cascade.name}: checks.{name}: {problem}; a check has no expected value"
            )
    if problems:
        raise ConfigError(*problems)


async def objection(cascade: Cascade, reply: Reply, query: Query, ask: Ask) -> str | None:
    """Why an answer may not stand; None: it may. Raises ScorerFailed."""
    if cascade.finish_reasons and reply.finish_reason not in cascade.finish_reasons:
        return f"finish_reason: {reply.finish_reason}"
    if not cascade.checks:
        return None
    assert query.task is not None  # only answers are checked, and these belong to a task
    for name, (scorer, least) in loaded(cascade, query.task).items():
        try:
            score = await scorer(reply, query.case, query.task, ask)
        except scorers.Unscored as reason:
            return f"{name}: {reason}"
        if score.value < least:
            return f"{name}: {score.why}"
    return None


def flaw(reply: Reply | None, query: Query, counts: Collection[ErrorKind]) -> ErrorKind | None:
    """What is wrong with an answer, among what `counts` as a failure."""
    if reply is None:
        return None
    if "truncated" in counts and reply.finish_reason == "length":
        return "truncated"
    if "invalid_output" in counts and not _in_format(reply, query):
        return "invalid_output"
    return None


def _in_format(reply: Reply, query: Query) -> bool:
    if reply.tool_calls:
        return True  # no answer yet, whose format one could look at
    if query.output != "json" and query.json_schema is None:
        return bool(reply.text.strip())
    try:
        value, _ = reading.as_json(reply.text, fenced=query.fenced)
    except ValueError:
        return False
    return query.json_schema is None or json_schema.misfit(query.json_schema, value) is None


def _share(where: str, value: Any) -> float:
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigError(f"{where}: is a number from 0 to 1 (it is {value!r})")
    return float(value)


def loaded(cascade: Cascade, task: Task) -> dict[str, tuple[scorers.Scorer, float]]:
    # Frozen, but full of mappings, which can't be hashed.
    return _from_json(json.dumps(cascade.model_dump(mode="json")), task.model_dump_json())


@cache
def _from_json(cascade_json: str, task_json: str) -> dict[str, tuple[scorers.Scorer, float]]:
    cascade, task = Cascade.model_validate_json(cascade_json), Task.model_validate_json(task_json)
    options: dict[str, dict[str, Any]] = {}
    least: dict[str, float] = {}
    for name, given in cascade.checks.items():
        least[name] = _share(f"{cascade.name}: checks.{name}.min_score", given.get("min_score", 1))
        options[name] = {key: value for key, value in given.items() if key != "min_score"}
    asking = task.model_copy(update={"scorers": options})
    loaded = scorers.load(asking, paths.tasks_dirs())
    return {name: (scorer, least[name]) for name, scorer in loaded.items()}
