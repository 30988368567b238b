"""Whose time it is on a server of one's own: requests at work together share it evenly."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Share:
    """What one request took; known once it is over."""

    seconds: float = 0.0


class ServerTime:
    """The shares of all requests add up to the time in which there was at least one."""

    def __init__(self) -> None:
        self._at_work = 0
        self._until = 0.0
        self._each = 0.0  # what a request would have had that was at work all along

    @contextmanager
    def share(self) -> Iterator[Share]:
        self._go_on()
        self._at_work += 1
        share, before = Share(), self._each
        try:
            yield share
        finally:
            self._go_on()
            self._at_work -= 1
            share.seconds = self._each - before

    def _go_on(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._at_work:
            self._each += (now - self._until) / self._at_work
        self._until = now
