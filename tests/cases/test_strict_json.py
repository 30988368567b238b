"""JSON that everybody reads alike."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cases.strict_json import loads

LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    LEAF | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(VALUES)
def test_what_was_written_is_read(value: object) -> None:
    """Whatever JSON can say comes back as it was."""
    assert loads(json.dumps(value)) == value


@given(st.integers(-(10**25), 10**25))
def test_a_whole_number_keeps_its_digits(number: int) -> None:
    """However it is written: 9007199254740993.0 is no float, and is not the one beside it."""
    assert loads(f"{number}.0") == loads(f"[{number}.00]")[0] == number
    assert loads(f"{number}.5") == float(f"{number}.5")
    assert loads(f"{number}.0e1") == float(f"{number}.0e1")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1, "b": 2, "a": 1}', "the key 'a' stands twice"),
        ('[{"x": {"y": 1, "y": 2}}]', "the key 'y' stands twice"),
        ("NaN", "NaN is no JSON number"),
        ("[-Infinity]", "-Infinity is no JSON number"),
        ("1e999", "1e999 is too large a number"),
        ('"\\ud800"', "it holds half a character"),
        ("[" * 100_000, "nested too deeply"),
        ("{'a': 1}", "Expecting property name"),
    ],
)
def test_what_readers_disagree_about(text: str, problem: str) -> None:
    """What one reader takes and another refuses, or reads otherwise, is refused with a reason."""
    with pytest.raises(ValueError, match=problem):
        loads(text)
