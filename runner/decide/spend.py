"""What runs have cost, summed up from their journals; memory does not grow with the cases."""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator

from runner.config.schema import Privacy, Strict, Usd
from runner.config.validation import validated
from runner.decide.notify import Notify
from runner.errors import ConfigError, RunnerError
from runner.measure import formatting
from runner.record.outcomes import Attempt, Record, Role
from runner.record.run import Run

Dimension = Literal["day", "task", "model", "provider", "role"]


class Key(NamedTuple):
    """What is summed up together; a day is one of UTC."""

    day: date
    task: str
    model: str
    provider: str
    role: Role


@dataclass
class Sum:
    """US dollars of so many attempts; those of unknown cost are counted, and add no zero."""

    attempts: int = 0
    unknown: int = 0  # attempts
    known_usd: float = 0.0
    in_flight: int = 0  # attempts, of the unknown ones: when their run stopped
    in_flight_usd: float = 0.0  # at most

    def add(self, attempt: Attempt) -> None:
        self.attempts += 1
        if attempt.in_flight:
            self.in_flight += 1
            self.in_flight_usd += inf if attempt.worst_usd is None else attempt.worst_usd
        self.unknown += attempt.cost_usd is None
        self.known_usd += attempt.cost_usd or 0.0

    @property
    def usd(self) -> float | None:
        """What is known; None where nothing is."""
        return None if 0 < self.unknown == self.attempts else self.known_usd

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(
            self.attempts + other.attempts,
            self.unknown + other.unknown,
            self.known_usd + other.known_usd,
            self.in_flight + other.in_flight,
            self.in_flight_usd + other.in_flight_usd,
        )

    def __str__(self) -> str:
        known = "" if self.usd is None else formatting.show(self.usd, "usd")
        if not self.unknown:
            return known
        plural = "s" if self.unknown > 1 else ""
        unknown = f"unknown: {self.unknown:,} attempt{plural}"
        return f"{known} + {unknown}" if known else unknown


class _Requirements(Record):
    data_privacy: Privacy = "standard"


class _Config(Record):
    """What of it is needed here; a run of an older version has it, too."""

    requirements: _Requirements


class Spend:
    """All that was paid for, in every run of a directory."""

    def __init__(self) -> None:
        self.sums: defaultdict[Key, Sum] = defaultdict(Sum)
        self.damaged: list[str] = []  # a line for each run that is not counted to its end
        # Runs that may not tell everyone, and the last day that they paid for something.
        self.private: dict[Path, tuple[Privacy, date]] = {}

    def by(self, *dimensions: Dimension, since: date | None) -> dict[tuple[str, ...], Sum]:
        """What was spent from a day on, by the values of the dimensions."""
        found: defaultdict[tuple[str, ...], Sum] = defaultdict(Sum)
        for key, each in self.sums.items():
            if since is None or key.day >= since:
                found[tuple(str(getattr(key, name)) for name in dimensions)] += each
        return dict(sorted(found.items()))

    def _count(self, directory: Path) -> None:
        run = Run(directory)
        if not run.begun:
            return
        of = run.provenance
        config = validated(_Config, of.config, at=f"{directory}: config.")
        privacy = config.requirements.data_privacy
        for attempt in run.paid():
            sent = datetime.fromisoformat(attempt.at) if attempt.at else of.started_at
            day = sent.astimezone(UTC).date()
            provider = attempt.provider or "unknown"
            self.sums[Key(day, of.task, attempt.model, provider, attempt.role)].add(attempt)
            if privacy != "standard":
                _, last = self.private.get(directory, (privacy, day))
                self.private[directory] = privacy, max(last, day)


def read(outputs: Path) -> Spend:
    """Sum up all runs, those in sweeps and the interrupted ones too.

    A run that is damaged counts up to the damage. Raises ConfigError when there is no such
    directory.
    """
    if not outputs.is_dir():
        raise ConfigError(f"outputs: no directory '{outputs}'")
    spend = Spend()
    kept = ("runs/*/", "runs/*/shards-*/*/", "sweeps/*/*/", "drift/*/*/")
    for directory in sorted(found for pattern in kept for found in outputs.glob(pattern)):
        try:
            spend._count(directory)
        except RunnerError as error:
            spend.damaged.append(f"{error}; from there on nothing is counted")
    return spend


class Alerts(Strict):
    """US dollars that may be spent in a day, in a month, and on a task in a month."""

    day_usd: Usd | None
    month_usd: Usd | None
    tasks: dict[str, Usd]


def _since(value: Any) -> date | timedelta | None:
    """`30d` is the last 30 days."""
    if value is None:
        return None
    if days := re.fullmatch(r"([1-9]\d*)d", str(value)):
        return timedelta(days=int(days[1]))
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("is no date; write 2026-11-01, or 30d for the last 30 days") from None


class SpendSettings(Strict):
    """conf/spend.yaml."""

    outputs: Path
    since: Annotated[date | timedelta | None, BeforeValidator(_since)]
    by: tuple[Dimension, ...]
    format: Literal["table", "json", "csv"]
    alerts: Alerts
    notify: Notify
    data_privacy: Privacy

    def first_day(self, today: date) -> date | None:
        if isinstance(self.since, timedelta):
            return today - self.since + timedelta(days=1)
        return self.since


@dataclass(frozen=True)
class Alert:
    """What was spent, held against one limit."""

    limit: str  # its key in the config
    limit_usd: float
    when: str
    spent: Sum
    exact: bool  # False: an unknown cost or a damaged run makes it a lower bound

    @property
    def crossed(self) -> bool:
        return self.spent.known_usd > self.limit_usd

    def __str__(self) -> str:
        limit = formatting.bound(self.limit_usd, "usd")
        if self.crossed:
            least = "" if self.exact else "at least "
            known = formatting.show(self.spent.known_usd, "usd")
            return f"{self.limit}: {least}{known} spent {self.when}, the limit is {limit}"
        return f"{self.limit}: nobody knows whether {limit} is crossed: {self.spent} {self.when}"


def due_alerts(spend: Spend, alerts: Alerts, today: date) -> list[Alert]:
    """The limits that are crossed, or may be for all that is known; `today` is a day of UTC."""
    month = f"in {today:%Y-%m} (UTC)"
    per_day, per_month = Sum(), Sum()
    per_task: defaultdict[str, Sum] = defaultdict(Sum)
    for key, each in spend.sums.items():
        if key.day == today:
            per_day += each
        if (key.day.year, key.day.month) == (today.year, today.month):
            per_month += each
            per_task[key.task] += each
    limits = [
        ("day_usd", alerts.day_usd, f"on {today} (UTC)", per_day),
        ("month_usd", alerts.month_usd, month, per_month),
        *((f"tasks.{task}", usd, month, per_task[task]) for task, usd in alerts.tasks.items()),
    ]
    found = [
        Alert(f"alerts.{name}", usd, when, spent, not (spent.unknown or spend.damaged))
        for name, usd, when, spent in limits
        if usd is not None
    ]
    return [alert for alert in found if alert.crossed or not alert.exact]
