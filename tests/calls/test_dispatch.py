"""The time of a server is shared by the requests on it, and by nobody else."""

import asyncio

import pytest

from runner.calls.dispatch import ServerTime
from tests.simulated import now, simulated


async def ask(server: ServerTime, start: float, seconds: float) -> float:
    """The seconds of the server that a request was charged with."""
    await asyncio.sleep(start)
    try:
        with server.share() as share:
            await asyncio.sleep(seconds)
            raise ConnectionError
    except ConnectionError:
        return share.seconds


@simulated
async def test_a_request_alone_has_the_whole_server() -> None:
    """One after the other, each takes the time that it takes; a pause is nobody's."""
    server = ServerTime()
    assert await ask(server, 0, 2) == pytest.approx(2, abs=1e-3)
    await asyncio.sleep(60)
    assert await ask(server, 0, 3) == pytest.approx(3, abs=1e-3)


@simulated
async def test_requests_at_once_share_it() -> None:
    """Each second is split among those at work, failed ones too: 0-4, 2-6 and 2-3 are 6 seconds."""
    server, began = ServerTime(), now()
    shares = await asyncio.gather(ask(server, 0, 4), ask(server, 2, 4), ask(server, 2, 1))
    third, half = 1 / 3, 1 / 2
    expected = [2 + third + half, third + half + 2, third]
    assert shares == pytest.approx(expected, abs=1e-3)
    assert sum(shares) == pytest.approx(now() - began, abs=1e-3)
