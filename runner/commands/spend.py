"""What the runs under outputs/ have cost, and whether that is too much.

    python -m runner spend since=30d by=[model]
    python -m runner spend alerts.day_usd=5

Exit code 3 when a limit of `alerts` is crossed, 4 when a run could not be counted to its end.
conf/spend.yaml holds every key and what it means.
"""

import csv
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator
from rich import box
from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.commands._settings import conf
from runner.commands.command_line import explain, parser
from runner.config.schema import Privacy, Strict
from runner.decide.notify import Notifier, Notify, refuse_urls
from runner.decide.spend import Alert, Alerts, Dimension, Spend, Sum, hold, read
from runner.errors import GATE_EXIT, INCOMPLETE_EXIT, ConfigError, RunnerError, did_you_mean
from runner.measure import formatting
from runner.measure.requirements import ALLOWED
from runner.report.text import line

_WIDTH = 120  # where nobody's terminal says: a pipe, a log of CI
_BAR = 40  # characters
_DAYS = 31  # in the chart
_SHOWN = 5  # runs that forbid a notice; the others do it for the same reason

Names = tuple[str, ...]  # of what a sum is for, in the order of `by`


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


def main(argv: Sequence[str], today: date | None = None) -> int:
    refuse_urls(argv)
    with conf("spend", parser("spend", __doc__), argv) as (config, overrides):
        settings = config.settings(SpendSettings, overrides)
    return report(settings, today or datetime.now(UTC).date())


def report(settings: SpendSettings, today: date) -> int:
    """Raises ConfigError, before anything is printed, when no notice could or may be sent."""
    if leak := _leak(settings.notify, settings.data_privacy, "data_privacy"):
        raise ConfigError(leak)
    notifier = Notifier(settings.notify)
    spend = read(settings.outputs)
    if leaks := list(_leaks(settings.notify, spend, today)):
        more = [f"and {len(leaks) - _SHOWN} more runs"] if len(leaks) > _SHOWN else []
        raise ConfigError(*leaks[:_SHOWN], *more)
    alerts = hold(spend, settings.alerts, today)
    _print(settings, spend, alerts, today)
    remarks = [*spend.damaged, *_strangers(settings.alerts, spend), *map(str, alerts)]
    code = explain(RunnerError("\n".join(remarks)), INCOMPLETE_EXIT if spend.damaged else 0)
    crossed = [str(alert) for alert in alerts if alert.crossed]
    if not crossed:
        return code
    problems = notifier.tell("runner: a limit of spending is crossed", "\n".join(crossed))
    return explain(RunnerError("\n".join(problems)), GATE_EXIT)


def _strangers(alerts: Alerts, spend: Spend) -> list[str]:
    """A limit with a typing error would never be crossed."""
    known = {key.task for key in spend.sums}
    return [
        f"alerts.tasks: no run of '{task}' is on record{did_you_mean(task, known)}"
        for task in alerts.tasks
        if task not in known
    ]


def _leaks(notify: Notify, spend: Spend, today: date) -> Iterator[str]:
    """A notice tells of this month: it is held against what the runs at work in it require."""
    for directory, (privacy, last) in spend.private.items():
        if last >= today.replace(day=1):
            leak = _leak(notify, privacy, f"requirements.data_privacy of {directory}")
            if leak is not None:
                yield leak


def _leak(notify: Notify, privacy: Privacy, where: str) -> str | None:
    if notify.env and notify.data not in ALLOWED[privacy]:
        allowed = ", ".join(ALLOWED[privacy])
        return f"notify.data is {notify.data}, but {where} is {privacy}: only {allowed}"
    return None


def _print(settings: SpendSettings, spend: Spend, alerts: Sequence[Alert], today: date) -> None:
    since = settings.first_day(today)
    sums = spend.by(*settings.by, since=since)
    total = sum(sums.values(), Sum())
    rows = [
        dict(zip(settings.by, names, strict=True)) | _plain(each) for names, each in sums.items()
    ]
    if settings.format == "csv":
        writer = csv.DictWriter(sys.stdout, [*settings.by, *_plain(total)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    elif settings.format == "json":
        tree = {
            "since": since and str(since),
            "rows": rows,
            "total": _plain(total),
            "alerts": [str(alert) for alert in alerts],
        }
        print(json.dumps(tree, ensure_ascii=False, indent=2, allow_nan=False))
    else:
        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = _WIDTH
        console.print(_table(settings.by, sums, total), "")
        console.print(_chart(spend.by("day", since=since)))


def _plain(each: Sum) -> dict[str, int | float | None]:
    return {"attempts": each.attempts, "known_usd": each.usd, "unknown_attempts": each.unknown}


def _table(by: Sequence[Dimension], sums: Mapping[Names, Sum], total: Sum) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in by:
        table.add_column(name)
    for heading in ("attempts", "spent", "of unknown cost"):
        table.add_column(heading, justify="right")
    for names, each in sums.items():
        table.add_row(*(Text(line(name)) for name in names), *_cells(each))
    if len(sums) != 1:
        table.add_section()
        table.add_row("total", *[""] * (len(by) - 1), *_cells(total), style="bold")
    return table


def _cells(each: Sum) -> tuple[str, ...]:
    unknown = f"{each.unknown:,}" if each.unknown else ""
    return f"{each.attempts:,}", formatting.show(each.usd, "usd"), unknown


def _chart(days: Mapping[Names, Sum]) -> Table:
    chart = Table(box=None, pad_edge=False, show_header=False, title_justify="left")
    last = list(days.items())[-_DAYS:]
    if len(last) < len(days):
        chart.title = f"the last {_DAYS} of {len(days)} days on which something was asked"
    most = max((each.known_usd for _, each in last), default=0)
    for [day], each in last:
        bar = Bar(most, 0, each.known_usd, width=_BAR, color="green") if each.known_usd else ""
        chart.add_row(day, bar, str(each))
    return chart
