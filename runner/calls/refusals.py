"""What somebody has to mend is asked once: a wrong key, an unknown model, an empty account."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from runner.calls.deadline import Countdown
from runner.config.schema import Single
from runner.errors import TO_MEND, CallFailed

_HEAD_START_SECONDS = 1.0  # a refusal is quick; a long answer is not waited for


@dataclass
class _Known:
    free: asyncio.Event = field(default_factory=asyncio.Event)  # the head start is over
    answered: bool = False
    refused: CallFailed | None = None


@dataclass(frozen=True)
class Asking:
    """One request; say when it `starts`, at the socket."""

    waited_seconds: float
    _known: _Known

    def starts(self) -> None:
        if not self._known.free.is_set():
            Countdown(_HEAD_START_SECONDS, self._known.free.set)


class Refusals:
    """Of one process that ends where its models refuse it, by model, address and key.

    The first request to a model has a head start: until it has ended, or has been on its way for a
    second, nobody else asks. What it was refused with, every later one is told unsent.
    """

    def __init__(self) -> None:
        self._models: dict[tuple[str | None, ...], _Known] = {}

    @asynccontextmanager
    async def asked(self, model: Single) -> AsyncIterator[Asking]:
        """Around a request. Raises CallFailed."""
        where = model.litellm_id, model.provider.api_base, model.provider.api_key_env
        loop = asyncio.get_running_loop()
        came, known = loop.time(), self._models.get(where)
        if known is None:
            known = self._models[where] = _Known()
        else:
            await known.free.wait()
        if known.refused:
            raise replace(known.refused, unbilled=True, seconds=0.0, http_requests=0, usage=None)
        try:
            yield Asking(loop.time() - came, known)
            known.answered = True
        except CallFailed as error:
            if _is_to_mend(error, known):
                error.stops = f"{model.name}: {error}; mend it, and the same command goes on"
                known.refused = error
            raise
        finally:
            known.free.set()


def _is_to_mend(error: CallFailed, known: _Known) -> bool:
    """Of a model that has answered, a 403 or 404 may be about one request; a 401 never is."""
    if error.kind not in TO_MEND:
        return False
    return not known.answered or error.kind == "insufficient_quota" or error.status == 401
