"""All of a config that shapes answers, and nothing else: equal shapes ask for the very same."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from runner.config.schema import MODELS, Single


def shape(value: Any) -> Any:
    """As plain data, whose order is kept: the arms of a cascade have one.

    Of a model, prices and limits are left out, and the address where an embedded one is served.
    """
    if isinstance(value, Single):
        return _single(value)
    if isinstance(value, BaseModel):
        left_out = {"name"} if isinstance(value, MODELS) else set()
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return [[key, shape(inner)] for key, inner in fields.items() if key not in left_out]
    if isinstance(value, Mapping):
        return [[str(key), shape(inner)] for key, inner in value.items()]
    if isinstance(value, list | tuple):
        return [shape(inner) for inner in value]
    if isinstance(value, set | frozenset):  # their order differs from process to process
        return sorted(map(str, value))
    return value


def _single(model: Single) -> list[Any]:
    artifact = model.artifact
    weights = artifact and [
        artifact.sha256,
        artifact.path and _stamp(Path(artifact.path).expanduser()),
        artifact.chat_template,
        artifact.context_tokens,
    ]
    where = None if artifact else model.provider.api_base
    asked = [model.max_output_tokens, model.drop_params, model.extra_body]
    return [model.name, model.litellm_id, where, weights, *asked]


def _stamp(file: Path) -> list[Any]:
    """Hashing a user's own weights would take longer than many a run."""
    found = file.stat() if file.exists() else None
    return [str(file), found and [found.st_size, found.st_mtime_ns]]
