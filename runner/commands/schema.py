"""Print the JSON schema of one group's files, so that an editor completes and checks them.

    python -m runner schema model > model.schema.json

Groups: fallback, model, prompt, provider, requirements, retry, task, tools.
In the YAML: `# yaml-language-server: $schema=../../model.schema.json`.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from runner.commands._arguments import NoKeys, arguments
from runner.config.schema import Fallback, Model, Provider, Requirements, Retry, Task, Tool
from runner.errors import ConfigError, did_you_mean
from runner.report.console import emit

GROUPS: dict[str, Any] = {
    "fallback": Fallback,
    "model": Model,
    "prompt": Task,
    "provider": Provider,
    "requirements": Requirements,
    "retry": Retry,
    "task": Task,
    "tools": Tool,
}


def main(argv: Sequence[str]) -> int:
    [group] = arguments("schema", __doc__, argv, words=1, keys=NoKeys).words
    if group not in GROUPS:
        raise ConfigError(f"schema: no group '{group}'{did_you_mean(group, GROUPS)}")
    emit("json", tree=file_schema(group))
    return 0


def file_schema(group: str) -> dict[str, Any]:
    """The schema of a file of `group`: keys may be missing, a base file gives them."""
    schema = TypeAdapter(GROUPS[group]).json_schema()
    schema.pop("discriminator", None)  # `kind` comes from the base file
    kinds = [entry["$ref"].rpartition("/")[2] for entry in schema.pop("oneOf", [])]
    if kinds:
        schema["anyOf"] = [{"$ref": f"#/$defs/{kind}"} for kind in kinds]
        price = schema["$defs"]["Single"]["properties"]["price"]
        price["anyOf"].append({"type": "array", "items": {"$ref": "#/$defs/Price"}})
    if tools := schema["properties"].get("tools") if "properties" in schema else None:
        tools["items"] = {"anyOf": [tools["items"], {"type": "string"}]}  # or the name of its file
    for part in [schema["$defs"][kind] for kind in kinds] or [schema]:
        part["properties"]["defaults"] = {"type": "array", "description": "Hydra's defaults list"}
        part.pop("required", None)
    return schema
