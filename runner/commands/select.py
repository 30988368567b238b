"""Which models are worth measuring, and the command that measures them; nothing is sent.

    python -m runner select task=extraction
    python -m runner select requirements=chat needs=[multilingual]
    python -m runner select task=extraction to=conf/sweep/shortlist.yaml

A decision tree suggests (conf/decision/), bounds exclude, what is left is ranked. Exit code 0 also
where nothing fits: what comes nearest is printed, with what excludes it.
conf/select.yaml holds every key and what it means.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from runner.cases import cases
from runner.cases.query import Query, query
from runner.commands import command_line
from runner.commands._settings import Conf, conf
from runner.config import paths
from runner.config.hydra_door import refuse
from runner.config.schema import Requirements, Single, Strict, Task
from runner.decide.costs.workload import Sizes, Workload, finished
from runner.decide.select.candidates import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    Candidate,
    Selection,
    Wanted,
    candidates,
    demand,
)
from runner.decide.select.shortlist import Shortlist, sweep_place
from runner.decide.select.tree import DecisionTree, facts, walk
from runner.errors import ConfigError
from runner.report import selection as report
from runner.report.console import emit, note, uncut

_NOTES = [
    "what a model thinks before it answers is in no estimate",
    "routers, cascades and splits are left out: choose the models in them first",
]


class SelectSettings(Strict):
    """conf/select.yaml."""

    task: Task | None = None
    requirements: Requirements
    decision: DecisionTree
    needs: tuple[str, ...]
    input_tokens: int | None = Field(ge=0)
    output_tokens: int | None = Field(ge=1)
    from_run: Path | None = Field(alias="from")
    shortlist: int = Field(ge=1)
    retires_within_days: int = Field(ge=0)
    format: Literal["table", "json"]
    to: Path | None


def main(argv: Sequence[str], today: date | None = None) -> int:
    options = command_line.parser("select", __doc__)
    with conf("select", options, argv) as (config, overrides):
        config_dir = options.parse_intermixed_args(argv).config_dir
        own = paths.config_dir(config_dir)
        for override in overrides:
            refuse(override, own)
        settings = settings_of(config, overrides)
        if settings.to is not None:
            sweep_place(settings.to, config_dir)  # refused before anything is printed
        models = config.catalogue()
    selection = select(settings, models, today or date.today())
    following = Shortlist(
        models=[each.option for each in selection.shortlist],
        overrides=[override for override in overrides if _is_of_a_run(override)],
        config_dir=config_dir,
    )
    _print(settings, selection, following.command() if following.models else None)
    if settings.to is not None:
        _write(settings.to, following, argv, selection.shortlist)
    return 0


def settings_of(config: Conf, overrides: Sequence[str]) -> SelectSettings:
    """The settings; a task brings the requirements of its name along, unless others are named."""
    chosen = {override.partition("=")[0] for override in overrides}
    named = "task" not in chosen or "requirements" in chosen
    return config.settings(
        SelectSettings, [*([] if named else ["requirements=${task}"]), *overrides]
    )


def select(settings: SelectSettings, models: Mapping[str, Single], today: date) -> Selection:
    """Raises ConfigError for a name of nothing in the tree, for cases that can't be read."""
    known = facts(settings.requirements, settings.task, settings.needs)
    settings.decision.check(models, known.needs)
    path, suggestion = walk(settings.decision, known)
    workload, hardest, remark = _workload(settings)
    wanted = Wanted(
        requirements=settings.requirements,
        output=known.output_format,
        hardest=hardest,
        workload=workload,
        suggestion=suggestion,
        needs=known.needs,
        today=today,
        soon=timedelta(days=settings.retires_within_days),
    )
    return Selection(
        path=path,
        suggestion=suggestion,
        workload=workload,
        ranked=candidates(models, wanted),
        size=settings.shortlist,
        notes=[remark, *_NOTES],
    )


def _is_of_a_run(override: str) -> bool:
    """Whether a measurement has to be told it, too."""
    return override.lstrip("+").partition("=")[0].partition(".")[0] in ("task", "requirements")


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
        yield query(task, case, cases.render(task, case), None)


def _overridden(sizes: Sizes, input_tokens: int | None, output_tokens: int | None) -> Sizes:
    found: Counter[tuple[int, int]] = Counter()
    for (read, written), count in sizes.items():
        size = (
            read if input_tokens is None else input_tokens,
            written if output_tokens is None else output_tokens,
        )
        found[size] += count
    return found


def _write(
    file: Path, following: Shortlist, argv: Sequence[str], shortlist: Sequence[Candidate]
) -> None:
    if not following.models:
        raise ConfigError(f"to: nothing fits, so there is no sweep to write to {file}")
    keys = {name for each in shortlist if (name := each.model.provider.api_key_env)}
    command = following.write(file, argv, keys)
    print(f"{file} holds this shortlist; run it with: {command}", file=sys.stderr)


def _print(settings: SelectSettings, selection: Selection, command: str | None) -> None:
    name = settings.task.name if settings.task else settings.requirements.name
    month = settings.requirements.requests_per_month
    text = [*report.text(name, selection, month), "", *map(note, selection.notes)]
    if command:
        text += ["", uncut(f"Run next: {command}")]
    emit(
        settings.format,
        text=text,
        tree=report.plain(name, selection, command),
    )
