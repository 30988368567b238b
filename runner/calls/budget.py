"""A hard cap on what is spent: no request is sent that might cost more than is left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from runner.errors import BudgetSpent


@dataclass(eq=False)  # two of the same amount are two
class Reservation:
    worst_usd: float
    cost_usd: float | None = None  # set when it is known; else the worst is taken for it


class Budget:
    """US dollars that a process may spend, over all its runs; None is no cap.

    Every request reserves the most that it can cost before it is sent. When that is more than is
    left, it waits until requests in flight have come cheaper; when none is in flight, it is over.
    """

    def __init__(self, limit_usd: float | None, spent_usd: float = 0.0) -> None:
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd
        self._reserved: list[Reservation] = []
        self._settled = asyncio.Condition()

    @asynccontextmanager
    async def reserve(self, worst_usd: float | None) -> AsyncIterator[Reservation]:
        """Raises BudgetSpent. `worst_usd` is None where nobody knows, which only no cap allows."""
        if self.limit_usd is None:
            yield Reservation(0.0)
            return
        if worst_usd is None:
            raise BudgetSpent("budget_usd: what the next request may cost is unknown")
        reservation = Reservation(worst_usd)
        async with self._settled:
            while self.spent_usd + self._held() + worst_usd > self.limit_usd:
                if not self._reserved:
                    raise BudgetSpent(self._over(worst_usd))
                await self._settled.wait()
            self._reserved.append(reservation)
        try:
            yield reservation
        finally:
            self._reserved.remove(reservation)
            cost = reservation.cost_usd
            self.spent_usd += worst_usd if cost is None else cost
            await asyncio.shield(self._wake())

    def _held(self) -> float:
        return sum(reservation.worst_usd for reservation in self._reserved)

    async def _wake(self) -> None:
        async with self._settled:
            self._settled.notify_all()

    def _over(self, worst_usd: float) -> str:
        return (
            f"budget_usd is {self.limit_usd:g}: ${self.spent_usd:.6g} is spent and the next "
            f"request may cost ${worst_usd:.2g}; the same command with a higher budget_usd goes on"
        )
