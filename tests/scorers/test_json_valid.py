"""The scorer `json_valid`."""

from typing import Any

import pytest

from runner.scorers import ScorerFailed
from tests.scorers.make import judge, problem

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', 1),
        ("[1, 2]", 1),
        ("18", 1),
        ('  {"a": 1}\n', 1),
        ('```json\n{"a": 1}\n```', 1),
        ('```\n{"a": 1}\n```', 1),
        ('Here it is:\n```json\n{"a": 1}\n```\nHope it helps.', 1),
        ('```json\n{"a": 1}', 1),
        ('```json\n{"a": 1}\n```\nor\n```json\n{"a": 2}\n```', 0),
        ('Here it is: {"a": 1}', 0),
        ("{'a': 1}", 0),
        ('{"a": 1,}', 0),
        ('{"a": NaN}', 0),
        ('{"a": Infinity}', 0),
        ("", 0),
        ("   ", 0),
        ('{"a": 1', 0),
        ("[" * 200_000, 0),
        ("9" * 10_000, 0),
    ],
)
def test_is_json(text: str, value: float) -> None:
    """Only JSON counts, alone or in the one code block of the answer."""
    assert judge("json_valid", text).value == value


def test_fence_can_be_refused() -> None:
    """Without `fenced` a code block makes an answer that is not JSON."""
    assert judge("json_valid", "```json\n{}\n```").why == "valid JSON (fenced)"
    assert judge("json_valid", "```json\n{}\n```", fenced=False).value == 0
    assert judge("json_valid", "{}", fenced=False).value == 1


@pytest.mark.parametrize(
    ("text", "value", "why"),
    [
        ('{"name": "Ann"}', 1, "valid JSON that fits the schema"),
        ('{"name": "Ann", "tags": [1]}', 1, "valid JSON that fits the schema"),
        ('{"name": 5}', 0, "valid JSON, but at $.name: 5 is not of type 'string'"),
        ("{}", 0, "valid JSON, but at $: 'name' is a required property"),
        ('{"name": "A", "tags": [1, "x"]}', 0, "valid JSON, but at $.tags[1]: 'x' is not of type"),
        ('{"name": "A", "age": 3}', 0, "valid JSON, but at $: Additional properties"),
        ("[]", 0, "valid JSON, but at $: [] is not of type 'object'"),
        ("oops", 0, "not JSON: Expecting value at line 1, column 1: 'oops'"),
    ],
)
def test_schema(text: str, value: float, why: str) -> None:
    """With a schema the answer must fit it, and the reason says where it does not."""
    score = judge("json_valid", text, json_schema=SCHEMA)
    assert score.value == value
    assert score.why.startswith(why)


@pytest.mark.parametrize(
    ("schema", "fine"), [(None, True), (SCHEMA, True), ({"type": "objekt"}, False)]
)
def test_check(schema: Any, fine: bool) -> None:
    """A schema that is none is found before anything is sent; expected isn't needed."""
    assert (problem("json_valid", json_schema=schema) is None) == fine


def test_a_schema_elsewhere_is_not_fetched() -> None:
    """A `$ref` to the network is an error of the task, and nothing is downloaded for it."""
    with pytest.raises(ScorerFailed, match=r"http://127\.0\.0\.1:9/schema"):
        judge("json_valid", "{}", json_schema={"$ref": "http://127.0.0.1:9/schema"})
