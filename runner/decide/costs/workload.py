"""What is asked of a model in a month: how many requests, of which sizes."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from runner.config.schema import TOKENS_PER_BYTE
from runner.errors import ConfigError
from runner.record.outcomes import Answered
from runner.record.run import Run

Sizes = Mapping[tuple[int, int], int]  # input and output tokens: how many requests have them
_Sizes = Counter[tuple[int, int]]


@dataclass(frozen=True)
class Workload:
    """`cached_share` is of the input tokens, `batch_share` of the requests."""

    sizes: Sizes
    requests_per_month: int
    cached_share: float = 0.0
    batch_share: float = 0.0

    @property
    def input_tokens(self) -> float:
        """Of the mean request."""
        return self._mean(0)

    @property
    def output_tokens(self) -> float:
        """Of the mean request."""
        return self._mean(1)

    def counted_at(self, tokens_per_byte: float) -> "Workload":
        """The same texts in the tokens of a family that counts otherwise."""
        times = tokens_per_byte / TOKENS_PER_BYTE
        sizes = _Sizes()
        for (read, written), count in self.sizes.items():
            sizes[round(read * times), round(written * times)] += count
        return replace(self, sizes=sizes)

    def a_month(self, usd_per_request: float | None) -> float | None:
        # Beyond a millionth of a dollar is but the noise of binary fractions.
        return (
            None if usd_per_request is None else round(usd_per_request * self.requests_per_month, 6)
        )

    def __str__(self) -> str:
        sizes = f"{self.input_tokens:,.0f} tokens in and {self.output_tokens:,.0f} out"
        shares = {"of the input cached": self.cached_share, "in batches": self.batch_share}
        more = "".join(f", {share:.0%} {what}" for what, share in shares.items() if share)
        return f"{self.requests_per_month:,} requests a month, {sizes}{more}"

    def summary(self) -> dict[str, float]:
        return {
            "requests_per_month": self.requests_per_month,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_share": self.cached_share,
            "batch_share": self.batch_share,
        }

    def _mean(self, side: Literal[0, 1]) -> float:
        total = sum(size[side] * count for size, count in self.sizes.items())
        return total / sum(self.sizes.values())


@dataclass(frozen=True)
class FinishedRun:
    """What a run says about the requests of its task, and about the model that answered them."""

    label: str
    data: str | None  # where a single model's requests end up: on_device, self_hosted …
    sizes: Sizes
    tokens_per_second: float | None  # written by the whole server; None: nothing was timed
    in_flight: float  # requests at once, in the mean
    model: Mapping[str, Any]  # as it was composed
    arms: Mapping[str, Sizes]  # of a router: the requests that each of its arms answered
    classified: Sizes  # the calls of its classifier

    @property
    def answers(self) -> int:
        return sum(self.sizes.values())

    def __str__(self) -> str:
        return f"{sum(self.sizes.values()):,} answers of {self.label}"


def finished(directory: Path) -> FinishedRun:
    """Read a run's token counts and speed from its journal.

    The speed is of all requests at work together, over the time in which there was at least one:
    the pause of a run that was interrupted does not count.
    Raises ConfigError when there is no finished run, StorageError when its journal is damaged.
    """
    run = Run.open(directory, at="from: ", production=True)
    result = run.result
    if result is None or not result.complete:
        raise ConfigError(f"from: the run in {directory} is not complete")
    model = run.config.get("model") or {}
    router = model.get("kind") == "router"
    sizes, classified = _Sizes(), _Sizes()
    arms: defaultdict[str, _Sizes] = defaultdict(_Sizes)
    tokens, spans = 0, []
    for line in run.outcomes():
        if not (isinstance(line, Answered) and line.usage):
            continue
        size = line.usage.input_tokens, line.usage.output_tokens
        sizes[size] += 1
        if router and line.fallback is None:
            arms[line.arm.partition(".")[0]][size] += 1
            for each in line.attempts:
                if each.role == "classifier" and each.usage:
                    classified[each.usage.input_tokens, each.usage.output_tokens] += 1
        if not line.replayed and line.attempts and (sent := line.attempts[-1].at):
            start = datetime.fromisoformat(sent).timestamp()
            spans.append((start, start + line.attempts[-1].seconds))
            tokens += line.usage.output_tokens
    if not sizes:
        raise ConfigError(f"from: no answer in {directory} says how many tokens it had")
    busy = _busy_seconds(spans)
    return FinishedRun(
        label=f"{result.task}-{result.model}",
        data=(model.get("provider") or {}).get("data"),
        sizes=sizes,
        tokens_per_second=tokens / busy if tokens and busy else None,
        in_flight=sum(end - start for start, end in spans) / busy if busy else 0.0,
        model=model,
        arms=dict(arms),
        classified=classified,
    )


def _busy_seconds(spans: Iterable[tuple[float, float]]) -> float:
    """How long at least one of the spans lasted, in all."""
    busy, until = 0.0, -math.inf
    for start, end in sorted(spans):
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    return busy
