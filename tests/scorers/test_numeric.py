# ruff: noqa: RUF001 (signs of other scripts are meant)
"""The scorer `numeric`, and how it reads numbers."""

import time
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ConfigError
from runner.scorers import _digits, _number
from runner.scorers.numeric import _MARKS, _read
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
        ("1/0", []),
        ("1 1/00", []),
        ("3.5 / 0.0", []),
        (r"2\frac{1}{0}", []),
        ("1⁄0", []),
        ("1/0.5", [2]),
        ("7.5/10", [0.75]),
        ("on 10/05/2024", [10, 5, 2024]),
        ("3/4/2024", [3, 4, 2024]),
        ("2.5e-3", [0.0025]),
        ("1E6", [1000000]),
        ("3 × 10^5", [300000]),
        ("3 × 10⁻²", [0.03]),
        ("10^5", [100000]),
        ("20 m^2", [20]),
        ("CO2", []),
        ("x_2", []),
        ("18th of 20", [18, 20]),
        ("答案是18。", [18]),
        ("１８", [18]),
        (r"\frac{3}{4}", [0.75]),
        ("1{,}234", [1234]),
        (r"\$1,000", [1000]),
        ("½", [0.5]),
        ("2½", [2.5]),
        ("10 ½", [10.5]),
        ("2024 ½", [2024, 0.5]),
        ("1⁄2", [0.5]),
        ("2¹⁄₂", [2.5]),
        (r"2\frac{1}{2}", [2.5]),
        (r"\frac{-3}{4}", [-0.75]),
        (r"-\dfrac{3}{4}", [-0.75]),
        (r"\frac34", [0.75]),
        (r"\tfrac{3.5}{2}", [1.75]),
        (r"\frac{x}{2}", [2]),
        ("１，２３４．５", [1234.5]),
        ("١٬٢٣٤٫٥", [1234.5]),
        ("१२३", [123]),
        ("–6.75", [-6.75]),
        ("= – 6.75", [-6.75]),
        ("Answer: - 6.75", [-6.75]),
        ("minus 6.75", [-6.75]),
        ("5 minus 3", [5, 3]),
        ("al menos 3", [3]),
        ("au moins 3", [3]),
        ("1.2B", [1.2]),
        ("8GB", [8]),
        ("20 m²", [20]),
        ("2π", []),
        ("√2", []),
        (r"\sqrt{2}", []),
        ("25万2000円", [252000]),
        ("1億2千万", [120_000_000]),
        ("9" * 400, []),
        ("1e999", []),
        ("none", []),
    ],
)
def test_numbers(text: str, values: list[float]) -> None:
    """Each number of a text is found with the value that a person would read."""
    found = [float(number.values[0]) for number in _number.find(_digits.clean(text))]
    assert found == pytest.approx(values)


@pytest.mark.parametrize(
    "text", ["9" * 100_000, "1," * 50_000, "1 1/" * 30_000, "\\" * 50_000, "1.1." * 30_000]
)
def test_hostile_text(text: str) -> None:
    """No text makes the search slow."""
    start = time.process_time()
    list(_number.find(_digits.clean(text)))
    assert time.process_time() - start < 10


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
        ("<answer>18</answer> of 20", 18),
        ("## Answer\n\n18\n\nThat is 2 more than 16.", 18),
        ("### Final answer:\n**$18** (2 days)", 18),
        ("**Answer**\n18\n(of 20)", 18),
        ('{"answer": 18, "steps": 3}', 18),
        ("Antwort: 18 (von 20)", 18),
        ("Die Antwort lautet 18 Euro für 2 Tage.", 18),
        ("La respuesta es 18, no 20.", 18),
        ("Respuesta final: 18 (2 días)", 18),
        ("La réponse est 18 €, pas 20.", 18),
        ("Réponse : 18 (sur 20)", 18),
        ("A resposta é 18, não 20.", 18),
        ("La risposta è 18 su 20.", 18),
        ("Het antwoord is 18 van 20.", 18),
        ("答えは18円です。1日2円。", 18),
        ("答案：18（共20）", 18),
        ("答案是 18，而不是 20", 18),
        ("정답은 18입니다 (20 중).", 18),
        ("Ответ: 18 из 20", 18),
        ("الجواب: ١٨ من ٢٠", 18),
        ("- 18", -18),
        ("- 18 apples", 18),
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
        ("1%", 0, {"tolerance": 0.01}, 0),
        ("0.01%", 0, {"tolerance": 0.01}, 1),
        ("1664.33", 1664.32, {"tolerance": 0.01}, 1),
        ("1664.31", 1664.32, {"tolerance": 0.01}, 1),
        ("8422.70", 8422.69, {"tolerance": 0.01}, 1),
        ("91.49", 91.5, {"tolerance": 0.01}, 1),
        ("91.489", 91.5, {"tolerance": 0.01}, 0),
        ("9007199254740993", 9007199254740993, {}, 1),
        ("9007199254740992", 9007199254740993, {}, 0),
        ("1.2B", 1_200_000_000, {}, 1),
        ("3k", 3000, {}, 1),
        ("2bn", 2_000_000_000, {}, 1),
        ("1,5 Mio.", 1_500_000, {}, 1),
        ("2 Milliarden", 2_000_000_000, {}, 1),
        ("3 millones", 3_000_000, {}, 1),
        ("18 Prozent", 0.18, {}, 1),
        ("25万円", 250_000, {}, 1),
        ("99,832", 99.832, {}, 0),
        ("99,832", 99.832, {"decimal": "comma"}, 1),
        ("99,83", 99.832, {"decimal": "comma"}, 0),
        ("1.234", 1234, {"decimal": "comma"}, 1),
        ("1,234", "1,234", {"decimal": "point"}, 1),
        ("99.8323", {"value": 99.832, "tolerance": 0.0005}, {}, 1),
        ("99.83", {"value": 99.832, "tolerance": 0.0005}, {"tolerance": 0.01}, 0),
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
        ("1,234", False),
        ("$1.234", False),
        ("0.123", True),
        ("1,234,567", True),
        ({"value": 18, "tolerance": 0.5}, True),
        ({"value": 18, "tolerance": "0.5"}, False),
        ("1 or 2", False),
        ([18], False),
    ],
)
def test_check(expected: Any, fine: bool) -> None:
    """An expected value that is no number is found before anything is sent."""
    assert (problem("numeric", expected) is None) == fine


def test_what_is_ambiguous() -> None:
    """The refusal names both numbers and the ways out, one of which is the option."""
    assert problem("numeric", "1,234") == (
        "expected '1,234' is 1234 or 1.234: write it as a number of JSON, or say which by the "
        "option decimal"
    )
    assert problem("numeric", "1,234", decimal="comma") is None


def test_why_shows_the_last_digits() -> None:
    """Two numbers that look the same are told apart by their difference."""
    third = judge("numeric", "1/3", 0.333333333333, tolerance=0).why
    assert third.endswith("they differ by 3.33e-13")


SPACES = st.sampled_from([" ", "\u00a0", "\u2009", "\u202f"])
GROUPING = st.one_of(SPACES, st.sampled_from(["", "'", "\u2019"]))
DIGITS = st.sampled_from(
    ["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "۰۱۲۳۴۵۶۷۸۹"]
)
MINUS = st.sampled_from(["-", "\u2212", "\u2013", "\uff0d", "minus "])
AROUND = st.sampled_from(
    ["{}", "Answer: {}", "**{}**", "\\boxed{{{}}}", "The answer is {}.", "<answer>{}</answer>",
     "答えは{}です", "La respuesta es {} metros", "## Answer\n{}", "x = {}"]
)  # fmt: skip


@given(
    st.integers(-(10**25), 10**25), st.text("0123456789", max_size=9), GROUPING, DIGITS, MINUS,
    AROUND, st.sampled_from(["point", "comma"]),
)  # fmt: skip
def test_a_number_reads_back_the_same(
    whole: int, places: str, grouping: str, digits: str, minus: str, around: str, decimal: Any
) -> None:
    """In whichever script, grouping, sign and surroundings a number is written, it is read."""
    grouped = f"{abs(whole):,}".replace(",", grouping)
    mark = {"point": ".", "comma": ","}[decimal]
    written = grouped + (mark + places if places else "")
    written = written.translate(str.maketrans("0123456789", digits))
    sign = minus if whole < 0 else ""
    exact = Fraction(f"{abs(whole)}.{places or 0}") * (-1 if whole < 0 else 1)
    found = _read(_digits.clean(around.format(sign + written)), _MARKS, decimal)
    assert found is not None
    assert found.values[0] == exact


@given(st.integers(0, 10**6), st.integers(1, 10**4), st.integers(1, 10**4))
def test_a_fraction_reads_back_the_same(whole: int, top: int, bottom: int) -> None:
    """Mixed numbers are the same in plain text, in LaTeX and with raised and lowered digits."""
    raised = str(top).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    lowered = str(bottom).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
    written = [f"{whole}\\frac{{{top}}}{{{bottom}}}", f"{whole}{raised}\N{FRACTION SLASH}{lowered}"]
    written += [f"{whole} {top}/{bottom}"] if whole < 1000 else []
    for text in written:
        found = _number.parse(text)
        assert found is not None
        assert found.values[0] == whole + Fraction(top, bottom)


def test_negative_tolerance() -> None:
    """A tolerance below zero is refused when the task is loaded."""
    with pytest.raises(ConfigError, match=r"task\.scorers\.numeric\.tolerance: .*\(it is -1\)"):
        judge("numeric", "1", 1, tolerance=-1)
