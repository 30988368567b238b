"""The answer is JSON, and fits the task's `json_schema` when it has one.

JSON is what the standard says: a key twice in an object and NaN are none. The task's `fenced` says
whether a Markdown code block around it counts. `format` is held, and a schema's patterns are of
ECMA-262. A schema that can't be used is refused when the task is loaded.
"""

from runner.cases import reading
from runner.cases.cases import Case
from runner.config import ecma, json_schema
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers._text import clip

PARTS = (reading, json_schema, ecma)


def score(reply: Reply, case: Case, task: Task) -> Score:
    try:
        value, in_fence = reading.as_json(reply.text, fenced=task.fenced)
    except ValueError as error:
        return Score(value=0, why=f"{error}: '{clip(reply.text)}'")
    read = "valid JSON (fenced)" if in_fence else "valid JSON"
    if task.json_schema is None:
        return Score(value=1, why=read)
    if misfit := json_schema.misfit(task.json_schema, value):
        return Score(value=0, why=f"{read}, but {clip(misfit, 160)}")
    return Score(value=1, why=f"{read} that fits the schema")
