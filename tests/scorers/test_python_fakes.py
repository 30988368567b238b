"""Code that would pass `python_tests` without being right."""

from pathlib import Path

import pytest

from runner.scorers._python_tests import trial
from tests.scorers.make import programs
from tests.scorers.test_python_tests import folder, linux, shut

__all__ = ["folder", "shut"]  # fixtures

COMPARED = "assert double(2) == 4\nassert double(-1) == -2\n"
# What can only be evaluated beside the code: that is where a fake has the easiest time.
EVALUATED = """\
def raises(f, *args):
    try:
        f(*args)
    except ValueError:
        return True
    return False
assert is_even(2)
assert not is_even(3)
assert all([is_even(4)])
assert raises(is_even, "x")
"""
IN_A_FUNCTION = "def check(f):\n    assert f(3) == 6\n    assert f(4) == 8\ncheck(double)\n"
WRONG = "\ndef double(x): return 5\ndef is_even(x): return 5\n"
RIGHT = """
def double(x): return x * 2
def is_even(x):
    if isinstance(x, str): raise ValueError
    return x % 2 == 0
"""


FAKES = programs("python_fakes.txt")
HONEST = programs("python_honest.txt")


@linux
@pytest.mark.parametrize("name", FAKES)
async def test_a_fake_is_worth_nothing(folder: Path, shut: bool, name: str) -> None:
    """Whatever it patches, reads or forges, wrong code fails, also what is evaluated beside it."""
    for tests in (COMPARED, EVALUATED, IN_A_FUNCTION):
        code = FAKES[name] + (WRONG if "def " not in FAKES[name] else "\ndef no(x): return 5")
        code += "\nis_even = globals().get('is_even', 5)\ndouble = globals().get('double', 5)"
        assert (await trial.run(code, tests, 10.0, 256)).problem is not None, tests


@linux
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("token in the frames", "uses sys._getframe"),
        ("value in the frames", "uses sys._getframe"),
        ("equal to all", "is equal to what was not expected too"),
        ("equal to all numbers", "is equal to what was not expected too"),
        ("all objects", "uses gc.get_objects"),
        ("trace", "uses sys.settrace"),
        ("frame of a traceback", "uses tb_frame"),
        ("frames by the library", "uses sys._getframe"),
        ("frame of a generator", "uses gi_frame"),
        ("own memory", "uses open"),
        ("memory by ctypes", "uses ctypes.string_at"),
        ("forged lines", "wrote into the report of the tests"),
    ],
)
async def test_what_looks_like_a_fake_is_called_so(folder: Path, name: str, said: str) -> None:
    """Reaching for what runs the code scores 0 and is named, right as the code may be besides."""
    code = FAKES[name] if "double" in FAKES[name] else FAKES[name] + RIGHT
    assert (await trial.run(code, COMPARED, 10.0, 256)).problem == f"looks like a fake: {said}"


@linux
async def test_a_reference_solution_of_the_tests_is_out_of_reach(folder: Path) -> None:
    """What the tests compare with stands nowhere beside the code."""
    tests = (
        "def slow(x):\n    return sum(x for _ in range(2))\n"
        "TABLE = [(7, 14), (8, 16)]\n"
        "for x, want in TABLE:\n    assert double(x) == want\n"
        "for x, want in {9: 18}.items():\n    assert double(x) == want\n"
        "for x in range(5):\n    assert double(x) == slow(x)\n"
    )
    thief = (
        "import sys\ndef double(x):\n    tests = vars(sys.modules['tests'])\n"
        "    if 'slow' in tests: return tests['slow'](x)\n"
        "    if tests.get('want'): return tests['want']\n"
        "    return dict(tests.get('TABLE', ())).get(x, 'nothing')\n"
    )
    assert (await trial.run(RIGHT, tests, 10.0, 256)).problem is None
    problem = (await trial.run(thief, tests, 10.0, 256)).problem
    assert problem == "AssertionError in tests, line 5: assert double(x) == want"


@linux
@pytest.mark.parametrize("name", HONEST)
async def test_an_honest_answer_is_no_fake(folder: Path, name: str) -> None:
    """Equality of its own, frames that Python's library looks at, and all that programs do."""
    for tests in (COMPARED, IN_A_FUNCTION):
        assert (await trial.run(HONEST[name], tests, 20.0, 256)).problem is None
