"""Where a line and a staircase cross, and how many GPUs a month takes."""

import math
import random
from typing import Any

import pytest

from runner.config.schema import Price
from runner.decide.costs.breakeven import BreakEven, curve
from runner.decide.costs.scenario import Server
from runner.decide.costs.sensitivity import sensitivity
from runner.decide.costs.workload import Workload

# One A100 at $1,460 a month that writes and reads 500 tokens a second, 30 days of 24 hours.
SERVER: dict[str, Any] = {
    "gpu_usd_per_hour": 2.0,
    "rented_hours_per_month": 730,
    "serving_hours_per_month": 720,
    "gpus_per_replica": 1,
    "input_tokens_per_second": 500,
    "output_tokens_per_second": 500,
    "utilisation": 1.0,
    "spare_replicas": 0,
    "engineering_hours_per_month": 0,
    "engineering_usd_per_hour": 100,
    "kilowatts_per_gpu": 0,
    "usd_per_kwh": 0.15,
}
PRICE = Price.model_validate(
    {
        "input_usd_per_mtok": 2.5,
        "output_usd_per_mtok": 10,
        "checked": "2026-11-23",
        "source": "tests",
    }
)


def comparison(
    price: Price = PRICE, size: tuple[int, int] = (1000, 1000), **server: Any
) -> BreakEven:
    return BreakEven(
        workload=Workload({size: 1}, requests_per_month=1_000_000),
        price=price,
        server=Server.model_validate(SERVER | server),
    )


def test_exactly_full_replicas() -> None:
    """What fills three replicas exactly takes three, and one request more takes four."""
    found = comparison()
    assert found.capacity == 648_000
    assert [found.month(n).gpus for n in (1, 648_000, 648_001, 3 * 648_000)] == [1, 1, 2, 3]


def test_input_and_output_take_time_apart() -> None:
    """A request takes its input at one speed and its output at another."""
    found = comparison(input_tokens_per_second=2000, output_tokens_per_second=250)
    assert found.seconds == pytest.approx(1000 / 2000 + 1000 / 250)
    assert comparison(input_tokens_per_second=None).seconds == pytest.approx(2)


def test_utilisation_and_hours_limit_what_a_replica_serves() -> None:
    """Half the utilisation, or half the hours, is half the requests."""
    assert comparison(utilisation=0.5).capacity == pytest.approx(324_000)
    assert comparison(serving_hours_per_month=360).capacity == pytest.approx(324_000)


def test_what_a_server_costs() -> None:
    """Spare replicas, energy and engineering are paid on top of the GPUs that serve."""
    found = comparison(
        gpus_per_replica=2,
        spare_replicas=1,
        engineering_hours_per_month=10,
        kilowatts_per_gpu=0.5,
        usd_per_kwh=0.2,
    ).month(648_001)
    assert found.gpus == 2 * (2 + 1)
    assert found.server_usd == pytest.approx(6 * 730 * (2 + 0.5 * 0.2) + 10 * 100)


@pytest.mark.parametrize("number", range(40))
def test_both_crossings_are_where_a_scan_finds_them(number: int) -> None:
    """The API is cheaper below the first, never beyond the last, on staircases of all kinds."""
    dice = random.Random(number)
    capacity = dice.randint(2, 40)
    step = dice.randint(1, 50)
    usd = (step + dice.randint(1, 40)) / capacity  # a full replica is cheaper than the API
    found = comparison(
        price=PRICE.model_copy(update={"input_usd_per_mtok": usd * 1e6, "output_usd_per_mtok": 0}),
        size=(1, 0),
        gpu_usd_per_hour=step,
        rented_hours_per_month=1,
        serving_hours_per_month=1,
        input_tokens_per_second=capacity / 3600,
        spare_replicas=dice.randint(0, 2),
        engineering_usd_per_hour=dice.randint(0, 300),
        engineering_hours_per_month=1,
    )
    crossings = found.crossings()
    assert crossings

    def dearer(requests: float) -> bool:
        month = found.month(requests)
        return month.server_usd > month.api_usd + 1e-9

    most = math.ceil(crossings.settled) + 3 * capacity
    for requests in (eighths / 8 for eighths in range(1, 8 * most)):
        assert dearer(requests) or requests >= crossings.first
        assert not dearer(requests) or requests < crossings.settled
    assert dearer(crossings.first - 1e-4)
    assert not dearer(crossings.first)
    assert dearer(crossings.settled - 1e-4)
    assert not dearer(crossings.settled)


def test_a_saw_of_crossings() -> None:
    """Between the two crossings the answer depends on how full the last replica is."""
    found = comparison(engineering_hours_per_month=80)
    crossings = found.crossings()
    assert crossings
    assert crossings.first == pytest.approx((8000 + 2 * 1460) / 0.0125)
    assert crossings.settled == pytest.approx(crossings.first)
    found = comparison(engineering_hours_per_month=60)
    crossings = found.crossings()
    assert crossings
    assert (crossings.first, crossings.settled) == pytest.approx((596_800, 713_600))
    savings = [found.month(n).savings_usd for n in (596_000, 600_000, 650_000, 714_000)]
    assert [each > 0 for each in savings] == [False, True, False, True]


def test_never() -> None:
    """A replica that costs more than the API takes for all it can serve never breaks even."""
    assert comparison(gpu_usd_per_hour=12).crossings() is None
    free = PRICE.model_copy(update={"input_usd_per_mtok": 0, "output_usd_per_mtok": 0})
    assert comparison(price=free).crossings() is None


def test_the_curve_shows_the_volume_and_the_crossings() -> None:
    """The curve goes beyond the volume in question and the last crossing, in round steps."""
    months = curve(comparison())
    assert months[0].requests == 200_000
    assert months[-1].requests == 2_000_000
    assert curve(comparison(engineering_hours_per_month=1000))[-1].requests == 20_000_000


def test_sensitivity() -> None:
    """Every assumption but zeros is halved and doubled, and the largest swing comes first."""
    rows = {row.assumption: row for row in sensitivity(comparison(spare_replicas=1))}
    assert next(iter(rows)) == "server.gpu_usd_per_hour"
    dear = rows["server.gpu_usd_per_hour"].high
    assert dear.value == 4
    assert dear.crossings == comparison(spare_replicas=1, gpu_usd_per_hour=4).crossings()
    assert rows["server.utilisation"].high.value == 1
    assert rows["server.serving_hours_per_month"].high.value == 730
    assert (rows["server.spare_replicas"].low.value, rows["server.spare_replicas"].high.value) == (
        0,
        2,
    )
    assert "server.kilowatts_per_gpu" not in rows
    short = rows["output_tokens"].low.crossings
    assert short == comparison(size=(1000, 500), spare_replicas=1).crossings()
    cheap = rows["api_output_usd_per_mtok"].low.crossings
    half = PRICE.model_copy(update={"output_usd_per_mtok": 5})
    assert cheap == comparison(price=half, spare_replicas=1).crossings()


def test_sensitivity_leaves_out_what_has_no_price() -> None:
    """A doubled prompt that nobody knows the price of is no row, and no guess."""
    tier = {"above_tokens": 1500, "input_usd_per_mtok": None, "output_usd_per_mtok": None}
    tiered = Price.model_validate({**PRICE.model_dump(), "long_prompt": tier})
    rows = [row.assumption for row in sensitivity(comparison(price=tiered))]
    assert "input_tokens" not in rows
    assert "output_tokens" in rows
