"""The answer is JSON, and fits the task's `json_schema` when it has one.

`fenced: true` accepts a Markdown code block around the JSON; say false if what reads the answers in
production does not take it off.
"""

from typing import Any

from jsonschema.exceptions import SchemaError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import _json
from runner.scorers._text import clip


def score(reply: Reply, case: Case, task: Task, *, fenced: bool = True) -> Score:
    try:
        value, in_fence = _json.read(reply.text, fenced=fenced)
    except ValueError as error:
        return Score(value=0, why=f"{error}: '{clip(reply.text)}'")
    read = "valid JSON (fenced)" if in_fence else "valid JSON"
    if task.json_schema is None:
        return Score(value=1, why=read)
    misfit = best_match(_validator(task.json_schema).iter_errors(value))
    if misfit is None:
        return Score(value=1, why=f"{read} that fits the schema")
    return Score(value=0, why=f"{read}, but at {misfit.json_path}: {clip(misfit.message, 160)}")


def check(case: Case, task: Task) -> str | None:
    if task.json_schema is None:
        return None
    try:
        validator_for(task.json_schema).check_schema(task.json_schema)
    except SchemaError as error:
        return f"task.json_schema is no JSON schema: at {error.json_path}: {clip(error.message)}"
    return None


def _validator(schema: dict[str, Any]) -> Validator:
    # An empty registry: a `$ref` to somewhere else is never downloaded.
    return validator_for(schema)(schema, registry=Registry())
