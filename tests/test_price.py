"""A request costs what its tokens cost, and what is unknown is never free."""

import pytest

from runner.price import dollars, total
from runner.records import Usage
from runner.schema import Price


def price(input: float | None, output: float | None, cached: float | None = None) -> Price:
    return Price.model_validate(
        {
            "input_usd_per_mtok": input,
            "output_usd_per_mtok": output,
            "cached_input_usd_per_mtok": cached,
            "checked": "2026-11-23",
            "source": "https://example.com",
        }
    )


def usage(input: int, output: int, cached: int = 0) -> Usage:
    return Usage(input_tokens=input, output_tokens=output, cached_input_tokens=cached)


@pytest.mark.parametrize(
    ("input", "output", "month"),
    [(2.5, 10, 8750), (0.15, 0.6, 525), (3, 15, 12000), (0.8, 4, 3200), (0.88, 0.88, 1760)],
)
def test_a_million_requests_of_1500_in_and_500_out(
    input: float, output: float, month: float
) -> None:
    """List prices of early 2026 give the monthly costs that everybody can compute by hand."""
    each = dollars(price(input, output), usage(1500, 500))
    assert each is not None
    assert each * 1_000_000 == pytest.approx(month)


def test_cached_tokens_have_their_own_price() -> None:
    """Cached tokens are part of the input tokens and are not paid for twice."""
    assert dollars(price(2, 8, cached=0.5), usage(1000, 100, cached=400)) == pytest.approx(0.0022)


def test_an_unknown_cached_price_is_unknown() -> None:
    """Cached tokens without a price make the request's price unknown, not zero."""
    assert dollars(price(2, 8), usage(1000, 100, cached=400)) is None
    assert dollars(price(2, 8), usage(1000, 100)) == pytest.approx(0.0028)


@pytest.mark.parametrize("row", [None, price(None, 8), price(2, None)])
def test_an_unknown_price_is_unknown(row: Price | None) -> None:
    """No price, or half of one, is no price."""
    assert dollars(row, usage(10, 10)) is None


def test_unknown_usage_is_unknown_unless_all_is_free() -> None:
    """Nobody can price uncounted tokens, except where every token costs nothing."""
    assert dollars(price(2, 8), None) is None
    assert dollars(price(0, 0), None) == 0
    assert dollars(price(0, 0), usage(10, 10, cached=5)) == 0
    assert dollars(price(0, 0, cached=1), None) is None


def test_one_unknown_makes_a_sum_unknown() -> None:
    """A total is a number only when every part is."""
    assert total([0.1, 0.2]) == pytest.approx(0.3)
    assert total([0.1, None, 0.2]) is None
    assert total([]) == 0
