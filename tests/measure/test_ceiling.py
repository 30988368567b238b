"""The most that any of many requests can come to is the highest of their own."""

from itertools import permutations
from typing import Any

import pytest

from runner.measure import ceiling
from tests.report.make import answered, job

SHAPES: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "short"}]},
    {"messages": [{"role": "user", "content": "ü" * 40}]},
    {"messages": [{"role": "user", "content": "u" * 60}], "request": {"max_tokens": 90}},
    {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "with an image"}]}]},
]


@pytest.mark.parametrize("left_out", range(len(SHAPES)))
def test_the_most(left_out: int) -> None:
    """In whatever order they come, and though shorter ones of a kind are passed over."""
    of = job()
    lines = [answered(str(n), **shape) for n, shape in enumerate(SHAPES) if n != left_out]
    wanted = ceiling.highest(ceiling.of(of, line) for line in lines)
    for order in permutations(lines):
        most = ceiling.Most(of)
        assert most.ceiling is None
        found = [most.add(line) for line in order]
        assert found[-1] == most.ceiling == wanted
