"""Whether a model judges its own answers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runner.config.schema import MODELS, Cascade, Job, Model, Single, answerers

Options = Mapping[str, Any]  # of one scorer


def self_judging(job: Job, *, allowed: bool = False) -> list[str]:
    """A line for each judge that is under test too; with `allowed` for those that may be.

    Judges are the models among the options of scorers. Those of the task judge every model that may
    answer, those of a cascade's checks its arms before the last.
    """
    return [
        line if allowed else f"{line}; name another, or set allow_self_judging: true beside it"
        for line, permitted in _found(job)
        if permitted == allowed
    ]


def _found(job: Job) -> Iterator[tuple[str, bool]]:
    yield from _among(job.task.scorers, "task.scorers", job.chain.values())
    for where, model in job.chain.items():
        yield from _in_checks(model, where)


def _in_checks(model: Model, where: str) -> Iterator[tuple[str, bool]]:
    if isinstance(model, Cascade):
        yield from _among(model.checks, f"{where}.checks", list(model.arms.values())[:-1])
    for key, part in model.parts().items():
        yield from _in_checks(part, f"{where}.{key}")


def _among(
    scorers: Mapping[str, Options], where: str, judged: Iterable[Model]
) -> Iterator[tuple[str, bool]]:
    tested = {_same(single) for model in judged for _, single in answerers(model)}
    for name, options in scorers.items():
        for key, value in options.items():
            judges = answerers(value) if isinstance(value, MODELS) else ()
            for _, judge in judges:
                if _same(judge) in tested:
                    line = f"{where}.{name}.{key}: {judge.name} judges its own answers"
                    yield line, options.get("allow_self_judging") is True


def _same(model: Single) -> str:
    """One pinned id is one model, wherever it is served and whatever its file is called."""
    return model.litellm_id
