"""Print the JSON schema of one group's files, so that an editor completes and checks them.

    python -m runner schema model > model.schema.json

In the YAML: `# yaml-language-server: $schema=../../model.schema.json`.
"""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from runner.cli import parser
from runner.schema import Fallback, Provider, Requirements, Retry, Single, Task

GROUPS: dict[str, type[BaseModel]] = {
    "fallback": Fallback,
    "model": Single,
    "provider": Provider,
    "requirements": Requirements,
    "retry": Retry,
    "task": Task,
}


def main(argv: Sequence[str]) -> int:
    arguments = parser("schema", __doc__)
    arguments.add_argument("group", choices=GROUPS)
    print(json.dumps(file_schema(arguments.parse_args(argv).group), indent=2))
    return 0


def file_schema(group: str) -> dict[str, Any]:
    """The schema of a file of `group`: keys may be missing, a base file gives them."""
    schema: dict[str, Any] = GROUPS[group].model_json_schema()
    schema["properties"]["defaults"] = {"type": "array", "description": "Hydra's defaults list"}
    schema.pop("required", None)
    return schema
