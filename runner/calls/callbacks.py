"""Whom litellm tells of every call: `callbacks: [langfuse]`.

A callback that can't start, litellm merely logs and leaves out, and one it has never heard of it
leaves out without a word: calls that were to be watched would not be. So both are errors here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from runner.config.redact import redact
from runner.errors import ConfigError, did_you_mean

_NEEDED = "fastapi"  # litellm imports it where it hands a call over, and swallows that it can't
# What litellm lists as callbacks although they don't watch requests but change them, or are parts
# of its proxy.
_NO_WATCHERS = {
    "anthropic_cache_control_hook",
    "bitbucket",
    "compression_interception",
    "dotprompt",
    "dynamic_rate_limiter",
    "dynamic_rate_limiter_v3",
    "gitlab",
    "litellm_agent",
    "resend_email",
    "sendgrid_email",
    "smtp_email",
    "vector_store_pre_call_hook",
}


def check_callbacks(
    names: Iterable[str], known: Iterable[str], find: Callable[[str], Any] = find_spec
) -> None:
    """Raise ConfigError for names that litellm, which knows `known`, would leave out silently.

    Without a package of its proxy, which `find` finds, it leaves out all of them.
    """
    choices = set(known) - _NO_WATCHERS
    names = list(names)
    if names and find(_NEEDED) is None:
        raise ConfigError(
            "callbacks: litellm tells nobody without the packages of its proxy: "
            "pip install 'llm-decision-runner[callbacks]'"
        )
    if problems := [
        f"callbacks: litellm knows no '{name}'{did_you_mean(name, choices)}"
        for name in names
        if name not in choices
    ]:
        raise ConfigError(*problems)


def started(names: Iterable[str], start: Callable[[str], Any]) -> list[Any]:
    """litellm's loggers of these names, by its own `start`, which returns None when it fails.

    Raises ConfigError with the reason that litellm only logs.
    """
    return [_started(name, start) for name in names]


async def flush(
    loggers: Iterable[Any], handed_over: Callable[[], Awaitable[None]], seconds: float = 5.0
) -> None:
    """Have loggers that send in batches send their last one, which litellm leaves unsent.

    `handed_over` waits until litellm has told the loggers of every call. Takes `seconds` at most.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.sleep(0)  # litellm queues a call's event one step after its reply
            await handed_over()
            for logger in loggers:
                if hasattr(logger, "flush_queue"):
                    await logger.flush_queue()


def _started(name: str, start: Callable[[str], Any]) -> Any:
    overheard = _Overheard()
    log = logging.getLogger("LiteLLM")
    log.addFilter(overheard)
    try:
        logger = start(name)
    finally:
        log.removeFilter(overheard)
    if logger is not None:
        return logger
    error = overheard.error
    if isinstance(error, ModuleNotFoundError) and error.name:
        raise ConfigError(
            f"callbacks: {name} needs its package: pip install {error.name.partition('.')[0]}"
        )
    why = " ".join(str(error or "litellm says nothing of why").split())
    raise ConfigError(f"callbacks: {name} can't start: {redact(why)[:300]}")


class _Overheard(logging.Filter):
    """Keeps the error that litellm logs, and keeps it off the terminal."""

    error: BaseException | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1]:
            self.error = record.exc_info[1]
        return record.levelno < logging.ERROR
