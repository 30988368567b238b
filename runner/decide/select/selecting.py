"""What `select` is told, and what it finds: the tree walked, each model held against the bounds."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from runner.cases import cases, prompt
from runner.cases.query import Query, query
from runner.config import paths
from runner.config.schema import Day, Requirements, Single, Strict, Task
from runner.decide import own_runs
from runner.decide.costs.workload import Sizes, Workload, finished
from runner.decide.own_runs import OwnRun
from runner.decide.select.candidates import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    Selection,
    candidates,
    demand,
)
from runner.decide.select.exclusion import Wanted
from runner.decide.select.tree import DecisionTree, facts, walk
from runner.errors import ConfigError, did_you_mean
from runner.measure.capacity import peak_per_minute

_NOTES = [
    "routers, cascades and splits are left out: choose the models in them first",
]


class SelectSettings(Strict):
    """conf/select.yaml."""

    task: Task | None = None
    requirements: Requirements
    decision: DecisionTree
    needs: tuple[str, ...]
    benchmarks: dict[str, tuple[str, ...]]  # by the need that they speak for
    min_benchmarks: dict[str, float]
    outputs: Path | None
    input_tokens: int | None = Field(ge=0)
    output_tokens: int | None = Field(ge=1)
    from_run: Path | None = Field(alias="from")
    shortlist: int = Field(ge=1)
    retires_within_days: int = Field(ge=0)
    day: Day | None
    format: Literal["table", "json"]
    to: Path | None


def select(settings: SelectSettings, models: Mapping[str, Single], today: date) -> Selection:
    """Raises ConfigError for a name of nothing that there is, for cases that can't be read."""
    task, requirements = settings.task, settings.requirements
    models = {option: model.on(today) for option, model in models.items()}
    known = facts(requirements, task, settings.needs)
    settings.decision.check_names(models, known["needs"])
    _check_benchmarks(settings.min_benchmarks, models)
    path, suggestion = walk(settings.decision, known)
    workload, hardest, remark = _workload(settings)
    measured, remarks = _measured(settings, models)
    speaking = [name for need in known["needs"] for name in settings.benchmarks.get(need, ())]
    wanted = Wanted(
        requirements=requirements,
        output=known["output_format"],
        hardest=hardest,
        workload=workload,
        suggestion=suggestion,
        needs=known["needs"],
        today=today,
        soon=timedelta(days=settings.retires_within_days),
        max_tokens=task.sampling.max_tokens if task else None,
        benchmarks=tuple(dict.fromkeys(speaking)),
        min_benchmarks=settings.min_benchmarks,
        measured=measured,
    )
    found = Selection(
        path=path,
        suggestion=suggestion,
        workload=workload,
        ranked=candidates(models, wanted),
        size=settings.shortlist,
        notes=[],
        benchmarks=wanted.benchmarks,
    )
    return replace(found, notes=[remark, *remarks, *_load(requirements, found), *_NOTES])


def _check_benchmarks(min_benchmarks: Collection[str], models: Mapping[str, Single]) -> None:
    scored = {name for model in models.values() for name in model.benchmarks}
    problems = [
        f"min_benchmarks: no model has a score of '{name}'{did_you_mean(name, scored)}"
        for name in min_benchmarks
        if name not in scored
    ]
    if problems:
        raise ConfigError(*problems)


def _measured(
    settings: SelectSettings, models: Mapping[str, Single]
) -> tuple[dict[str, OwnRun], list[str]]:
    """What one's own runs of the task know, and what to say of those that are not used."""
    if settings.task is None or settings.outputs is None:
        return {}, []
    found, otherwise = own_runs.of_task(settings.outputs, settings.task, models)
    asked = f"finished runs of {settings.task.name} that asked otherwise than it asks now"
    return found, [f"not used: {otherwise} {asked}"] if otherwise else []


def _load(requirements: Requirements, found: Selection) -> Iterator[str]:
    """Whom nobody knows to carry the load of the month."""
    if requirements.requests_per_month is None:
        return
    providers = [each.model.provider for each in found.shortlist]
    silent = {each.name for each in providers if each.rpm is None and each.data == "third_party"}
    if silent:
        peak = peak_per_minute(requirements.requests_per_month, requirements.peak_factor)
        yield (
            f"{peak:,.0f} requests a minute come at peak; how many they grant is not in the files "
            f"of {', '.join(sorted(silent))}: write rpm into conf/provider/"
        )


def _workload(settings: SelectSettings) -> tuple[Workload, list[Query], str]:
    """The requests to expect, the cases that ask most of a model, and where the sizes are from."""
    task, wanted = settings.task, settings.requirements
    hardest: list[Query] = []
    if task is None:
        sizes: Sizes = {(wanted.context_needed or INPUT_TOKENS, OUTPUT_TOKENS): 1}
        source = "context_needed" if wanted.context_needed else "a guess"
        remark = (
            f"tokens in: {source}; out: a guess. Name your task for its own; the command measures "
            "the default one"
        )
    else:
        sizes, hardest = demand(_queries(task))
        remark = (
            f"tokens in: the mean of {sum(sizes.values())} cases, four bytes a token; out: as the "
            f"cases expect it where that is an answer, else {OUTPUT_TOKENS}"
        )
    if settings.from_run is not None:
        run = finished(settings.from_run)
        sizes, remark = run.sizes, f"tokens as counted in {run}"
    told = {key: getattr(settings, key) for key in ("input_tokens", "output_tokens")}
    if said := [key for key, tokens in told.items() if tokens is not None]:
        sizes, remark = _overridden(sizes, **told), f"{remark}; but {' and '.join(said)} as told"
    return Workload(sizes, wanted.requests_per_month or 1), hardest, remark


def _queries(task: Task) -> Iterator[Query]:
    for case in cases.read(paths.cases_file(task.cases)):
        yield query(task, case, prompt.render(task, case), None)


def _overridden(sizes: Sizes, input_tokens: int | None, output_tokens: int | None) -> Sizes:
    found: Counter[tuple[int, int]] = Counter()
    for (read, written), count in sizes.items():
        size = (
            read if input_tokens is None else input_tokens,
            written if output_tokens is None else output_tokens,
        )
        found[size] += count
    return found
