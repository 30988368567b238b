"""At most so many a minute, on a clock that jumps."""

import asyncio

import pytest

from runner.calls.limits import Bucket
from tests.simulated import now, simulated


async def take_all(bucket: Bucket, amounts: list[int]) -> list[float]:
    """When each had taken its amount, one after the other."""
    times = []
    for amount in amounts:
        await bucket.take(amount)
        times.append(now())
    return times


def most_in_a_minute(times: list[float], amounts: list[int]) -> int:
    windows = (
        [(t, a) for t, a in zip(times, amounts, strict=True) if s <= t < s + 60] for s in times
    )
    return max(sum(amount for _, amount in window) for window in windows)


@pytest.mark.parametrize(
    ("per_minute", "burst"), [(1, 0.1), (2, 1), (7, 1), (60, 1), (60, 6), (60, 30), (900, 1.5)]
)
@simulated
async def test_no_minute_sees_more(per_minute: int, burst: float) -> None:
    """No 60 seconds, wherever they begin, see more than the limit, not even the first."""
    ones = [1] * (3 * per_minute + 1)
    times = await take_all(Bucket(per_minute, burst), ones)
    assert most_in_a_minute(times, ones) <= per_minute


@pytest.mark.parametrize("per_minute", [1, 5, 500])
@simulated
async def test_even_spacing_uses_the_whole_limit(per_minute: int) -> None:
    """With a burst of one the limit is reached, not just kept."""
    times = await take_all(Bucket(per_minute, burst=1), [1] * (2 * per_minute + 1))
    assert times[-1] - times[0] == pytest.approx(120, rel=1e-3)


@simulated
async def test_a_pause_saves_nothing_up() -> None:
    """After a long silence the next minute is no different from the first."""
    bucket, ones = Bucket(60, burst=6), [1] * 130
    await take_all(bucket, ones)
    await asyncio.sleep(3600)
    assert most_in_a_minute(await take_all(bucket, ones), ones) <= 60


@simulated
async def test_amounts_within_the_burst() -> None:
    """Amounts of different sizes keep the limit as well."""
    amounts = [100, 7, 55, 100, 1, 80] * 10
    times = await take_all(Bucket(1000, burst=100), amounts)
    assert most_in_a_minute(times, amounts) <= 1000


@simulated
async def test_a_huge_amount_gets_through() -> None:
    """More than a minute's worth counts as a minute's worth instead of waiting for ever."""
    bucket = Bucket(1000, burst=100)
    await bucket.take(50_000)
    assert now() == pytest.approx(60, abs=0.2)


@simulated
async def test_correction_upwards() -> None:
    """What an estimate was too low by is waited for before the next."""
    bucket = Bucket(601, burst=2)  # 10 a second
    await bucket.take(2)
    bucket.correct(taken=2, used=102)
    await bucket.take(2)
    assert now() == pytest.approx(10.2, abs=0.01)


@simulated
async def test_correction_downwards() -> None:
    """What an estimate was too high by shortens the wait of the next."""
    bucket = Bucket(601, burst=2)
    await bucket.take(100)
    asked = now()
    bucket.correct(taken=100, used=50)
    await bucket.take(100)
    assert now() - asked == pytest.approx(5, abs=0.01)


@simulated
async def test_an_old_correction_is_no_burst() -> None:
    """What was taken too much has leaked by the time that the bucket is empty."""
    bucket = Bucket(601, burst=2)
    await bucket.take(100)
    bucket.correct(taken=100, used=0)
    await asyncio.sleep(60)
    asked = now()
    await bucket.take(102)
    assert now() - asked == pytest.approx(10, abs=0.01)


@simulated
async def test_cancelled_in_the_middle() -> None:
    """Who is cancelled while it takes leaves no debt to the next."""
    bucket = Bucket(601, burst=2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await bucket.take(500)
    await bucket.take(2)
    assert now() < 1.3
