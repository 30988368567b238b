"""All runs on record, a row each, the newest first, and the decision that each task has now."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Any

from runner.config import paths
from runner.decide.promote.decision_record import DecisionRecord, newest
from runner.errors import ConfigError
from runner.record.files import PAGE, RESULT, RUN, SWEEP
from runner.record.outcomes import Result
from runner.record.run import Run

# Of each, the value and both ends of its interval are columns.
METRICS = (
    "quality",
    "latency_p50_ms",
    "latency_p95_ms",
    "cost_per_request_usd",
    "monthly_cost_usd",
    "error_rate",
)
Row = dict[str, Any]


class Rows(list[Row]):
    """Rows of results, a dict each."""

    def frame(self) -> Any:
        """The same as a pandas or else a polars frame. Raises ImportError where neither is."""
        try:
            import pandas
        except ImportError:
            import polars

            return polars.DataFrame(list(self), infer_schema_length=None)
        return pandas.DataFrame(self)


@dataclass(frozen=True)
class History:
    rows: Rows  # the newest first
    decisions: Sequence[DecisionRecord]  # the newest of each task
    unreadable: Sequence[str]  # directories of damaged results


def results(*patterns: str | Path) -> Rows:
    r"""The result of every run below directories that the patterns match, the newest first.

        from runner import results

        rows = results("outputs/**")
        # Which model was best at extraction, and what did a request cost?
        max((r for r in rows if r["task"] == "extraction"), key=lambda r: r["quality"] or 0)
        # What have all runs of this month cost?
        sum(r["spent_usd"] or 0 for r in rows if r["started"] >= "2026-11")
        # How has haiku's latency moved?
        rows.frame().query("model == 'haiku'").set_index("started")["latency_p95_ms"].plot()

    A row has `task`, `model`, `id`, `kind` (run or production), `started` (ISO 8601, UTC),
    `directory`, `sweep`, `page`, `complete`, `rescored`, `error`, `tier`, `cases`, `answered`,
    `failed`, `spent_usd`, and the METRICS with the ends of their intervals (`quality`,
    `quality_low`, `quality_high`, …). None is unknown, in each of them. What can't be read is left
    out.
    """
    return read(_directories(patterns or ("outputs/**",))).rows


def of(outputs: Path) -> History:
    """Of all runs and sweeps that are kept in `outputs`."""
    return read(file.parent for file in sorted(outputs.rglob(RESULT)))


def read(directories: Iterable[Path]) -> History:
    found, unreadable = Rows(), []
    for directory in directories:
        if not (directory / RUN).is_file():  # a sweep, whose runs have results of their own
            continue
        try:
            run = Run(directory)
            if result := run.result:
                found.append(_row(run, result))
        except ConfigError as error:
            unreadable.append(str(error))
    found.sort(key=lambda row: str(row["started"]), reverse=True)
    return History(found, newest(paths.tasks_dirs()), unreadable)


def _directories(patterns: Sequence[str | Path]) -> Iterator[Path]:
    seen = {
        path if path.is_dir() else path.parent
        for pattern in patterns
        for each in glob(str(pattern), recursive=True)  # noqa: PTH207 (absolute patterns, too)
        for path in [Path(each)]
        if path.is_dir() or path.name == RESULT
    }
    yield from sorted(each for each in seen if (each / RESULT).is_file())


def _row(run: Run, result: Result) -> Row:
    counts = result.counts
    sweep = run.directory.parent
    row: Row = {
        "task": result.task,
        "model": result.model,
        "id": result.id,
        "kind": run.kind,
        "started": run.provenance.started,
        "directory": str(run.directory),
        "sweep": str(sweep) if (sweep / SWEEP).is_file() else None,
        "page": str(run.directory / PAGE) if (run.directory / PAGE).is_file() else None,
        "complete": result.complete,
        "rescored": bool(result.rescored),  # of a run that is a row of its own
        "error": result.error,
        "tier": result.tier,
        "cases": counts.cases if counts else None,
        "answered": counts.answered if counts else None,
        "failed": counts.failed if counts else None,
        "spent_usd": result.spent_usd,
    }
    for name in METRICS:
        metric = result.metrics.get(name)
        row[name] = metric.value if metric else None
        row[f"{name}_low"] = metric.low if metric else None
        row[f"{name}_high"] = metric.high if metric else None
    return row
