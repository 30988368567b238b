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
    definitions = schema.get("$defs", {})
    for part in [definitions[kind] for kind in kinds] or [schema]:
        part["properties"]["defaults"] = {"type": "array", "description": "Hydra's defaults list"}
        part.pop("required", None)
        _let_names_stand(part["properties"])
    definitions.get("Provider", {}).pop("required", None)  # what its own file says is not repeated
    return schema


def _let_names_stand(properties: dict[str, Any]) -> None:
    """Where a provider or a model belongs, the name of its file will do."""
    for key in ("provider", "classifier"):
        if key in properties:
            properties[key] = _or_name(properties[key])
    for key in ("arms", "chain"):
        found = properties.get(key, {})
        for place in ("patternProperties", "additionalProperties"):
            if place in found:
                values = found[place]
                named = {k: _or_name(v) for k, v in values.items()}
                found[place] = named if place == "patternProperties" else _or_name(values)


def _or_name(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "string", "description": "the name of its file"}]}
