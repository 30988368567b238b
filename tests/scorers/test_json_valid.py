"""The scorer `json_valid`."""

import pytest

from runner import scorers
from runner.errors import ConfigError
from tests.scorers.make import judge, task

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
        ('{"a": 1, "a": 2}', 0),
        ('{"a": "\\ud800"}', 0),
        ('{"a": 1e999}', 0),
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
    """Where the task is not `fenced` a code block makes an answer that is not JSON."""
    assert judge("json_valid", "```json\n{}\n```").why == "valid JSON (fenced)"
    assert judge("json_valid", "```json\n{}\n```", fenced=False).value == 0
    assert judge("json_valid", "{}", fenced=False).value == 1


def test_fences_are_a_matter_of_the_task() -> None:
    """A scorer has no say in how answers are read, and is told who has."""
    with pytest.raises(ConfigError, match=r"fenced: no such option; it is a key of the task: task"):
        scorers.load(task({"json_valid": {"fenced": False}}), [])


@pytest.mark.parametrize(
    ("text", "value", "why"),
    [
        ('{"name": "Ann"}', 1, "valid JSON that fits the schema"),
        ('{"name": "Ann", "tags": [1]}', 1, "valid JSON that fits the schema"),
        ('{"name": 5}', 0, 'valid JSON, but at $.name: 5 is not of type "string"'),
        ("{}", 0, 'valid JSON, but at $: "name" is a required property'),
        ('{"name": "A", "tags": [1, "x"]}', 0, 'valid JSON, but at $.tags[1]: "x" is not of type'),
        ('{"name": "A", "age": 3}', 0, "valid JSON, but at $: Additional properties"),
        ("[]", 0, 'valid JSON, but at $: [] is not of type "object"'),
        ("oops", 0, "not JSON: Expecting value at line 1, column 1: 'oops'"),
    ],
)
def test_schema(text: str, value: float, why: str) -> None:
    """With a schema the answer must fit it, and the reason says where it does not."""
    score = judge("json_valid", text, json_schema=SCHEMA)
    assert score.value == value
    assert score.why.startswith(why)
