"""A hard cap on what is spent: no request is sent that might cost more than is left."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from runner.errors import BudgetSpent
from runner.price import paid_at_most
from runner.record.outcomes import Attempt
from runner.record.shared_budget import SharedBudget

_POLL_SECONDS = 0.05  # between two looks at what other processes have given back
Found = TypeVar("Found")


@dataclass(eq=False)  # two of the same amount are two
class Reservation:
    worst_usd: float
    cost_usd: float | None = None  # set when it is known; else the worst is taken for it
    sent: str = field(default_factory=partial(secrets.token_hex, 8))  # the id of its request

    @property
    def at_most_usd(self) -> float:
        return self.worst_usd if self.cost_usd is None else self.cost_usd


class Budget:
    """US dollars that a process may spend, over all its runs; None is no cap.

    Every request reserves the most that it can cost before it is sent. When that is more than is
    left, it waits until requests in flight have come cheaper; when none is in flight, it is over.
    With a `directory` the processes that name the same one share what they spend. With `daily` the
    cap is of each day by itself, in UTC; what is under way at midnight counts in both.
    """

    def __init__(
        self,
        limit_usd: float | None,
        directory: Path | None = None,
        *,
        daily: bool = False,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        """Raises StorageError."""
        self.limit_usd = limit_usd
        self._today = today if daily else lambda: date.max
        self._day = self._today()
        self.spent_usd = 0.0  # by this process, and what it goes on from
        self._reserved: list[Reservation] = []
        self._settled = asyncio.Condition()
        self._shared = SharedBudget(directory) if directory else None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="budget")  # idle unless shared

    def take_over(self, paid: Iterable[Attempt]) -> None:
        """What an interrupted run has paid counts as well. Raises StorageError."""
        if self._shared:
            self._shared.adopt(
                (each.sent, paid_at_most([each]))
                for each in paid
                if each.sent and not each.replayed
            )
        elif self.limit_usd is not None:
            self.spent_usd += paid_at_most(paid)

    @asynccontextmanager
    async def reserve(self, worst_usd: float | None) -> AsyncIterator[Reservation]:
        """Raises BudgetSpent, StorageError.

        `worst_usd` is None where nobody knows, which only no cap allows.
        """
        if self.limit_usd is None:
            yield Reservation(0.0)
            return
        if worst_usd is None:
            raise BudgetSpent("budget_usd: what the next request may cost is unknown")
        reservation = Reservation(worst_usd)
        async with self._settled:
            while not await self._take(reservation, self.limit_usd):
                if not (self._reserved or await self._others()):
                    raise BudgetSpent(self._over(worst_usd, self.limit_usd))
                await self._change()
            self._reserved.append(reservation)
        try:
            yield reservation
        finally:
            await asyncio.shield(self._settle(reservation))

    def close(self) -> None:
        self._thread.shutdown()
        if self._shared:
            self._shared.close()

    async def _take(self, reservation: Reservation, limit_usd: float) -> bool:
        worst_usd = reservation.worst_usd
        if not self._shared:
            if self._day != (today := self._today()):
                self._day, self.spent_usd = today, 0.0
            held = sum(each.worst_usd for each in self._reserved)
            return self.spent_usd + held + worst_usd <= limit_usd
        taking = self._aside(partial(self._shared.take, reservation.sent, worst_usd, limit_usd))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:  # it may be taken, and is not sent
            if await taking:
                await self._aside(partial(self._shared.end, reservation.sent, 0.0))
            raise

    async def _settle(self, reservation: Reservation) -> None:
        self._reserved.remove(reservation)
        self.spent_usd += reservation.at_most_usd
        try:
            if self._shared:
                end = partial(self._shared.end, reservation.sent, reservation.at_most_usd)
                await self._aside(end)
        finally:
            async with self._settled:
                self._settled.notify_all()

    async def _others(self) -> bool:
        return await self._aside(self._shared.others) if self._shared else False

    async def _change(self) -> None:
        """Wait until something may have been given back."""
        if not self._shared:
            await self._settled.wait()
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), _POLL_SECONDS)

    def _aside(self, work: Callable[[], Found]) -> asyncio.Future[Found]:
        """On a thread of its own: in the loop's pool it would queue behind slow scorers."""
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _over(self, worst_usd: float, limit_usd: float) -> str:
        spent_usd = self._shared.usd if self._shared else self.spent_usd
        by = " by all that share it" if self._shared else ""
        return (
            f"budget_usd is {limit_usd:g}: ${spent_usd:.6g} is spent{by} and the next "
            f"request may cost ${worst_usd:.2g}; the same command with a higher budget_usd goes on"
        )
