"""`spend` as it is typed: what it prints, whom it tells, how it exits."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.commands import spend as command
from runner.commands.command_line import explain, main
from runner.errors import CONFIG_EXIT, ConfigError
from runner.record.files import RUN
from tests.report import make
from tests.webhook import Webhook, listening

SECRET = "T0planted-token-0123"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own directory with two runs: $4 and an unknown cost now, $2 forty days ago."""
    monkeypatch.chdir(tmp_path)
    write("now", 4.0, None)
    write("then", 2.0, task="routing", days_ago=40)
    return tmp_path


def write(
    name: str, *costs: float | None, task: str = "sorting", privacy: str = "standard",
    days_ago: int = 0,
) -> Path:  # fmt: skip
    at = (NOW - timedelta(days=days_ago)).isoformat()
    attempts = [make.attempt(provider="host", cost_usd=cost, at=at) for cost in costs]
    job = make.job(task={"name": task}, requirements={"data_privacy": privacy})
    return make.run(Path("outputs/runs") / name, [make.answered(attempts=attempts)], job)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """Its URL is in the variable HOOK."""
    with listening() as webhook:
        monkeypatch.setenv("HOOK", webhook.url(SECRET))
        yield webhook


def spend(*arguments: str) -> int:
    """What the command line would exit with on the day of NOW."""
    try:
        return command.main(arguments, NOW.date())
    except ConfigError as error:
        return explain(error, CONFIG_EXIT)


def day(days_ago: int) -> str:
    return str((NOW - timedelta(days=days_ago)).date())


def test_table_and_chart(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has a line for each thing that was paid for and a total, the chart a bar a day."""
    assert spend() == 0
    out = capsys.readouterr().out
    table, _, chart = out.partition("total")
    assert [row.split() for row in table.splitlines() if "small" in row] == [
        [day(40), "routing", "small", "host", "answer", "1", "$2.00"],
        [day(0), "sorting", "small", "host", "answer", "2", "$4.00", "1"],
    ]
    total, *_, last = chart.splitlines()
    assert total.split() == ["3", "$6.00", "1"]
    assert last.endswith("$4.00 + unknown: 1 attempt")
    bars = {row.split()[0]: row.count("█") for row in chart.splitlines() if "█" in row}
    assert bars[day(0)] == 2 * bars[day(40)] > 0


def test_a_long_chart_says_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    """No more than a month of bars is drawn, and a title says so."""
    for days_ago in range(1, 35):
        write(f"run{days_ago}", 1.0, days_ago=days_ago)
    assert spend("by=[task]") == 0
    out = capsys.readouterr().out
    assert "the last 31 of 36 days" in out
    assert day(30) in out
    assert day(31) not in out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON holds the rows, the total and the alerts, and null for what nobody knows."""
    write("unknown", None, task="guessing")
    assert spend("format=json", "by=[task]", "since=30d", "alerts.day_usd=1") == 3
    found = json.loads(capsys.readouterr().out)
    assert found["since"] == day(29)
    assert found["rows"] == [
        {"task": "guessing", "attempts": 1, "known_usd": None, "unknown_attempts": 1},
        {"task": "sorting", "attempts": 2, "known_usd": 4.0, "unknown_attempts": 1},
    ]
    assert found["total"] == {"attempts": 3, "known_usd": 4.0, "unknown_attempts": 2}
    assert found["alerts"][0].startswith("alerts.day_usd: at least $4.00 spent")


def test_csv(capsys: pytest.CaptureFixture[str]) -> None:
    """CSV has the dimensions asked for in their order, and a header where there is no row."""
    assert spend("format=csv", "by=[model,task]") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["model"], row["task"], row["known_usd"]) for row in rows] == [
        ("small", "routing", "2.0"),
        ("small", "sorting", "4.0"),
    ]
    assert spend("format=csv", "by=[model]", "since=2999-01-01") == 0
    assert capsys.readouterr().out == "model,attempts,known_usd,unknown_attempts\n"


@pytest.mark.parametrize("since", [day(40), day(39), "41d", "40d"])
def test_since(since: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A date and a number of days both name the first day that counts, which is included."""
    assert spend(f"since={since}", "format=json") == 0
    days = [row["day"] for row in json.loads(capsys.readouterr().out)["rows"]]
    assert days == ([day(40)] if since in (day(40), "41d") else []) + [day(0)]


def test_nothing_on_record(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No run at all is no error, and nothing was spent."""
    (home / "empty").mkdir()
    assert spend("outputs=empty") == 0
    assert "total" in capsys.readouterr().out


def test_alerts_tell_and_exit_with_3(webhook: Webhook, capsys: pytest.CaptureFixture[str]) -> None:
    """All limits that are crossed are printed and told in one notice, those that hold are not."""
    limits = [
        "alerts.day_usd=3",
        "alerts.month_usd=100",
        "+alerts.tasks.sorting=1",
        "+alerts.tasks.routing=5",
    ]
    assert spend("notify.env=[HOOK]", *limits) == 3
    [told] = webhook.told
    assert [said.partition(":")[0] for said in told["message"].splitlines()] == [
        "alerts.day_usd",
        "alerts.tasks.sorting",
    ]
    printed = capsys.readouterr()
    for said in told["message"].splitlines():
        assert f"runner: {said}" in printed.err
    assert "runner: alerts.month_usd: nobody knows" in printed.err
    assert SECRET not in printed.out + printed.err


def test_alerts_do_not_look_at_since() -> None:
    """A limit is of its day and month, whatever the table shows."""
    assert spend("since=2999-01-01", "alerts.day_usd=3") == 3


def test_limits_that_hold(webhook: Webhook) -> None:
    """Where no limit is crossed nobody is told."""
    assert spend("notify.env=[HOOK]", "alerts.day_usd=5") == 0
    assert webhook.told == []


def test_a_notice_that_is_not_delivered(
    webhook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said, without the URL, and the exit code is still that of the alert."""
    webhook.status = 500
    assert spend("notify.env=[HOOK]", "alerts.day_usd=3") == 3
    err = capsys.readouterr().err
    assert "runner: notify.env: HOOK: the notice was not delivered (HTTP 500)" in err
    assert SECRET not in err


def test_a_limit_on_a_task_that_nobody_ran(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt task is pointed out: its limit would never be crossed."""
    assert spend("+alerts.tasks.sortnig=1") == 0
    assert "no run of 'sortnig' is on record; did you mean 'sorting'?" in capsys.readouterr().err


def test_damage(capsys: pytest.CaptureFixture[str]) -> None:
    """A run that can't be read is named, the others are shown, and the exit code says so."""
    Path("outputs/runs/then", RUN).write_text("{}")
    assert spend() == 4
    printed = capsys.readouterr()
    assert "outputs/runs/then" in printed.err
    assert "$4.00" in printed.out
    assert spend("alerts.day_usd=3") == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["data_privacy=strict"], "notify.data is third_party, but data_privacy is strict"),
        (
            ["data_privacy=air_gapped", "notify.data=self_hosted"],
            "notify.data is self_hosted, but data_privacy is air_gapped",
        ),
    ],
)
def test_privacy_of_the_command(
    webhook: Webhook, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    """A notice that may not go where it would is refused before anything is read or told."""
    alerts = ["outputs=nowhere", "notify.env=[HOOK]", "alerts.day_usd=3"]
    assert spend(*alerts, *arguments) == 2
    assert says in capsys.readouterr().err
    assert webhook.told == []


@pytest.mark.parametrize(
    ("privacy", "data", "code"),
    [("strict", "third_party", 2), ("strict", "self_hosted", 3), ("air_gapped", "self_hosted", 2)],
)
def test_privacy_of_a_run(
    webhook: Webhook, capsys: pytest.CaptureFixture[str], privacy: str, data: str, code: int
) -> None:
    """What a run of this month requires holds for the notice, and the way to it is printed."""
    run = write("private", 1.0, privacy=privacy)
    alerts = ["notify.env=[HOOK]", f"notify.data={data}", "alerts.day_usd=3"]
    assert spend(*alerts) == code
    says = f"notify.data is {data}, but requirements.data_privacy of {run} is {privacy}"
    assert (says in capsys.readouterr().err) == (code == 2)
    assert len(webhook.told) == (code == 3)


def test_privacy_that_is_not_at_stake(webhook: Webhook) -> None:
    """A notice says nothing of earlier months; without one, nothing leaves at all."""
    write("private", 1.0, privacy="strict", days_ago=40)
    assert spend("notify.env=[HOOK]", "alerts.day_usd=3") == 3
    write("private", 1.0, privacy="strict")
    assert spend("alerts.day_usd=3") == 3
    assert len(webhook.told) == 1


def test_many_private_runs(webhook: Webhook, capsys: pytest.CaptureFixture[str]) -> None:
    """A few of them stand for all."""
    for number in range(7):
        write(f"private{number}", 1.0, privacy="strict")
    assert spend("notify.env=[HOOK]") == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert lines[-1] == "runner: and 2 more runs"


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("alerts.day_used=5", "alerts.day_used: no such key; did you mean 'day_usd'?"),
        ("outputs=nowhere", "outputs: no directory 'nowhere'"),
        ("since=soon", "since: is no date; write 2026-11-01, or 30d"),
        ("since=0d", "since: is no date"),
        ("by=[days]", "by.0: input should be 'day', 'task'"),
        ("alerts.day_usd=-1", "alerts.day_usd: input should be greater than or equal to 0"),
        ("format=xml", "format: input should be 'table', 'json' or 'csv'"),
        ("notify.data=moon", "notify.data: input should be"),
        ("notify.env=[UNSET]", "notify.env: set UNSET in the environment"),
        (f"notify.env=[json://u:p@{SECRET}/?a=b&c]", "notify: env lists environment variables"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], argument: str, says: str) -> None:
    """Each mistake is one line that says where it is, and nothing is printed beside it."""
    assert main(["spend", argument]) == 2
    printed = capsys.readouterr()
    [problem] = printed.err.splitlines()
    assert problem.startswith(f"runner: {says}")
    assert SECRET not in problem
    assert printed.out == ""


def test_a_users_own_config(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A spend.yaml in --config-dir stands for ours; a URL in it is refused, not repeated."""
    mine: dict[str, Any] = {"defaults": ["_self_"]}
    mine |= {"outputs": "outputs", "since": None, "by": ["day"], "format": "table"}
    mine |= {"alerts": {"day_usd": 3, "month_usd": None, "tasks": {}}, "data_privacy": "standard"}
    conf = home / "mine" / "spend.yaml"
    conf.parent.mkdir()
    notify = {"env": [], "data": "on_device"}
    conf.write_text(json.dumps(mine | {"notify": notify}))
    assert spend("--config-dir", "mine") == 3
    capsys.readouterr()
    conf.write_text(json.dumps(mine | {"notify": notify | {"env": [f"slack://{SECRET}/B/C"]}}))
    assert spend("--config-dir", "mine") == 2
    err = capsys.readouterr().err
    assert "notify: env lists environment variables" in err
    assert SECRET not in err
