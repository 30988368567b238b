"""The cap holds for what is in flight, and frees what turned out cheaper."""

import asyncio
import gc
from datetime import date, timedelta
from pathlib import Path

import pytest

from runner.calls.budget import Budget
from runner.errors import BudgetSpent, StorageError
from runner.record.outcomes import Attempt
from runner.record.shared_budget import SharedBudget


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


async def test_shared(tmp_path: Path) -> None:
    """Of several processes, too, the sum stays below the cap, and is used up as far as may be."""
    budgets = [Budget(1.0, tmp_path) for _ in range(3)]
    done = await asyncio.gather(
        *(spend(budget, 0.3, 0.05) for _ in range(16) for budget in budgets),
        return_exceptions=True,
    )
    ended = done.count(None)
    assert {type(result) for result in done} == {type(None), BudgetSpent}
    assert sum(budget.spent_usd for budget in budgets) == pytest.approx(0.05 * ended)
    assert 0.7 < 0.05 * ended <= 1.0
    for budget in budgets:
        budget.close()
    late = Budget(1.0, tmp_path)
    with pytest.raises(BudgetSpent, match="is spent by all that share it"):
        await spend(late, 0.3, 0.05)
    late.close()


async def test_shared_with_one_that_was_killed(tmp_path: Path) -> None:
    """What a killed process had in flight stands at its most, and nobody waits for it."""
    SharedBudget(tmp_path).take("a", 0.6, 1.0)  # gone, with its lock
    gc.collect()
    with (tmp_path / "spent.jsonl").open("ab") as file:
        file.write(b'{"sent": "torn')
    budget = Budget(1.0, tmp_path)
    with pytest.raises(BudgetSpent, match=r"\$0.6 is spent"):
        await spend(budget, 0.5, 0.1)
    await spend(budget, 0.4, 0.1)
    await spend(budget, 0.3, 0.3)
    budget.close()


async def test_shared_takes_over(tmp_path: Path) -> None:
    """What an interrupted run has paid counts once, whoever it was that counted it."""
    attempts = [
        Attempt(model="m", seconds=1, waited_seconds=0, http_requests=1, **each)
        for each in (
            {"sent": "a", "cost_usd": 0.2},
            {"sent": "b", "cost_usd": None, "worst_usd": 0.3},
            {"sent": "c", "cost_usd": 0.4, "replayed": True},
        )
    ]
    for _ in range(2):
        budget = Budget(1.0, tmp_path)
        budget.take_over(attempts)
        with pytest.raises(BudgetSpent, match=r"\$0.5 is spent"):
            await spend(budget, 0.6, 0.1)
        budget.close()


async def test_shared_ledger_is_damaged(tmp_path: Path) -> None:
    """Where it can't be read what was spent, nothing more is."""
    budget = Budget(1.0, tmp_path)
    await spend(budget, 0.6, 0.1)
    budget.close()
    path = tmp_path / "spent.jsonl"
    path.write_bytes(path.read_bytes().replace(b"0.1", b"0.0"))
    budget = Budget(1.0, tmp_path)
    with pytest.raises(StorageError, match="not what was written"):
        await spend(budget, 0.1, 0.1)
    budget.close()


async def test_daily() -> None:
    """A cap of a day begins anew with the next one, and not before."""
    day = [date(2026, 11, 28)]
    budget = Budget(1.0, daily=True, today=lambda: day[0])
    async with budget.reserve(0.9) as reservation:
        reservation.cost_usd = 0.9
    with pytest.raises(BudgetSpent):
        async with budget.reserve(0.2):
            pass
    day[0] += timedelta(days=1)
    async with budget.reserve(0.9):
        pass
    with pytest.raises(BudgetSpent):
        async with budget.reserve(0.2):
            pass
