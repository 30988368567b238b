"""All runs on record: a table on screen, and a page on which each task's runs lie in time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from os.path import relpath
from pathlib import Path
from typing import Any

from markupsafe import Markup
from rich.console import RenderableType

from runner.config.paths import shown
from runner.decide.history import History, Row
from runner.decide.promote.decision_record import DecisionRecord
from runner.measure.formatting import UNITS, show
from runner.report.console import note, title
from runner.report.origin import Origin
from runner.report.page import FRAME, asset, environment, policy
from runner.report.page.charts import Axis, log_axis, share_axis
from runner.report.table import Table

_CHARTS = {
    "quality": "Quality",
    "cost_per_request_usd": "Cost a request",
    "latency_p95_ms": "p95 latency",
}
_COLUMNS = ("started", "task", "model", "n", "quality", "p95 latency", "per request", "tier")
_COLOURS = 6  # that the style sheet has


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    low: float
    high: float
    label: str


@dataclass(frozen=True)
class Line:
    """A model's runs, the oldest first."""

    model: str
    colour: int  # from 1
    second: bool  # another one has it already
    dots: list[Dot]


@dataclass(frozen=True)
class Chart:
    """One metric of a task over time; places are per cent of the plot, y from its top."""

    title: str
    axis: Axis
    lines: list[Line]
    first: str  # day
    last: str


def terminal(found: History, most: int | None = None) -> Iterator[RenderableType]:
    """A table a task, the newest runs first; `most` of them in all, None: every one."""
    yield from (title(decided(each)) for each in found.decisions)
    if not found.rows:
        yield note("no run is on record")
        return
    shown = found.rows[:most]
    for task in dict.fromkeys(row["task"] for row in shown):
        yield title(task)
        yield _narrow([row for row in shown if row["task"] == task]).drawn()
    if most is not None and len(found.rows) > most:
        yield note(f"{len(found.rows) - most:,} older ones are on the page")
    yield from (note(f"not read: {each}") for each in found.unreadable)


def table(rows: Sequence[Row]) -> Table:
    return Table(_COLUMNS, [_cells(row) for row in rows], {"n", *_COLUMNS[4:7]})


def _narrow(rows: Sequence[Row]) -> Table:
    """Of one task, for 80 columns."""
    columns = "day", "model", "n", "quality", "p95", "a request", "tier"
    cells = map(_cells, rows)
    return Table(columns, [[time[:10], *rest] for time, _, *rest in cells], set(columns[2:6]))


def _cells(row: Row) -> list[str]:
    values = [_shown(row, name) for name in ("quality", "latency_p95_ms", "cost_per_request_usd")]
    count = "?" if row["cases"] is None else f"{row['cases']:,}"
    return [_time(row), row["task"], row["model"], count, *values, _state(row)]


def _state(row: Row) -> str:
    if row["error"]:
        return "not measured"
    if row["kind"] == "production":
        return "production"
    found = str(row["tier"] or ("" if row["complete"] else "not complete"))
    return f"{found}, rescored" if row["rescored"] else found


def _shown(row: Row, name: str) -> str:
    return "" if row[name] is None else show(row[name], UNITS[name])


def _time(row: Row) -> str:
    return str(row["started"])[:16].replace("T", " ")


def decided(record: DecisionRecord) -> str:
    tier = f", {record.tier}" if record.tier else ""
    who = record.candidate or record.model
    return f"{record.task}: {who} since {record.promoted}{tier}; review by {record.review_by}"


def page(found: History, home: Path) -> str:
    """`index.html` of the directory `home`, from which its links lead."""
    style, script = asset("page.css"), "\n".join(map(asset, FRAME))
    tasks = list(dict.fromkeys(row["task"] for row in sorted(found.rows, key=lambda r: r["task"])))
    decisions = {record.task: record for record in found.decisions}
    return (
        environment()
        .get_template("history.html.j2")
        .render(
            tasks=[_task(task, found.rows, decisions.get(task), home) for task in tasks],
            unreadable=found.unreadable,
            count=len(found.rows),
            outputs=shown(home),
            style=Markup(style),
            script=Markup(script),
            policy=policy(script, style),
            origin=Origin.of_now(home),
        )
    )


def _task(
    task: str, rows: Sequence[Row], decision: DecisionRecord | None, home: Path
) -> dict[str, Any]:
    mine = [row for row in rows if row["task"] == task]
    links = [row["page"] and relpath(row["page"], home) for row in mine]
    return {
        "name": task,
        "decided": decision and decided(decision),
        "table": table(mine).only("started", *_COLUMNS[2:]),
        "links": links,
        "charts": [chart for name in _CHARTS if (chart := _chart(name, mine))],
    }


def _chart(name: str, rows: Sequence[Row]) -> Chart | None:
    known = [row for row in rows if row[name] is not None]
    if not known:
        return None
    ends = [row[f"{name}{end}"] for row in known for end in ("", "_low", "_high")]
    axis = share_axis(ends) if name == "quality" else log_axis(ends, lambda v: show(v, UNITS[name]))
    times = sorted(datetime.fromisoformat(row["started"]).timestamp() for row in known)
    models = list(dict.fromkeys(row["model"] for row in reversed(known)))
    lines = [
        Line(
            model,
            number % _COLOURS + 1,
            number >= _COLOURS,
            [_dot(name, row, axis, times) for row in reversed(known) if row["model"] == model],
        )
        for number, model in enumerate(models)
    ]
    first, last = (datetime.fromtimestamp(times[place]).date() for place in (0, -1))
    return Chart(_CHARTS[name], axis, lines, str(first), str(last))


def _dot(name: str, row: Row, axis: Axis, times: Sequence[float]) -> Dot:
    at = datetime.fromisoformat(row["started"]).timestamp()
    span = times[-1] - times[0]
    place = 50.0 if not span else 4 + 92 * (at - times[0]) / span
    low, high = (row[f"{name}{end}"] for end in ("_low", "_high"))
    return Dot(
        round(place, 2),
        round(100 - axis.at(row[name]), 2),
        100.0 if low is None else round(100 - axis.at(low), 2),
        0.0 if high is None else round(100 - axis.at(high), 2),
        f"{row['model']}, {_time(row)}: {show(row[name], UNITS[name])}",
    )
