"""What one's own finished runs know of a model. The newest counts; nothing is measured here."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from runner.config import paths
from runner.config.schema import ServerPrice, Single, Task
from runner.decide.costs import workload
from runner.decide.costs.monthly import Speed
from runner.errors import ConfigError, RunnerError
from runner.record.files import sha256
from runner.record.outcomes import Metric, Result
from runner.record.run import Run

_KEPT = ("runs/*/", "sweeps/*/*/")


@dataclass(frozen=True)
class OwnRun:
    """One model on one task."""

    run: Run
    result: Result

    @property
    def cases(self) -> int:
        return self.result.counts.cases if self.result.counts else 0

    @property
    def on(self) -> date:
        return self.run.measurement.started_at.date()

    def metric(self, name: str) -> Metric | None:
        found = self.result.metrics.get(name)
        return None if found is None or found.value is None else found

    def __str__(self) -> str:
        return f"{self.run.directory} ({self.cases} cases, {self.on})"


def of_task(
    outputs: Path, task: Task, models: Mapping[str, Single]
) -> tuple[dict[str, OwnRun], int]:
    """The newest measurement of each model, by option, where the task asks now as it did then.

    Also how many runs of the task asked otherwise: another prompt, sampling, scorer or cases.
    """
    found: dict[str, OwnRun] = {}
    otherwise = 0
    now = task.model_dump(mode="json", exclude={"name", "needs"})
    for each in finished(outputs):
        if each.result.task != task.name:
            continue
        if not _alike(each.run, now, paths.cases_file(task.cases)):
            otherwise += 1
            continue
        for option, model in models.items():
            if option not in found and is_of(each.run, model):
                found[option] = each
    return found, otherwise


def finished(outputs: Path) -> Iterator[OwnRun]:
    """Complete runs, the newest first; what can't be read is no evidence, and passed over."""
    yield from newest_first(path for pattern in _KEPT for path in outputs.glob(pattern))


def newest_first(directories: Iterable[Path]) -> Iterator[OwnRun]:
    """The complete runs of these."""
    found = []
    for run in map(Run, directories):
        with suppress(ConfigError):
            again = (run.about.get("rescored") or {}).get("when", "")
            found.append((run.measurement.started_at, again, run))
    for *_, run in sorted(found, key=lambda each: each[:2], reverse=True):
        with suppress(ConfigError):
            result = run.result
            if result and result.complete and not result.error:
                yield OwnRun(run, result)


def speeds(
    outputs: Path | None, models: Mapping[str, Single], first: Path | None = None
) -> dict[str, Speed]:
    """How fast the servers with a price by the hour wrote, by option: in `first`, or last."""
    servers = {
        option: model for option, model in models.items() if isinstance(model.price, ServerPrice)
    }
    if not servers:
        return {}
    newest = (each.run.directory for each in finished(outputs)) if outputs else ()
    found: dict[str, Speed] = {}
    for directory in (*([first] if first else []), *newest):
        of = [option for option, model in servers.items() if is_of(Run(directory), model)]
        if set(of) - found.keys() and (speed := _speed(directory)):
            found = dict.fromkeys(of, speed) | found
    return found


def speed_in(measured: OwnRun) -> Speed | None:
    """At which the server wrote, all its requests together."""
    return _speed(measured.run.directory)


def _speed(directory: Path) -> Speed | None:
    try:
        run = workload.finished(directory)
    except RunnerError:
        return None
    if run.tokens_per_second is None:
        return None
    return Speed(run.tokens_per_second, f"{run.in_flight:.1f} requests at once in {directory}")


def is_of(run: Run, model: Single) -> bool:
    """Whether a run asked this very model: the same id at the same provider, in the same way."""
    then = run.config.get("model") or {}
    provider = then.get("provider") or {}
    return (
        then.get("id") == model.id
        and provider.get("litellm") == model.provider.litellm
        and provider.get("name") == model.provider.name
        and (then.get("extra_body") or {}) == model.extra_body
    )


def _alike(run: Run, now: Mapping[str, Any], cases: Path) -> bool:
    """Keys that only another version knows tell nothing."""
    then = run.config.get("task") or {}
    if any(then[key] != value for key, value in now.items() if key in then):
        return False
    return bool(run.measurement.cases.get("sha256") == sha256(cases))
