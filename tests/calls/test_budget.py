"""The cap holds for what is in flight, and frees what turned out cheaper."""

import asyncio

import pytest

from runner.calls.budget import Budget
from runner.errors import BudgetSpent


async def spend(budget: Budget, worst: float, cost: float | None) -> None:
    async with budget.reserve(worst) as reservation:
        await asyncio.sleep(0)
        reservation.cost_usd = cost


async def test_no_cap() -> None:
    """Without a cap even an unknown price is no obstacle."""
    async with Budget(None).reserve(None):
        pass


async def test_unknown_price_under_a_cap() -> None:
    """A cap can't be kept where nobody knows what a request may cost."""
    with pytest.raises(BudgetSpent, match="unknown"):
        await spend(Budget(1.0), None, 0.1)  # type: ignore[arg-type]


async def test_spent_never_exceeds_the_cap() -> None:
    """Many at once: some wait until others came cheaper, and the sum stays below the cap."""
    budget = Budget(1.0)
    done = await asyncio.gather(
        *(spend(budget, 0.3, 0.05) for _ in range(64)), return_exceptions=True
    )
    ended = [result for result in done if result is None]
    assert budget.spent_usd == pytest.approx(0.05 * len(ended))
    assert 0.7 < budget.spent_usd <= 1.0  # it is used up as far as the worst case allows
    assert {type(result) for result in done} == {type(None), BudgetSpent}


async def test_unknown_cost_counts_as_the_worst() -> None:
    """What a cut call has cost is unknown, so that the reservation stands."""
    budget = Budget(1.0)
    await spend(budget, 0.6, None)
    assert budget.spent_usd == 0.6
    with pytest.raises(BudgetSpent, match="higher budget_usd"):
        await spend(budget, 0.6, 0.1)


async def test_cancelled_waiter_takes_nothing() -> None:
    """Who is cancelled while waiting leaves nothing reserved."""
    budget = Budget(1.0)
    async with budget.reserve(0.9) as first:
        waiter = asyncio.create_task(spend(budget, 0.5, 0.1))
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        first.cost_usd = 0.1
    await spend(budget, 0.8, 0.1)
    assert budget.spent_usd == pytest.approx(0.2)


async def test_reservations_of_one_amount() -> None:
    """Of two requests that may cost the same, each gives back its own."""
    budget = Budget(1.0)
    async with budget.reserve(0.1) as first:
        first.cost_usd = 0.1
        async with budget.reserve(0.1) as second:
            second.cost_usd = 0.1
    async with budget.reserve(0.1), budget.reserve(0.1):
        pass  # a time-out: nobody knows what it cost
    assert budget.spent_usd == pytest.approx(0.4)
