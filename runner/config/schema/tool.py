"""A tool that a model may call."""

from typing import Annotated, Any

from pydantic import Field, field_validator

from runner.config import json_schema
from runner.config.schema.base import Strict

TOOL_CHOICES = ("auto", "required", "none")  # whether to call any; else the name of the one to call


class Tool(Strict):
    """Its name, what it is for, and a JSON schema of what it takes: an object."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]
    description: str = Field(min_length=1)
    parameters: dict[str, Any] = Field({"type": "object", "properties": {}})

    @field_validator("name")
    @classmethod
    def _is_no_choice(cls, name: str) -> str:
        if name in TOOL_CHOICES:
            raise ValueError(f"is a word of tool_choice, with {', '.join(TOOL_CHOICES)}")
        return name

    @field_validator("parameters")
    @classmethod
    def _is_a_schema(cls, schema: dict[str, Any]) -> dict[str, Any]:
        if problem := json_schema.problem(schema):
            raise ValueError(f"is no JSON schema: {problem}")
        if schema.get("type") != "object":
            raise ValueError("is the schema of an object: type: object, and its properties")
        return schema
