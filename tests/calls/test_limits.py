"""How fast a provider is asked, on a clock that jumps."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from math import inf
from typing import Any

import pytest

from runner.calls.limits import Limits
from runner.errors import ErrorKind
from tests.simulated import now, simulated


class Provider:
    """Answers after a second; more than `capacity` requests at once are turned away with a 429."""

    def __init__(self, limits: Limits, capacity: float = float("inf")) -> None:
        self.limits = limits
        self.capacity = capacity
        self.busy = self.peak = 0
        self.sent: list[tuple[float, Any]] = []

    async def ask(self, name: Any = None, tokens: int = 0) -> None:
        async with self.limits.turn(tokens, wait=inf) as turn:
            self.sent.append((now(), name))
            self.busy += 1
            self.peak = max(self.peak, self.busy)
            refused = self.busy > self.capacity
            try:
                await asyncio.sleep(1)
            finally:
                self.busy -= 1
            if refused:
                turn.failed("rate_limit", None)
            else:
                turn.succeeded(tokens)

    async def ask_many(self, count: int) -> None:
        await asyncio.gather(*(self.ask(n) for n in range(count)))

    def sent_by_second(self) -> list[int]:
        seconds = [round(time) for time, _ in self.sent]
        return [seconds.count(second) for second in range(max(seconds) + 1)]


async def fail(limits: Limits, kind: ErrorKind, retry_after: float | None = None) -> None:
    async with limits.turn(0, wait=inf) as turn:
        turn.failed(kind, retry_after)


@simulated
async def test_concurrency_doubles() -> None:
    """It starts with ten at once and doubles each round trip while requests wait."""
    provider = Provider(Limits())
    await provider.ask_many(150)
    assert provider.sent_by_second() == [10, 20, 40, 80]


@simulated
async def test_concurrency_grows_only_when_it_limits() -> None:
    """Any number of requests that never wait for a slot prove nothing."""
    provider = Provider(Limits())
    for _ in range(20):
        await provider.ask_many(9)
    assert provider.limits.concurrency == 10


@simulated
async def test_concurrency_does_not_grow_while_the_rate_limits() -> None:
    """It stops where the rate begins to limit: 20 a second for a second each need about 20."""
    provider = Provider(Limits(rpm=1200))
    await provider.ask_many(400)
    assert 20 <= provider.limits.concurrency <= 26


@pytest.mark.parametrize("most", [1, 3, 10])
@simulated
async def test_max_concurrency(most: int) -> None:
    """It reaches `max_concurrency` and never passes it."""
    provider = Provider(Limits(max_concurrency=most))
    await provider.ask_many(100)
    assert provider.peak == most


@simulated
async def test_fixed_slots() -> None:
    """Slots of a server of our own neither grow nor shrink."""
    provider = Provider(Limits(slots=2), capacity=1)
    await provider.ask_many(20)
    assert provider.sent_by_second() == [2] * 10


@simulated
async def test_one_halving_an_episode() -> None:
    """All 429s of requests sent before the halving are one; one sent after it halves again."""
    limits = Limits()
    await Provider(limits).ask_many(30)  # 10, 20: there is room for 20 now
    before = limits.concurrency
    turns = [limits.turn(0, wait=inf) for _ in range(8)]
    for refused in [await context.__aenter__() for context in turns]:
        refused.failed("rate_limit", None)
    for context in turns:
        await context.__aexit__(None, None, None)
    assert (before, limits.concurrency) == (20, 10)
    await fail(limits, "rate_limit")
    assert limits.concurrency == 5


@simulated
async def test_never_below_one() -> None:
    """However often it is refused, one request at a time stays allowed."""
    limits = Limits()
    for _ in range(10):
        await fail(limits, "rate_limit")
    assert limits.concurrency == 1


@simulated
async def test_one_more_a_round_after_an_episode() -> None:
    """After a 429 it grows by about one a round trip."""
    limits = Limits()
    await Provider(limits).ask_many(30)
    await fail(limits, "rate_limit")
    provider, started = Provider(limits), now()
    await provider.ask_many(200)
    first_rounds = [
        sum(r <= t - started - 0.01 * r < r + 1 for t, _ in provider.sent) for r in range(6)
    ]
    assert first_rounds[0] == 10
    assert all(0 <= b - a <= 1 for a, b in pairwise(first_rounds))
    assert first_rounds[-1] >= 14


@simulated
async def test_settles_near_the_capacity() -> None:
    """What the provider can take is found, and few requests are refused on the way."""
    provider = Provider(Limits(), capacity=20)
    await provider.ask_many(1000)
    assert 10 <= provider.limits.concurrency <= 22
    assert provider.peak <= 40


@simulated
async def test_retry_after_pauses_all() -> None:
    """After a 429 nobody is let in before the time that the provider asked for."""
    limits = Limits()
    await fail(limits, "rate_limit", 30)
    provider = Provider(limits)
    await provider.ask_many(2)
    assert provider.sent[0][0] == pytest.approx(30, abs=0.01)


@simulated
async def test_a_shorter_retry_after_changes_nothing() -> None:
    """The latest end of all pauses counts, also for those who wait already."""
    limits = Limits()
    provider = Provider(limits)
    async with limits.turn(0, wait=inf) as first, limits.turn(0, wait=True) as second:
        second.failed("rate_limit", 5)
        waiting = asyncio.create_task(provider.ask())
        await asyncio.sleep(1)
        first.failed("rate_limit", 20)
        second.failed("rate_limit", 1)
    await waiting
    assert provider.sent[0][0] == pytest.approx(21, abs=0.01)


@simulated
async def test_no_pause_for_an_exhausted_quota() -> None:
    """An error that will not pass does not hold the others up."""
    limits = Limits()
    await fail(limits, "insufficient_quota", 86_400)
    await Provider(limits).ask()
    assert now() < 2


@simulated
async def test_rpm() -> None:
    """No 60 seconds see more than `rpm` requests, though they are asked for at once."""
    provider = Provider(Limits(rpm=30))
    await provider.ask_many(100)
    times = [time for time, _ in provider.sent]
    assert max(sum(s <= t < s + 60 for t in times) for s in times) == 30


@simulated
async def test_rpm_burst() -> None:
    """Those of `burst_seconds` go at once; no 60 seconds see more than `rpm` even so."""
    provider = Provider(Limits(rpm=30, burst_seconds=8, slots=100))
    await provider.ask_many(100)
    times = [time for time, _ in provider.sent]
    assert sum(t < 1 for t in times) == 4
    assert max(sum(s <= t < s + 60 for t in times) for s in times) <= 30


@simulated
async def test_rpm_after_a_pause() -> None:
    """A pause in the middle does not let a request through on what was taken before it."""
    limits = Limits(rpm=6)
    provider = Provider(limits)
    asking = asyncio.gather(*(provider.ask() for _ in range(3)))
    async with limits.turn(0, wait=inf) as turn:
        await asyncio.sleep(5)
        turn.failed("rate_limit", 100)
    await asking
    times = [time for time, _ in provider.sent]
    assert times == pytest.approx([105, 115, 125], abs=0.01)


@simulated
async def test_tpm_counts_what_was_used() -> None:
    """Tokens used beyond the estimate delay the next request, whichever model it is for."""
    limits = Limits(tpm=1000)  # bursts of 100, then about 15 a second
    async with limits.turn(100, wait=inf) as turn:
        turn.succeeded(401)
    async with limits.turn(0, wait=inf) as late:
        pass
    assert late.queued_seconds == pytest.approx(301 / (901 / 60), abs=0.01)


@simulated
async def test_first_come_first_served() -> None:
    """A small request does not overtake a large one."""
    provider = Provider(Limits(tpm=6000))
    sizes = [600, 3000, 1, 600, 1]
    await asyncio.gather(*(provider.ask(n, tokens) for n, tokens in enumerate(sizes)))
    assert [name for _, name in provider.sent] == [0, 1, 2, 3, 4]


@simulated
async def test_queued_seconds() -> None:
    """A turn says how long it was waited for."""
    limits = Limits(slots=1)

    async def hold() -> float:
        async with limits.turn(0, wait=inf) as turn:
            await asyncio.sleep(3)
        return turn.queued_seconds

    assert await asyncio.gather(hold(), hold(), hold()) == pytest.approx([0, 3, 6], abs=0.001)


@pytest.mark.parametrize(
    "make",
    [lambda: Limits(slots=2), lambda: Limits(rpm=60), lambda: Limits(tpm=600, max_concurrency=2)],
    ids=["slots", "rpm", "tpm"],
)
@pytest.mark.parametrize("after", [0.0, 0.5, 1.0, 1.5, 7.0])
@simulated
async def test_cancelled_waiters_leave_no_trace(make: Callable[[], Limits], after: float) -> None:
    """Whenever and wherever they are cancelled, the next ones get all the slots, in order."""
    limits = make()
    lost = Provider(limits)
    tasks = [asyncio.create_task(lost.ask(n, 10)) for n in range(20)]
    await asyncio.sleep(after)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    provider, started = Provider(limits), now()
    await asyncio.gather(*(provider.ask(n, 10) for n in range(10)))
    assert [name for _, name in provider.sent] == list(range(10))
    assert now() - started <= 13
    assert limits._slots.taken == 0


@simulated
async def test_leaving_without_a_word() -> None:
    """A request that was given up gives its slot back and teaches nothing."""
    limits = Limits(max_concurrency=1)
    for _ in range(3):
        with pytest.raises(KeyError):
            async with limits.turn(0, wait=inf):
                raise KeyError
    assert limits.concurrency == 1
    await Provider(limits).ask()
