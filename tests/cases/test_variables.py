"""A key that the prompt does not name is known as one before anything is sent."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from runner.cases.variables import reference, unknown


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


@settings(deadline=None, max_examples=200)
@given(st.text())
@example("text")
@example("Ticket ID")
@example("not")
@example("None")
@example("a.b")
@example("\N{LATIN SMALL LIGATURE FI}eld")
@example("}} {{ x")
@example('it\'s a \\ "name"\n')
def test_reference(name: str) -> None:
    """Whatever a variable is called, a template has its value by its reference."""
    variables = {"input": {name: "value"}, name: "value"}
    if name == "input":
        variables = {"input": "value"}
    template = SandboxedEnvironment(undefined=StrictUndefined).from_string(
        f"{{{{ {reference(name)} }}}}"
    )
    assert template.render(variables) == "value"
