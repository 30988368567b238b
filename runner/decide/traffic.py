"""What a decision did in production, out of the records of `run` and `serve`, as they stand."""

from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median

from runner.config.schema import Model
from runner.errors import ConfigError, RunnerError
from runner.measure import formatting
from runner.measure.observations import own
from runner.record.outcomes import Failed, Line
from runner.record.run import Run


@dataclass
class Traffic:
    """Requests since a day; those that nobody waited for to the end are none."""

    since: date
    asked: int = 0
    answered: int = 0
    by_fallback: int = 0
    served: set[str] = field(default_factory=set)  # as providers say, for the model itself
    latency_ms: "array[float]" = field(default_factory=lambda: array("d"))  # of its own answers
    cost_usd: float = 0.0
    unknown: int = 0  # requests of unknown cost
    damaged: int = 0  # records that could not be read to their end

    def add(self, line: Line) -> None:
        if isinstance(line, Failed) and line.open:
            return
        self.asked += 1
        self.unknown += line.cost_usd is None
        self.cost_usd += line.cost_usd or 0.0
        if isinstance(line, Failed):
            return
        self.answered += 1
        self.by_fallback += line.fallback is not None
        if own(line):
            self.latency_ms.append(line.seconds * 1000)
            if line.model_served:
                self.served.add(line.model_served)

    def __str__(self) -> str:
        said = [f"{self.asked:,} requests since {self.since}: {self.answered:,} answered"]
        if self.by_fallback:
            said.append(f"{self.by_fallback:,} of them by a fallback")
        if self.latency_ms:
            said.append(f"latency p50 {formatting.show(median(self.latency_ms), 'ms')}")
        known = self.asked - self.unknown
        if known:
            said.append(f"{formatting.show(self.cost_usd / known, 'usd')} each")
        if self.unknown:
            said.append(f"{self.unknown:,} of unknown cost")
        if self.damaged:
            said.append(f"{self.damaged} records are damaged")
        return ", ".join(said)


def of(outputs: Path, task: str, model: Model, since: date) -> Traffic | None:
    """Of a model on a task; None: there was none. Memory grows by a number for each answer."""
    found = Traffic(since)
    for run in _runs(outputs, task, model, since):
        try:
            for line in run.as_written():
                found.add(line)
        except RunnerError:
            found.damaged += 1
    return found if found.asked else None


def _runs(outputs: Path, task: str, model: Model, since: date) -> Iterator[Run]:
    for directory in sorted(outputs.glob("runs/*/")):
        run = Run(directory)
        if run.kind != "production":
            continue
        with suppress(ConfigError):
            about = run.provenance
            same = (run.about.get("model"), run.about.get("id")) == (model.name, model.id)
            if same and about.task == task and about.started_at.date() >= since:
                yield run
