"""The clock of a drill: it jumps, but not over anybody who is at work."""

import asyncio
import sys
import time

import anyio.to_thread
import pytest

from tests.simulated import now, simulated


@simulated
async def test_an_hour_takes_no_time() -> None:
    """Timers go off in their order, each at its own time."""
    seen: list[float] = []

    async def sleeper(seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append(now())

    await asyncio.gather(*map(sleeper, (3600, 60, 7200)))
    assert seen == pytest.approx([60, 3600, 7200], abs=1e-3)


@pytest.mark.parametrize("run_in_thread", [asyncio.to_thread, anyio.to_thread.run_sync])
def test_threads_take_no_time(run_in_thread: object) -> None:
    """What a thread does for the loop is waited for, and no time-out runs out meanwhile."""

    @simulated
    async def waiting() -> None:
        async with asyncio.timeout(0.01):
            await run_in_thread(time.sleep, 0.1)  # type: ignore[operator]
        assert now() < 0.01

    waiting()


@simulated
async def test_child_processes_take_theirs() -> None:
    """A program that is run is not given up before its time, and is then."""
    program = sys.executable, "-c", "input(); print('done')"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*program, stdin=pipe, stdout=pipe)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(process.wait(), 0.01)
    async with asyncio.timeout(60):
        assert (await process.communicate(b"\n"))[0] == b"done\n"


def test_everybody_waits() -> None:
    """Nobody who would wake anybody is an error, not a program that stands still."""

    @simulated
    async def never() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nobody will wake anybody"):
        never()
