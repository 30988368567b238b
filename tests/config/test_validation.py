"""A config that is wrong says where, and what could have stood there."""

import pytest
from pydantic import Field

from runner.config.schema import Strict
from runner.config.validation import unknown_key, validated
from runner.errors import ConfigError


class Inner(Strict):
    size: int = Field(1, ge=1)


class Outer(Strict):
    source: str = Field("", alias="from")
    inner: Inner = Inner()
    several: dict[str, Inner | None] = Field({})
    free: dict[str, int] = Field({})


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        (
            {"inner": {"size": 0}},
            "inner.size: input should be greater than or equal to 1 (it is 0)",
        ),
        ({"inner": {"sise": 1}}, "inner.sise: no such key; did you mean 'size'?"),
        ({"several": {"a": {"sise": 1}}}, "several.a.sise: no such key; did you mean 'size'?"),
        ({"form": ""}, "form: no such key; did you mean 'from'?"),
        ({"inner": "???"}, "inner: is missing"),
        (3, "config: input should be a valid dictionary or instance of Outer (it is 3)"),
    ],
)
def test_each_problem_is_a_line(tree: object, problem: str) -> None:
    """A problem names its key as the file has it, and the nearest key that is there."""
    with pytest.raises(ConfigError) as caught:
        validated(Outer, tree)
    assert caught.value.problems == (problem,)


def test_all_problems_at_once() -> None:
    """Two problems are two lines, each below the place that was named."""
    with pytest.raises(ConfigError) as caught:
        validated(Outer, {"inner": {"size": 0}, "other": 1}, at="model=x: ")
    assert [line.partition(": ")[0] for line in caught.value.problems] == ["model=x", "model=x"]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("inner.size", None),
        ("from", None),
        ("free.anything", None),
        ("inner.sise", "inner.sise: no such key; did you mean 'size'?"),
        ("iner.size", "iner: no such key; did you mean 'inner'?"),
        ("size", "size: no such key; did you mean 'inner.size'?"),
    ],
)
def test_unknown_key(path: str, problem: str | None) -> None:
    """The first part of a path that leads nowhere is named."""
    assert unknown_key(Outer, path) == problem
