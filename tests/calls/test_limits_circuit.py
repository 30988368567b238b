"""Leaving a provider alone that is down, on a clock that jumps."""

import asyncio
from math import inf

import pytest

from runner.calls.limits import CircuitOpen, Limits, WaitedTooLong
from runner.config.schema import Breaker
from runner.errors import ErrorKind
from tests.simulated import now, simulated


def breaking(failures: int = 3, slots: int | None = None) -> Limits:
    return Limits(slots=slots, breaker=Breaker(failures=failures, cooling=30.0))


async def end(limits: Limits, kind: ErrorKind | None = None, *, wait: float = inf) -> None:
    """One request that fails with `kind`, or succeeds."""
    async with limits.turn(0, wait=wait) as turn:
        if kind:
            turn.failed(kind, None)
        else:
            turn.succeeded(None)


async def opened(slots: int | None = None) -> Limits:
    limits = breaking(slots=slots)
    for _ in range(3):
        await end(limits, "overloaded")
    return limits


@simulated
async def test_open_refuses_at_once() -> None:
    """Who does not want to wait hears at once why, and for how much longer."""
    limits = await opened()
    await asyncio.sleep(10)
    with pytest.raises(CircuitOpen) as refused:
        await end(limits, wait=0)
    assert refused.value.kind == "overloaded"
    assert refused.value.remaining_seconds == pytest.approx(20, abs=0.01)
    assert now() < 10.01


@simulated
async def test_open_holds_the_others() -> None:
    """Who wants to wait is let in when the cooling is over."""
    limits = await opened()
    await end(limits)
    assert now() == pytest.approx(30, abs=0.01)


@pytest.mark.parametrize("between", [None, "bad_request", "rate_limit"])
@simulated
async def test_only_failures_in_a_row(between: ErrorKind | None) -> None:
    """A success starts the count anew; an error that is the request's own fault does not count."""
    limits = breaking()
    for kind in ("timeout", "connection", between, "server_error"):
        await end(limits, kind)
    if between is None:
        await end(limits, wait=0)
    else:
        with pytest.raises(CircuitOpen, match="server_error"):
            await end(limits, wait=0)


@simulated
async def test_never_opens_without_a_breaker() -> None:
    """Without a breaker any number of failures keeps nobody out."""
    limits = Limits()
    for _ in range(100):
        await end(limits, "overloaded", wait=0)


@simulated
async def test_exactly_one_probe() -> None:
    """After the cooling one request goes; its success lets all the others in."""
    limits = await opened()
    sent: list[float] = []

    async def ask() -> None:
        async with limits.turn(0, wait=inf) as turn:
            sent.append(round(now(), 3))
            await asyncio.sleep(5)
            turn.succeeded(None)

    await asyncio.gather(*(ask() for _ in range(4)))
    assert sent == [30, 35, 35, 35]


@simulated
async def test_a_failed_probe_opens_again() -> None:
    """A probe that fails costs another whole cooling time, and one failure is enough for that."""
    limits = await opened()
    await asyncio.sleep(30)
    await end(limits, "timeout", wait=0)
    with pytest.raises(CircuitOpen, match="timeout") as refused:
        await end(limits, wait=0)
    assert refused.value.remaining_seconds == pytest.approx(30, abs=0.01)
    await end(limits)
    assert now() == pytest.approx(60, abs=0.01)


@simulated
async def test_refused_while_the_probe_is_out() -> None:
    """Nobody knows how much longer: 0 seconds."""
    limits = await opened()
    await asyncio.sleep(30)
    async with limits.turn(0, wait=0) as probe:
        with pytest.raises(CircuitOpen) as refused:
            await end(limits, wait=0)
        probe.succeeded(None)
    assert refused.value.remaining_seconds == 0
    await end(limits, wait=0)


@simulated
async def test_a_cancelled_probe_is_replaced() -> None:
    """When a probe is given up, or says nothing about the provider, the next request is one."""
    limits = await opened()

    async def hang() -> None:
        async with limits.turn(0, wait=inf):
            await asyncio.sleep(1000)

    probe = asyncio.create_task(hang())
    others = [asyncio.create_task(end(limits, kind)) for kind in ("bad_request", None, None)]
    await asyncio.sleep(40)
    assert not any(task.done() for task in others)
    probe.cancel()
    await asyncio.gather(*others)
    assert now() == pytest.approx(40, abs=0.01)


@simulated
async def test_cancelled_before_it_became_the_probe() -> None:
    """Who stops waiting during the cooling leaves the probe to the next."""
    limits = await opened()
    first, second = (asyncio.create_task(end(limits)) for _ in range(2))
    await asyncio.sleep(10)
    first.cancel()
    await second
    assert now() == pytest.approx(30, abs=0.01)


@pytest.mark.parametrize("late", [None, "timeout"])
@simulated
async def test_late_news_is_no_news(late: ErrorKind | None) -> None:
    """How a request ends that was sent before the circuit opened neither closes nor reopens it."""
    limits = breaking(failures=1)
    async with limits.turn(0, wait=inf) as old:
        await end(limits, "overloaded")
        await asyncio.sleep(10)
        if late:
            old.failed(late, None)
        else:
            old.succeeded(None)
    with pytest.raises(CircuitOpen, match="overloaded") as refused:
        await end(limits, wait=0)
    assert refused.value.remaining_seconds == pytest.approx(20, abs=0.01)


@simulated
async def test_opening_reaches_those_in_the_queue() -> None:
    """Who does not want to wait is refused in the middle of the queue too; the others stay."""
    limits = breaking(failures=1, slots=1)
    async with limits.turn(0, wait=inf) as turn:
        patient = [asyncio.create_task(end(limits))]
        hasty = [asyncio.create_task(end(limits, wait=0)) for _ in range(3)]
        patient.append(asyncio.create_task(end(limits)))
        await asyncio.sleep(1)
        turn.failed("connection", None)
    results = await asyncio.gather(*hasty, return_exceptions=True)
    assert now() < 1.01
    assert [type(result) for result in results] == [CircuitOpen] * 3
    await asyncio.gather(*patient)
    assert now() == pytest.approx(31, abs=0.01)


@simulated
async def test_a_cancelled_hasty_waiter_is_cancelled() -> None:
    """A cancellation from outside stays one, and does not turn into a refusal."""
    limits = breaking(slots=1)
    async with limits.turn(0, wait=inf):
        waiter = asyncio.create_task(end(limits, wait=0))
        await asyncio.sleep(1)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
    await end(limits, wait=0)


@simulated
async def test_waiting_has_an_end() -> None:
    """Who waits is told once the provider has been down for so long; who comes later, at once."""
    limits = await opened()
    for n in range(3):  # the probes fail
        await asyncio.sleep(30)
        await end(limits, "overloaded")
        assert now() == pytest.approx(30 * (n + 1), abs=0.01)
    with pytest.raises(CircuitOpen) as given_up:
        await end(limits, wait=100)
    assert now() == pytest.approx(100, abs=0.01)
    assert given_up.value.failures == 6
    assert given_up.value.down_seconds == pytest.approx(100, abs=0.01)
    with pytest.raises(CircuitOpen):
        await end(limits, wait=100)
    assert now() == pytest.approx(100, abs=0.01)
    await asyncio.sleep(20.1)  # the cooling is over: somebody has to find out
    await end(limits, wait=100)


@simulated
async def test_pauses_are_waited_for_together() -> None:
    """Pauses that follow one another take no more of a request's time than there is."""
    limits = Limits(slots=1)

    async def pause() -> None:
        for _ in range(4):
            async with limits.turn(0) as turn:
                turn.failed("rate_limit", 30)

    pausing = asyncio.create_task(pause())
    await asyncio.sleep(1)
    with pytest.raises(WaitedTooLong):
        async with limits.turn(0, left=50):
            pass
    assert now() == pytest.approx(51, abs=0.01)
    await pausing


@simulated
async def test_our_own_queue_is_no_pause() -> None:
    """Waiting for a slot takes nothing of a request's time."""
    limits = Limits(slots=1)

    async def slow() -> None:
        async with limits.turn(0):
            await asyncio.sleep(100)

    busy = asyncio.create_task(slow())
    await asyncio.sleep(1)
    async with limits.turn(0, left=5) as turn:
        assert turn.queued_seconds == pytest.approx(99, abs=0.01)
        assert turn.barred_seconds == 0
    await busy


@simulated
async def test_an_outage_is_told_once() -> None:
    """When it begins, and when it is over; not each time that a probe fails."""
    told: list[str] = []
    limits = Limits(
        slots=4,
        breaker=Breaker(failures=3, cooling=30.0),
        on_outage=lambda circuit: told.append(circuit.last if circuit else "back"),
    )
    for kind in ("timeout", "overloaded", "overloaded", "server_error", None, "overloaded"):
        await end(limits, kind)
    assert told == ["overloaded", "back"]


@simulated
async def test_who_takes_not_even_one_request_at_a_time_is_down() -> None:
    """Rate limits are an outage once nothing is left to slow down."""
    limits = breaking()
    for _ in range(5):  # down to five at a time, to two, to one, and three refusals of that one
        await end(limits, "rate_limit", wait=0)
    with pytest.raises(CircuitOpen, match="rate_limit"):
        await end(limits, wait=0)
