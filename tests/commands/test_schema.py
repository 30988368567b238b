"""The schemas that editors use."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from runner.commands.schema import GROUPS, file_schema
from runner.config import paths

FILES = [
    path for group in GROUPS for path in sorted((paths.builtin("conf") / group).rglob("*.yaml"))
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_our_files_fit(path: Path) -> None:
    """An editor has nothing against our files, neither a key nor a value."""
    group = next(part for part in reversed(path.parts) if part in GROUPS)
    content = yaml.safe_load(path.read_text())
    jsonschema.validate(json.loads(json.dumps(content, default=str)), file_schema(group))


def test_tools_are_named_or_written_out() -> None:
    """An editor takes both, and finds a typo in what is written out."""
    written = {"name": "a", "description": "It does."}
    jsonschema.validate({"tools": ["get_order", written]}, file_schema("task"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"tools": [written | {"parmeters": {}}]}, file_schema("task"))


def test_a_typo_is_found() -> None:
    """A key that does not exist is an error."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "x", "prcie": None}, file_schema("model"))
