"""What the runs under outputs/ have cost, and whether that is too much.

    python -m runner spend since=30d by=[model]
    python -m runner spend alerts.day_usd=5

Exit code 3 when a limit of `alerts` is crossed, 4 when a run could not be counted to its end.
conf/spend.yaml holds every key and what it means.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from math import isfinite

from runner.commands._arguments import arguments
from runner.commands.command_line import explain
from runner.decide.notify import Notifier, Notify, leak, refuse_urls
from runner.decide.spend import Alert, Alerts, Spend, SpendSettings, Sum, due_alerts, read
from runner.errors import GATE_EXIT, INCOMPLETE_EXIT, ConfigError, RunnerError, did_you_mean
from runner.report.console import emit
from runner.report.spend import text

_SHOWN = 5  # runs that forbid a notice; the others do it for the same reason


def main(argv: Sequence[str], today: date | None = None) -> int:
    refuse_urls(argv)
    with arguments("spend", __doc__, argv).conf() as config:
        settings = config.settings(SpendSettings)
    return report(settings, today or datetime.now(UTC).date())


def report(settings: SpendSettings, today: date) -> int:
    """Raises ConfigError, before anything is printed, when no notice could or may be sent."""
    if found := leak(settings.notify, settings.data_privacy, "data_privacy"):
        raise ConfigError(found)
    notifier = Notifier(settings.notify)
    spend = read(settings.outputs)
    if leaks := list(_leaks(settings.notify, spend, today)):
        more = [f"and {len(leaks) - _SHOWN} more runs"] if len(leaks) > _SHOWN else []
        raise ConfigError(*leaks[:_SHOWN], *more)
    alerts = due_alerts(spend, settings.alerts, today)
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
            found = leak(notify, privacy, f"requirements.data_privacy of {directory}")
            if found is not None:
                yield found


def _print(settings: SpendSettings, spend: Spend, alerts: Sequence[Alert], today: date) -> None:
    since = settings.first_day(today)
    sums = spend.by(*settings.by, since=since)
    total = sum(sums.values(), Sum())
    rows = [
        dict(zip(settings.by, names, strict=True)) | _plain(each) for names, each in sums.items()
    ]
    emit(
        settings.format,
        text=text(settings.by, sums, total, spend.by("day", since=since)),
        columns=[*settings.by, *_plain(total)],
        rows=rows,
        tree={
            "since": since and str(since),
            "rows": rows,
            "total": _plain(total),
            "in_flight": {
                "attempts": total.in_flight,
                "at_most_usd": total.in_flight_usd if isfinite(total.in_flight_usd) else None,
            },
            "alerts": [str(alert) for alert in alerts],
        },
    )


def _plain(each: Sum) -> dict[str, int | float | None]:
    return {"attempts": each.attempts, "known_usd": each.usd, "unknown_attempts": each.unknown}
