"""What expected answers look like suggests how to score."""

from typing import Any

import jsonschema
import pytest

from runner.decide.suggest import draft, json_schema

LABELS = ["refund", "praise", "question"] * 4


@pytest.mark.parametrize(
    ("expected", "scorers"),
    [
        (LABELS, {"label": {"labels": ["refund", "praise", "question"]}}),
        (["one", "two", "three"], {"contains": {}}),
        (["x" * 300, "y"], {"rouge": {}}),
        ([1, 2.5, "3"], {"numeric": {}}),
        ([True, False], {"contains": {}}),
        ([{"a": 1}, {"a": None}], {"fields": {}, "json_valid": {}}),
        ([["a", "b"], ["c"]], {"contains": {}}),
        ([None, "x"], {"regex": {"pattern": r"\S"}}),
        ([], {"regex": {"pattern": r"\S"}}),
    ],
)
def test_scorers(expected: list[Any], scorers: dict[str, Any]) -> None:
    """Labels that recur, numbers, objects, short and long texts each have a scorer of theirs."""
    assert draft(["x"] * len(expected), expected).scorers == scorers


def test_the_prompt_has_all_variables() -> None:
    """Of inputs that are objects every key stands in the prompt; a text stands alone."""
    assert draft([{"a": 1}, {"b": 2, "a": 3}], []).prompt == "a: {{ a }}\nb: {{ b }}"
    assert draft(["x"], []).prompt == "{{ input }}"


VALUES: list[Any] = [
    {"name": "a", "n": 1, "tags": ["x"], "sub": {"k": None}},
    {"name": "b", "n": 2.5, "tags": [], "sub": {"k": "v"}},
    {"name": None, "n": 3, "more": True, "tags": ["y"], "sub": {"k": "w"}},
]


def test_the_schema_holds_for_what_it_was_made_of() -> None:
    """Each value is valid under it, and another key, or a type that none has, is not."""
    schema = json_schema(VALUES)
    jsonschema.Draft202012Validator.check_schema(schema)
    for value in VALUES:
        jsonschema.validate(value, schema)
    for wrong in ({**VALUES[0], "odd": 1}, {**VALUES[0], "n": "1"}, {"name": "a"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_an_enum_is_what_recurs() -> None:
    """Texts that come again and again are the only ones allowed."""
    assert json_schema(LABELS)["enum"] == ["refund", "praise", "question"]
    assert "enum" not in json_schema(["a", "b", "c"])
