"""Tests of code in two halves: what comes out is what running them as they stand would give."""

import asyncio
import math
from collections import Counter, OrderedDict, deque
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.scorers._python_tests import halves, judge_side, trial, values
from tests.scorers.make import programs
from tests.scorers.test_python_tests import folder, linux

__all__ = ["folder"]  # a fixture

CASES = programs("python_halves.txt")


@linux
@pytest.mark.parametrize("name", CASES)
def test_two_halves_say_what_the_whole_says(folder: Path, name: str) -> None:
    """Right code passes however the tests are written, and one wrong value fails."""
    code, tests = CASES[name].split("#- tests\n")
    whole: dict[str, Any] = {}
    exec(f"{code}\n", whole)
    exec(tests, whole)  # the oracle: it does not raise
    assert problem(code, tests) is None
    wrong = code.replace("* 2", "* 3").replace("return x\n", "return 0\n")
    if wrong != code:
        assert problem(wrong, tests) is not None


def problem(code: str, tests: str) -> str | None:
    return asyncio.run(trial.run(code, tests, 20.0, 256)).problem


@pytest.mark.parametrize(
    ("tests", "hidden"),
    [
        ("assert f(1) == 'secret'", ["secret"]),
        ("assert f(1) == 1 and 'secret' == f(2) and f(3) in ('other', 'b')", ["secret", "other"]),
        ("want = 'secret'\nassert f(1) == want", ["secret"]),
        ("def slow(x): return 'secret'\nassert f(1) == slow(1)", ["secret", "slow"]),
        ("for x, want in [('a', 'secret')]:\n    assert f(x) == want", ["secret", "want "]),
        ("T = [('a', 'secret')]\nfor x, want in T:\n    assert f(x) == want", ["secret"]),
        ("for x, want in {'a': 'secret'}.items():\n    assert f(x) == want", ["secret"]),
        ("def check(x):\n    assert f(x) == 'secret'\ncheck(1)", ["secret"]),
    ],
)  # fmt: skip
def test_what_is_expected_is_not_beside_the_code(tests: str, hidden: list[str]) -> None:
    """No constant and no name of that half leads to it."""
    split = halves.split(tests)
    beside = repr(_constants(split.beside))
    assert "f" in beside
    assert not [each for each in hidden if each in beside]


def _constants(code: Any) -> list[Any]:
    inner = [_constants(each) if hasattr(each, "co_consts") else each for each in code.co_consts]
    return [*code.co_names, *inner]


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
    | st.dates() | st.datetimes() | st.times() | st.timedeltas() | st.fractions()
    | st.decimals(allow_nan=False) | st.complex_numbers(allow_nan=False),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(plain)
def test_values_arrive_as_they_left(value: Any) -> None:
    """Equal and of the same kind, as one line of text."""
    arrived = values.decode(values.encode(value))
    assert arrived == value
    assert repr(arrived) == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        {1, 2}, frozenset("a"), {(1, 2): {3: None}}, range(3), Counter("aab"), deque([1], 2),
        OrderedDict(a=1), Decimal("NaN"), Fraction(1, 3),
        date(2025, 1, 2), time(1, 2), timedelta(1), datetime(2025, 1, 2, tzinfo=UTC), math.inf,
        "\ud800", [1 << 64, -(1 << 64)],
    ],
)  # fmt: skip
def test_more_values_arrive(value: Any) -> None:
    """The library's own, and what text has no simple form for."""
    assert repr(values.decode(values.encode(value))) == repr(value)


class Sly(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


@pytest.mark.parametrize("value", [object(), Sly(1), [Sly(1)], {Sly(1): 2}, len, ValueError(1)])
def test_what_compares_in_its_own_way_does_not_leave(value: Any) -> None:
    """A class with an equality of its own is no plain value, whatever it is made from."""
    with pytest.raises(values.NotPlain):
        values.encode(value)


@example([2.0**55], 9)
@example([float("inf")], 9)
@example([complex(0, -1e300)], 9)
@given(st.lists(plain, min_size=1, max_size=2), st.integers(0, 9))
def test_decoys_are_never_what_is_expected(value: list[Any], steps: int) -> None:
    """An honest equality fits the one value that it should, however far the others go."""
    decoys = judge_side._walk(value, steps)
    assert len(decoys) == steps
    assert value not in decoys
