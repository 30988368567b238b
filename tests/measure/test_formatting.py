"""Numbers are shown in their unit, and rounding never makes one look certain or free."""

import pytest

from runner.measure.formatting import bound, interval, show


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "usd", "unknown"),
        (0.86111, "score", "0.861"),
        (0.99963, "rate", "0.99963"),
        (1.0, "rate", "1.000"),
        (1204.4, "ms", "1,204 ms"),
        (4.25, "ms", "4.2 ms"),
        (81.54, "tokens/s", "81.5 tokens/s"),
        (0.0, "usd", "$0"),
        (0.0000123, "usd", "$0.0000123"),
        (3.456, "usd", "$3.46"),
        (11250.4, "usd", "$11,250"),
    ],
)
def test_show(value: float | None, unit: str, text: str) -> None:
    """Each unit has the digits that matter in it."""
    assert show(value, unit) == text


def test_a_bound_keeps_its_digits() -> None:
    """A threshold reads as it was written in the config."""
    assert bound(0.9995, "rate") == "0.9995"
    assert bound(0.01, "usd") == "$0.01"
    assert bound(3000, "ms") == "3,000 ms"


def test_an_open_interval_says_which_side_is_open() -> None:
    """A missing bound is a question mark, a missing interval is unknown."""
    assert interval(0.5, None, "score") == "0.500 to ?"
    assert interval(None, None, "score") == "unknown"
    assert interval(0.0, 0.0, "rate") == "exact"
