"""What a request asks for besides its messages, in litellm's words."""

from typing import Any

from runner.cases import Case
from runner.schema import Model, Task


def parameters(model: Model, task: Task, case: Case, seed: int | None) -> dict[str, Any]:
    """What a request asks for besides the messages, less what the model's `drop_params` name."""
    wanted: dict[str, Any] = task.sampling.model_dump(exclude_none=True)
    limit = case.max_tokens or task.sampling.max_tokens
    wanted["max_tokens"] = min(limit, model.max_output_tokens or limit)
    if task.sampling.stop:
        wanted["stop"] = list(task.sampling.stop)
    if seed is not None:
        wanted["seed"] = seed
    if task.json_schema is not None:
        schema = {"name": task.name, "schema": task.json_schema, "strict": True}
        wanted["response_format"] = {"type": "json_schema", "json_schema": schema}
    for name in model.drop_params:
        wanted.pop("response_format" if name == "json_schema" else name, None)
    return wanted
