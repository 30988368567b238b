"""What runs have cost: whose money, on which day, and what nobody knows."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from runner.decide.spend import Alerts, Key, Spend, Sum, due_alerts, read
from runner.errors import ConfigError
from runner.record.files import JOURNAL, RUN, UNSCORED
from runner.record.outcomes import Answered, Failed
from tests.report import make

DAY = date(2026, 11, 23)
AT = "2026-11-23T10:00:00+00:00"


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    folder = tmp_path / "outputs"
    folder.mkdir()
    return folder


def attempt(cost_usd: float | None = 0.5, at: str | None = AT, **changes: Any) -> Any:
    known = {"provider": "small-host", "cost_usd": cost_usd, "at": at}
    return make.attempt(**known | changes)


def write(
    outputs: Path, *lines: Answered | Failed, name: str = "runs/one", task: str = "sorting",
    privacy: str = "standard",
) -> Path:  # fmt: skip
    job = make.job(task={"name": task}, requirements={"data_privacy": privacy})
    return make.run(outputs / name, list(lines), job)


def paid(outputs: Path, *costs: float | None, **where: Any) -> Path:
    """A run with an attempt for each cost."""
    attempts = [attempt(cost) for cost in costs]
    return write(outputs, make.answered(attempts=attempts), **where)


def only(spend: Spend) -> Sum:
    [found] = spend.sums.values()
    return found


def test_each_attempt_counts_where_it_belongs(outputs: Path) -> None:
    """Retries, failures, fallbacks, classifiers and judges are all paid for, each on its line."""
    classifier = attempt(0.25, model="tiny", provider="tiny-host", role="classifier")
    judge = attempt(4.0, model="judge", provider="judge-host", role="judge")
    write(
        outputs,
        make.answered("a", attempts=[classifier, attempt(1.0), attempt(2.0)], judging=[judge]),
        make.failed("b", attempts=[attempt(8.0, error="timeout")]),
    )
    assert read(outputs).sums == {
        Key(DAY, "sorting", "tiny", "tiny-host", "classifier"): Sum(1, 0, 0.25),
        Key(DAY, "sorting", "small", "small-host", "answer"): Sum(3, 0, 11.0),
        Key(DAY, "sorting", "judge", "judge-host", "judge"): Sum(1, 0, 4.0),
    }


def test_every_run_counts(outputs: Path) -> None:
    """Runs of sweeps count, so do interrupted ones, whose last line may be torn off."""
    paid(outputs, 1.0, name="sweeps/s/0_sorting-small")
    interrupted = paid(outputs, 2.0)
    with (interrupted / JOURNAL).open("a") as journal:
        journal.write('{"case": "half a li')
    (outputs / "runs" / "nothing_yet").mkdir()
    spend = read(outputs)
    assert only(spend) == Sum(2, 0, 3.0)
    assert spend.damaged == []


def test_replayed_attempts_are_not_paid_twice(outputs: Path) -> None:
    """What was taken over from another run counts in that run alone; a new judge counts now."""
    write(outputs, make.answered(attempts=[attempt(1.0)], judging=[attempt(1.0, role="judge")]))
    before, judged = attempt(1.0, replayed=True), attempt(1.0, role="judge", replayed=True)
    anew = attempt(0.5, role="judge")
    again = make.answered(attempts=[before], judging=[judged, anew], replayed=True)
    write(outputs, again, name="runs/two")
    assert sum(read(outputs).sums.values(), Sum()) == Sum(3, 0, 2.5)


def test_what_is_on_record_beside_the_journal(outputs: Path) -> None:
    """Answers that still wait for a judge were paid for, too; none counts twice."""
    run = paid(outputs, 1.0)  # case a
    judged, waits = make.answered("a"), make.answered("b", attempts=[attempt(2.0)])
    (run / UNSCORED).write_text(f"{judged.model_dump_json()}\n{waits.model_dump_json()}\n")
    assert only(read(outputs)) == Sum(2, 0, 3.0)


def test_days_are_those_of_utc(outputs: Path) -> None:
    """A day is when the request was sent, in UTC; where that is not on record, the run's start."""
    attempts = [
        attempt(at="2026-11-24T00:30:00+02:00"),
        attempt(at="2026-11-23T23:59:59.9Z"),
        attempt(at=None),
        attempt(at="2026-11-24T00:00:00+00:00"),
    ]
    write(outputs, make.answered(attempts=attempts))
    by_day = read(outputs).by("day", since=None)
    assert {day: each.attempts for day, each in by_day.items()} == {
        ("2026-11-23",): 3,
        ("2026-11-24",): 1,
    }


def test_unknown_is_not_zero(outputs: Path) -> None:
    """Attempts of unknown cost are counted beside what is known, and said in words."""
    paid(outputs, None, 1.5, None)
    found = only(read(outputs))
    assert found == Sum(3, 2, 1.5)
    assert str(found) == "$1.50 + unknown: 2 attempts"
    assert str(Sum(1, 1, 0.0)) == "unknown: 1 attempt"
    assert str(Sum(1, 0, 0.0)) == "$0"


def test_an_attempt_without_a_provider(outputs: Path) -> None:
    """A record from before providers were written down says that it does not know."""
    write(outputs, make.answered(attempts=[attempt(provider="")]))
    assert list(read(outputs).by("provider", since=None)) == [("unknown",)]


def test_grouping(outputs: Path) -> None:
    """Sums are by the dimensions asked for, in their order, from the day asked for."""
    late = attempt(4.0, at="2026-11-24T10:00:00+00:00")
    write(outputs, make.answered(attempts=[attempt(1.0), late]))
    paid(outputs, 2.0, name="runs/two", task="routing")
    spend = read(outputs)
    assert spend.by("task", "day", since=None) == {
        ("routing", "2026-11-23"): Sum(1, 0, 2.0),
        ("sorting", "2026-11-23"): Sum(1, 0, 1.0),
        ("sorting", "2026-11-24"): Sum(1, 0, 4.0),
    }
    assert spend.by("task", since=date(2026, 11, 24)) == {("sorting",): Sum(1, 0, 4.0)}
    assert spend.by(since=None) == {(): Sum(3, 0, 7.0)}


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        (JOURNAL, "{}\n", f"{JOURNAL}:2: can't be read"),
        (JOURNAL, "\udcff\n", f"{JOURNAL}:2: can't be read"),
        (RUN, "[", f"{RUN}: is not JSON: "),
        (RUN, "{}", f"{RUN}: task: is missing"),
        (RUN, '{"task": "t", "started": "soon", "config": {"requirements": {}}}', "started"),
        (RUN, None, RUN),
    ],
)
def test_damage_costs_no_more_than_it_must(
    outputs: Path, file: str, text: str | None, says: str
) -> None:
    """A file that can't be read is named; what stands before the damage, and other runs, count."""
    paid(outputs, 1.0, name="runs/good")
    bad = paid(outputs, 2.0, name="runs/bad")
    if text is None:
        (bad / file).unlink()
    else:
        with (bad / file).open("a" if file == JOURNAL else "w", errors="surrogateescape") as broken:
            broken.write(text)
    spend = read(outputs)
    [damage] = spend.damaged
    assert "runs/bad" in damage
    assert says in damage
    assert only(spend).known_usd == (3.0 if file == JOURNAL else 1.0)


def test_a_time_that_is_none(outputs: Path) -> None:
    """An attempt whose time can't be read is damage, like any other."""
    journal = write(outputs, make.answered(attempts=[attempt(at=AT)])) / JOURNAL
    journal.write_text(journal.read_text().replace(AT, "at noon"))
    assert "at noon" in read(outputs).damaged[0]


def test_no_outputs(tmp_path: Path) -> None:
    """A directory that is not there is a typing error, and no run is none."""
    with pytest.raises(ConfigError, match="outputs: no directory"):
        read(tmp_path / "nowhere")
    assert read(tmp_path).sums == {}


def test_private_runs(outputs: Path) -> None:
    """What a run requires of its data is kept, with the last day that it paid for something."""
    paid(outputs, 1.0)
    late = attempt(at="2026-12-01T10:00:00+00:00")
    lines = make.answered("a", attempts=[late]), make.answered("b", attempts=[attempt()])
    strict = write(outputs, *lines, name="runs/strict", privacy="strict")
    assert read(outputs).private == {strict: ("strict", date(2026, 12, 1))}


def alerts(day: float | None = None, month: float | None = None, **tasks: float) -> Alerts:
    return Alerts(day_usd=day, month_usd=month, tasks=tasks)


@pytest.fixture
def november(outputs: Path) -> Spend:
    """$1 in October, $8 a year ago, $2 yesterday on another task, $4 today."""
    for number, (at, cost, task) in enumerate(
        [
            ("2026-10-31", 1.0, "sorting"),
            ("2025-11-23", 8.0, "sorting"),
            ("2026-11-22", 2.0, "routing"),
            ("2026-11-23", 4.0, "sorting"),
        ]
    ):
        line = make.answered(attempts=[attempt(cost, at=f"{at}T10:00:00+00:00")])
        write(outputs, line, name=f"runs/{number}", task=task)
    return read(outputs)


@pytest.mark.parametrize(
    ("limits", "crossed"),
    [
        (alerts(day=3.9), ["alerts.day_usd: $4.00 spent on 2026-11-23 (UTC), the limit is $3.90"]),
        (alerts(day=4.0), []),
        (alerts(month=5.9), ["alerts.month_usd: $6.00 spent in 2026-11 (UTC), the limit is $5.90"]),
        (alerts(month=6.0), []),
        (
            alerts(sorting=3.0, routing=3.0),
            ["alerts.tasks.sorting: $4.00 spent in 2026-11 (UTC), the limit is $3.00"],
        ),
        (alerts(sorting=4.0, nothing=0.0), []),
        (alerts(), []),
    ],
)
def test_limits(november: Spend, limits: Alerts, crossed: list[str]) -> None:
    """A limit is crossed by more than it, in its day or month, and on its task."""
    assert [str(alert) for alert in due_alerts(november, limits, DAY)] == crossed


def test_unknown_costs_and_limits(outputs: Path) -> None:
    """Unknown costs make what was spent a lower bound, and a limit that holds an open question."""
    paid(outputs, 4.0, None)
    spend = read(outputs)
    [crossed] = due_alerts(spend, alerts(day=3.0), DAY)
    assert crossed.crossed
    assert "at least $4.00 spent" in str(crossed)
    [unclear] = due_alerts(spend, alerts(day=5.0), DAY)
    assert not unclear.crossed
    assert "nobody knows whether $5.00 is crossed: $4.00 + unknown: 1 attempt" in str(unclear)


def test_damage_and_limits(outputs: Path) -> None:
    """A damaged journal makes every sum a lower bound."""
    (paid(outputs, 1.0) / RUN).unlink()
    paid(outputs, 4.0, name="runs/two")
    [alert] = due_alerts(read(outputs), alerts(day=3.0), DAY)
    assert "at least" in str(alert)
