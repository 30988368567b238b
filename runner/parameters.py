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


def differences(model: Model, task: Task) -> list[str]:
    """Where a model is not asked as the task says: its numbers are not quite like for like."""
    asked = task.sampling.model_dump(exclude_none=True)
    if task.json_schema is not None:
        asked["json_schema"] = "the task's"
    found = [
        f"{model.name} is not sent {name}={asked[name]}"
        for name in model.drop_params
        if name in asked
    ]
    if model.max_output_tokens and model.max_output_tokens < task.sampling.max_tokens:
        limit = f"{model.max_output_tokens} of the {task.sampling.max_tokens}"
        found.append(f"{model.name} may write {limit} tokens that the task allows")
    found += [f"{model.name} is sent {key}={value} too" for key, value in model.extra_body.items()]
    return found
