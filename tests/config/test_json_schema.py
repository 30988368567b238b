"""JSON schemas: what is refused of them, and how a value is held against one."""

from typing import Any

import pytest

from runner.config.json_schema import misfit, problem
from runner.config.schema import Task
from runner.config.validation import validated
from runner.errors import ConfigError
from tests.scorers.make import task


@pytest.mark.parametrize(
    ("schema", "start"),
    [
        ({"type": "objekt"}, 'at $.type: "objekt" is not valid'),
        ({"required": "name"}, 'at $.required: "name" is not of type "array"'),
        ({"$ref": "#/$defs/nowhere"}, "at $: Pointer '/$defs/nowhere' does not exist"),
        ({"$ref": "http://127.0.0.1:9/s"}, "at $: Resource 'http://127.0.0.1:9/s' is not present"),
        ({"pattern": "("}, 'at $.pattern: "(" is not a pattern of ECMA-262'),
        ({"pattern": r"\Aa\Z"}, r'at $.pattern: "\\Aa\\Z" is not a pattern of ECMA-262'),
    ],
)
def test_a_schema_that_cannot_be_used(schema: dict[str, Any], start: str) -> None:
    """A schema is refused where the task is loaded, with the place, and nothing is downloaded."""
    assert (problem(schema) or "").startswith(start)
    tree = task({"exact": {}}).model_dump() | {"json_schema": schema}
    with pytest.raises(ConfigError, match="json_schema: is no JSON schema: at "):
        validated(Task, tree, "task.")


NESTED = {"$defs": {"n": {"items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"}


@pytest.mark.parametrize(
    ("schema", "value", "fits"),
    [
        ({"multipleOf": 0.01}, 0.07, True),
        ({"multipleOf": 0.01}, 19.99, True),
        ({"multipleOf": 0.01}, 0.075, False),
        ({"type": "integer"}, 12.0, True),
        ({"enum": [{"n": [12]}]}, {"n": [12.0]}, True),
        ({"format": "date"}, "2024-02-30", False),
        ({"format": "email"}, "nobody", False),
        ({"format": "email"}, "ann@example.org", True),
        ({"pattern": r"^\d+$"}, "3", True),
        ({"pattern": r"^\d+$"}, "3\n", False),
        ({"pattern": r"^\d+$"}, "٣", False),
        ({"pattern": r"^\p{Lu}\cA$"}, "É\x01", True),
        ({"pattern": r"^(a+)+$"}, "a" * 50 + "!", False),
        ({"pattern": r"^(a*)*b\1$"}, "a" * 5000, False),
        (NESTED, [[[[]]]], True),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{}]}, [1, 2], True),
    ],
)
def test_fit(schema: dict[str, Any], value: Any, fits: bool) -> None:
    """Decimals are exact, formats held, patterns those of ECMA, and no pattern runs for ever."""
    assert (misfit(schema, value) is None) == fits


def test_the_place_is_named() -> None:
    """A misfit says where it is, from the outside in."""
    schema = {"properties": {"a": {"items": {"type": "integer"}}}, "required": ["b"]}
    assert misfit(schema, {"a": [1, "x"], "b": 1}) == 'at $.a[1]: "x" is not of type "integer"'
    assert misfit(schema, {"a": [1, "x"]}) == 'at $: "b" is a required property'


def test_a_value_that_is_nested_too_deeply() -> None:
    """Such a value does not fit, and breaks nothing."""
    value: Any = 1
    for _ in range(900):
        value = [value]
    assert misfit({"type": "string"}, value)


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("(?P<n>a)", "(?P<"),
        (r"\Aa", r"\A"),
        (r"a\z", r"\z"),
        ("(?i)a", "(?i)"),
        ("(?x:a)", "(?x:"),
        ("a++", "++"),
        ("a*+", "*+"),
        ("a{2}+", "{2}+"),
        ("(?>a)", "(?>a"),
        ("(?#note)a", "(?#n"),
        (r"\pL", r"\p"),
        (r"\p{Greek}", r"\p"),
        (r"\U0001F600", r"\U"),
        (r"\x{41}", r"\x"),
        (r"\<a", r"\<"),
    ],
)
def test_a_pattern_of_another_language(pattern: str, part: str) -> None:
    """What Python, Perl or Rust read and ECMA does not is refused by name, wherever it stands."""
    for schema, place in (
        ({"pattern": pattern}, "$.pattern"),
        (
            {"anyOf": [{"properties": {"a": {"pattern": pattern}}}]},
            "$.anyOf[0].properties.a.pattern",
        ),
        ({"patternProperties": {pattern: {}}}, "$.patternProperties"),
    ):
        found = problem(schema) or ""
        assert found.startswith(f"at {place}: ")
        assert found.endswith(f"is not a pattern of ECMA-262, which knows no '{part}'")
    assert problem({"enum": [{"pattern": pattern}], "properties": {"pattern": {}}}) is None


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("(?<=a)b", "ab", True),
        ("(?<!a)b", "ab", False),
        ("(?<=a+)b", "aab", True),
        (r"^\p{L}+$", "Übung", True),
        (r"^\p{L}+$", "a1", False),
        (r"^\p{Script=Greek}$", "\u03b1", True),
        (r"^\P{Lu}$", "a", True),
        (r"^\u{1F600}$", "😀", True),
        ("^(?<n>a)(?:b)$", "ab", True),
        ("^(?i:a)b$", "Ab", True),
        ("^a{2}?$", "aa", True),
        (r"^[(?P<\]+]+$", "+](P", True),
        (r"^\-\_\/$", "-_/", True),
        ("^[[:alpha:]]", "x", False),
    ],
)
def test_patterns_as_ecma_reads_them(pattern: str, value: str, fits: bool) -> None:
    """Lookbehind of any length, properties, named groups and modifiers hold as ECMA has them."""
    assert problem({"pattern": pattern}) is None
    assert (misfit({"pattern": pattern}, value) is None) == fits
