"""A month costs what its tokens cost, and what is unknown stays so."""

from typing import Any

import pytest

from runner.config.schema import Price, Single
from runner.decide.costs.monthly import (
    Speed,
    against_cheapest,
    least_seconds,
    response_seconds,
    row,
    typical_speed,
    usd_per_request,
)
from runner.decide.costs.workload import Workload
from tests.conftest import model


def price(input: float | None, output: float | None, **more: Any) -> Price:
    row = {"input_usd_per_mtok": input, "output_usd_per_mtok": output, **more}
    return Price.model_validate({**row, "checked": "2026-11-23", "source": "tests"})


def single(**changes: Any) -> Single:
    return Single.model_validate({**model("http://127.0.0.1:9/v1"), **changes})


def month(*sizes: tuple[int, int], **changes: Any) -> Workload:
    return Workload(**{"sizes": dict.fromkeys(sizes, 1), "requests_per_month": 1000, **changes})


def test_the_mean_is_over_all_sizes() -> None:
    """Requests of several sizes cost what their mean does, each priced by itself."""
    long = {"above_tokens": 1500, "input_usd_per_mtok": 20, "output_usd_per_mtok": 0}
    tiered = price(10, 0, long_prompt=long)
    assert usd_per_request(price(10, 0), month((1000, 0), (2000, 0))) == pytest.approx(0.015)
    assert usd_per_request(tiered, month((1000, 0), (2000, 0))) == pytest.approx(0.025)


def test_cached_share() -> None:
    """A share of the input is read at the price of cached input, and unknown without one."""
    half = month((1000, 100), cached_share=0.5)
    cached = price(2, 8, cached_input_usd_per_mtok=0.2)
    assert usd_per_request(cached, half) == pytest.approx(0.001 + 0.0001 + 0.0008)
    assert usd_per_request(price(2, 8), half) is None


def test_batch_share() -> None:
    """A share of the requests costs less by the discount, and all are unknown without one."""
    some = month((1000, 100), batch_share=0.25)
    whole = 0.0028
    assert usd_per_request(price(2, 8, batch_discount=0.5), some) == pytest.approx(0.875 * whole)
    assert usd_per_request(price(2, 8), some) is None
    assert usd_per_request(price(0, 0), some) == 0


def test_batched_requests_find_nothing_cached() -> None:
    """Batches pay the discounted price of fresh input: nobody can rely on a cache there."""
    both = month((1000, 0), cached_share=1.0, batch_share=0.5)
    prices = price(2, 8, cached_input_usd_per_mtok=0.2, batch_discount=0.5)
    assert usd_per_request(prices, both) == pytest.approx(0.5 * 0.0002 + 0.5 * 0.001)


@pytest.mark.parametrize(
    ("changes", "workload", "why"),
    [
        ({"price": None}, month((10, 10)), "no price is known"),
        ({}, month((10, 10), batch_share=0.5), "no discount for batches is known"),
        (
            {"price": price(1, 2).model_dump()},
            month((10, 10), cached_share=0.5),
            "no price for cached input is known",
        ),
        (
            {"price": price(None, 2).model_dump()},
            month((10, 10)),
            "no price for requests of this size is known",
        ),
    ],
)
def test_what_is_unknown_says_why(changes: dict[str, Any], workload: Workload, why: str) -> None:
    """An unknown cost is None in every unit, with its reason."""
    found = row("demo", single(**changes), workload)
    assert found.usd_per_month is None
    assert found.usd_per_request is None
    assert found.unknown == why


def test_response_time() -> None:
    """An answer takes the time to its first token and its tokens at the model's speed."""
    typical = {"ttft_ms": 300, "tokens_per_second": 80}
    assert response_seconds(single(typical=typical), month((1, 500))) == pytest.approx((6.55, 6.55))


def test_a_range_of_first_tokens() -> None:
    """A model that thinks first has a range where no single figure is typical."""
    thinking = single(typical={"ttft_ms": [2000, 30000], "tokens_per_second": 40})
    assert response_seconds(thinking, month((1, 500))) == pytest.approx((14.5, 42.5))


@pytest.mark.parametrize(
    ("typical", "least"),
    [({}, 0), ({"ttft_ms": 300}, 0.3), ({"tokens_per_second": 40}, 12.5),
     ({"ttft_ms": [2000, 30000], "tokens_per_second": 40}, 14.5)],
)  # fmt: skip
def test_half_a_fact(typical: dict[str, Any], least: float) -> None:
    """Without one of the two facts no answer has a typical time, but it has a least one."""
    known = single(typical=typical)
    assert least_seconds(known, month((1, 500))) == pytest.approx(least)
    assert (response_seconds(known, month((1, 500))) is None) == (len(typical) < 2)


SERVER = {"usd_per_hour": 1.8, "gpus": 2, "utilisation": 0.5}  # $0.002 a second at work


def test_a_server_of_ones_own_costs_its_time() -> None:
    """By the speed of its one answer it is said so; by a measured speed that one counts."""
    server = single(price=SERVER, typical={"tokens_per_second": 50})
    alone = row("own", server, month((1000, 500)))
    assert alone.usd_per_request == pytest.approx(10 * 0.002)
    assert alone.tokens_per_second == 50
    assert "as if it were alone" in str(typical_speed(server))
    busy = row("own", server, month((1000, 500)), Speed(500, "a run"))
    assert busy.usd_per_request == pytest.approx(1 * 0.002)
    unknown = row("own", single(price=SERVER), month((1000, 500)))
    assert unknown.usd_per_request is None
    assert unknown.unknown and "by the hour" in unknown.unknown


def test_a_row_stands_beside_the_cheapest() -> None:
    """How many times as much, and what more in twelve months; what is free or unknown has none."""
    cheap = {"input_usd_per_mtok": 0.1, "output_usd_per_mtok": 0.3}
    dear = {"input_usd_per_mtok": 3.0, "output_usd_per_mtok": 12.0}
    free = {"input_usd_per_mtok": 0.0, "output_usd_per_mtok": 0.0}
    lesson = month((1500, 500), requests_per_month=1_000_000)
    rows = against_cheapest(
        [
            row(name, single(price=known and price(*known.values()).model_dump()), lesson)
            for name, known in (("dear", dear), ("free", free), ("cheap", cheap), ("dark", None))
        ]
    )
    assert [each.times_cheapest for each in rows] == [pytest.approx(35), None, 1, None]
    assert [each.usd_per_year_more for each in rows] == [
        pytest.approx((10_500 - 300) * 12), None, 0, None,
    ]  # fmt: skip
    assert against_cheapest(rows[-1:]) == rows[-1:]
