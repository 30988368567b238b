"""A key that the prompt does not name is known as one before anything is sent."""

import pytest

from runner.cases.variables import unknown


@pytest.mark.parametrize(
    ("prompt", "given", "strange"),
    [
        ("{{ input }}", ["no_such"], ["no_such"]),
        ("{{ input }}", ["input"], []),
        ("{{ name }}: {{ question }}", ["name", "question"], []),
        ("{{ name }}", ["name", "nmae"], ["nmae"]),
        ("{{ input.title }} {{ input['text'] }}", ["title", "text", "other"], ["other"]),
        ("{{ input | tojson }}", ["anything"], []),
        ("{% for key in input %}{{ key }}{% endfor %}", ["anything"], []),
        ("{{ input if input is string else name }}", ["anything"], []),
        ("{% set x = 1 %}{{ x }}", ["x"], ["x"]),
        ("{{ broken", ["anything"], []),
    ],
)
def test_unknown(prompt: str, given: list[str], strange: list[str]) -> None:
    """Only where it does more with `input` than write it down may a prompt take any key."""
    assert unknown([prompt], given)[0] == strange
