"""The clock of a request starts at the socket, and stands still while the process can't listen."""

import asyncio

import pytest

from runner.calls.deadline import TO_SEND_SECONDS, deadline
from runner.drill.clock import SimulatedLoop
from tests.simulated import now, simulated


def busy(seconds: float) -> None:
    """Hold up the event loop for so long."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    loop._jumping.clock += seconds


@simulated
async def test_what_comes_before_is_not_counted() -> None:
    """Neither waiting nor work before a request is at the socket takes any of its time."""
    async with deadline(1) as starts:
        await asyncio.sleep(60)
        busy(50)
        starts()
        await asyncio.sleep(0.99)


@simulated
async def test_time_out() -> None:
    """So many seconds after that it is over."""
    with pytest.raises(TimeoutError):
        async with deadline(1) as starts:
            await asyncio.sleep(5)
            starts()
            await asyncio.Event().wait()
    assert now() == pytest.approx(6, abs=0.01)


@simulated
async def test_it_has_to_begin() -> None:
    """What never comes to the socket ends, too."""
    with pytest.raises(TimeoutError):
        async with deadline(1):
            await asyncio.Event().wait()
    assert now() == pytest.approx(TO_SEND_SECONDS, abs=0.1)


@simulated
async def test_a_process_that_is_busy() -> None:
    """Its own work while an answer waits at the door is not the provider's time."""
    async with deadline(1) as starts:
        starts()
        for _ in range(5):
            busy(3)
            await asyncio.sleep(0.1)


@simulated
async def test_listening_goes_on() -> None:
    """Once it listens again the rest of the time runs."""
    with pytest.raises(TimeoutError):
        async with deadline(1) as starts:
            starts()
            busy(3)
            await asyncio.Event().wait()
    assert now() == pytest.approx(4, abs=0.1)
