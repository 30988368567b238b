"""The scorer `numeric`, and how it reads numbers."""

import time
from typing import Any

import pytest

from runner.errors import ConfigError
from runner.scorers import _number
from tests.scorers.make import judge, problem


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("18", [18]),
        ("is 18.", [18]),
        ("7. ", [7]),
        ("3.14", [3.14]),
        (".5", [0.5]),
        ("-.5", [-0.5]),
        ("-3", [-3]),
        ("+3", [3]),
        ("\u22123", [-3]),
        ("x=-5", [-5]),
        ("10-5", [10, 5]),
        ("3\u20135", [3, 5]),
        ("COVID-19", [19]),
        ("1,234,567.5", [1234567.5]),
        ("1,234", [1234]),
        ("1 234 567", [1234567]),
        ("1\u00a0234", [1234]),
        ("1\u202f234,5", [1234.5]),
        ("1'234", [1234]),
        ("12_000", [12000]),
        ("12,34,567", [1234567]),
        ("1.234,5", [1234.5]),
        ("1.234.567,89", [1234567.89]),
        ("1.234", [1.234]),
        ("0,123", [0.123]),
        ("1,5", [1.5]),
        ("1234,567", [1234.567]),
        ("1,2,3", [1, 2, 3]),
        ("1, 2, 3", [1, 2, 3]),
        ("$5", [5]),
        ("-$5", [-5]),
        ("$-5", [-5]),
        ("€ 1.299,00", [1299]),
        ("£1,234.50.", [1234.5]),
        ("18 €", [18]),
        ("3/4", [0.75]),
        ("1 1/2", [1.5]),
        ("1/0", [1, 0]),
        ("3/4/2024", [3, 4, 2024]),
        ("2.5e-3", [0.0025]),
        ("1E6", [1000000]),
        ("3 × 10^5", [300000]),  # noqa: RUF001
        ("3 × 10⁻²", [0.03]),  # noqa: RUF001
        ("10^5", [100000]),
        ("20 m^2", [20]),
        ("CO2", []),
        ("x_2", []),
        ("18th of 20", [18, 20]),
        ("答案是18。", [18]),
        ("１８", [18]),  # noqa: RUF001 (wide digits)
        (r"\frac{3}{4}", [0.75]),
        ("1{,}234", [1234]),
        (r"\$1,000", [1000]),
        ("9" * 400, []),
        ("1e999", []),
        ("none", []),
    ],
)
def test_numbers(text: str, values: list[float]) -> None:
    """Each number of a text is found with the value that a person would read."""
    found = [number.values[0] for number in _number.find(_number.clean(text))]
    assert found == pytest.approx(values)


@pytest.mark.parametrize(
    "text", ["9" * 100_000, "1," * 50_000, "1 1/" * 30_000, "\\" * 50_000, "1.1." * 30_000]
)
def test_hostile_text(text: str) -> None:
    """No text makes the search slow."""
    start = time.perf_counter()
    list(_number.find(_number.clean(text)))
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("18", 18),
        ("She makes $18 every day.", 18),
        ("First 16 - 3 - 4 = 9, then 9 * 2 = 18.", 18),
        ("Answer: 18", 18),
        ("**Answer:** $18", 18),
        ("**Final Answer**: 18", 18),
        ("Answer:\n\n18", 18),
        ("The answer is 18. Check: 9 + 9, as 2 * 9.", 18),
        ("The answer is **18** (out of 20).", 18),
        ("The answer is approximately 18.5 m (60 feet).", 18.5),
        ("The answer is -18, not 5.", -18),
        ("Answer: 9 * 2 = 18 dollars for 2 days", 18),
        ("Answer: 18 - and that is all 3 of us need", 18),
        ("answer: x = 18 for n = 2", 18),
        ("Answer: 18 per day\nThat is for 5 days.", 18),
        ("Work: 9\n#### 18\nDone in 2 steps", 18),
        ("#### Step 1\n16 - 7 = 9\n#### Step 2\n9 * 2 = 18", 18),
        ("#### 1. Count\nThere are 18", 18),
        (r"So \boxed{18} after 3 steps", 18),
        (r"So \boxed{x = 18} after 3 steps", 18),
        (r"\boxed{\text{18}} for 2", 18),
        (r"\boxed{\frac{3}{4}} of 8", 0.75),
        ("Answer: 17. Wait, no. Answer: 18", 18),
        ("To answer this we need 2 numbers, which make 18", 18),
        ("The answer is in the table: 18", 18),
        ("1,234.5", 1234.5),
        ("It costs 3.5 dollars.", 3.5),
        ("", None),
        ("I do not know.", None),
    ],
)
def test_which_number_is_read(text: str, read: float | None) -> None:
    """The number after a mark is read, or the result of its equation, or else the last one."""
    score = judge("numeric", text, 123456789 if read is None else read)
    assert score.value == (read is not None)
    assert score.why.startswith("no number" if read is None else f"read {read:g}"[:8])


@pytest.mark.parametrize(
    ("text", "expected", "options", "value"),
    [
        ("18.0", 18, {}, 1),
        ("18.01", 18, {}, 0),
        ("18.01", 18, {"tolerance": 0.02}, 1),
        ("17.99", 18, {"tolerance": 0.02}, 1),
        ("101", 100, {"relative": 0.01}, 1),
        ("102", 100, {"relative": 0.01}, 0),
        ("-101", -100, {"relative": 0.01}, 1),
        ("0.3333333", 1 / 3, {}, 1),
        ("1/3", 1 / 3, {}, 1),
        ("18%", 18, {}, 1),
        ("18%", 0.18, {}, 1),
        ("0.18", "18%", {}, 1),
        ("18", "18%", {}, 1),
        ("1.2 million", 1_200_000, {}, 1),
        ("1.2 million", "1.2 million", {}, 1),
        ("1200000", "1.2 million", {}, 1),
        ("1,234", "1,234", {}, 1),
        ("1234", "$1,234.00", {}, 1),
        ("18", {"total": 18}, {"key": "total"}, 1),
        ("Result -> 18, then 20", 18, {"marker": "result ->"}, 1),
        ("Answer: 20. Total: 18.", 18, {"marker": "total:"}, 1),
        ("no mark, 18", 18, {"marker": "total:"}, 1),
    ],
)
def test_comparison(text: str, expected: Any, options: dict[str, Any], value: float) -> None:
    """The number read is right within the tolerances, in any of its meanings."""
    assert judge("numeric", text, expected, **options).value == value


def test_why() -> None:
    """The reason shows the number, where it stood, and the expected one."""
    why = judge("numeric", "First " + "bla " * 40 + "so Answer: 18 dollars", 20).why
    assert why.startswith("read 18 from '")
    assert why.endswith("so Answer: 18 dollars', expected 20")
    assert len(why) < 150


@pytest.mark.parametrize(
    ("expected", "fine"),
    [
        (18, True),
        ("18", True),
        ("$1,234.5", True),
        ("18%", True),
        ("3/4", True),
        (None, False),
        (True, False),
        ("eighteen", False),
        ("18 apples", False),
        ("1 or 2", False),
        ([18], False),
    ],
)
def test_check(expected: Any, fine: bool) -> None:
    """An expected value that is no number is found before anything is sent."""
    assert (problem("numeric", expected) is None) == fine


def test_negative_tolerance() -> None:
    """A tolerance below zero is refused when the task is loaded."""
    with pytest.raises(ConfigError, match=r"task\.scorers\.numeric\.tolerance: .*\(it is -1\)"):
        judge("numeric", "1", 1, tolerance=-1)
