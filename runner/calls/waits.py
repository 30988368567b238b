"""How long a provider says that one should wait, wherever it says so."""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import yaml
from pydantic import BaseModel


class _Reset(BaseModel):
    left: str
    reset: str
    kinds: list[str]


class _Waits(BaseModel):
    """The part of errors.yaml that is about waiting."""

    wait_wording: re.Pattern[str]
    resets: list[_Reset]


_WAITS = _Waits.model_validate(yaml.safe_load(Path(__file__).with_name("errors.yaml").read_bytes()))
_UNITS = {"ms": 0.001, "mi": 60.0, "m": 60.0, "s": 1.0, "se": 1.0, "h": 3600.0, "ho": 3600.0}
_PART = r"([0-9]+(?:\.[0-9]+)?) ?(ms|milliseconds?|s|seconds?|m|minutes?|h|hours?)\b[, ]*"


def in_headers(headers: Mapping[str, str]) -> float | None:
    """Seconds from now; None where nothing is said. `headers` have names in lower case.

    Retry-After in milliseconds or seconds or as a date; else when the limit that is used up resets.
    """
    with suppress(KeyError, ValueError):
        return _counted(float(headers["retry-after-ms"]) / 1000)
    if (after := seconds(headers.get("retry-after"))) is not None:
        return after
    return max(_resets(headers), default=None)


def in_words(message: str) -> float | None:
    """Seconds that a message says: try again in 1m2.5s."""
    found = _WAITS.wait_wording.search(message.lower())
    return _duration(found[1]) if found else None


def seconds(text: str | None) -> float | None:
    """A number of seconds, a duration, or a date or time, in seconds from now."""
    if not text:
        return None
    with suppress(ValueError):
        return _counted(float(text))
    if (duration := _duration(text)) is not None:
        return duration
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError, OverflowError):
            return max(0.0, (read(text).astimezone(UTC) - datetime.now(UTC)).total_seconds())
    return None


def _resets(headers: Mapping[str, str]) -> Iterator[float]:
    for row in _WAITS.resets:
        for kind in row.kinds:
            if headers.get(row.left.format(kind=kind)) == "0":
                wait = seconds(headers.get(row.reset.format(kind=kind)))
                if wait is not None:
                    yield wait


def _duration(text: str) -> float | None:
    """1m2.5s, 20ms, 6 seconds."""
    words = re.sub(r"milliseconds?", "ms", text.strip().lower())
    words = re.sub(r"(?<=[a-z])(?=[0-9])", " ", words)
    if not re.fullmatch(f"(?:{_PART})+", words):
        return None
    return sum(float(number) * _UNITS[unit[:2]] for number, unit in re.findall(_PART, words))


def _counted(value: float) -> float | None:
    return max(0.0, value) if math.isfinite(value) else None
