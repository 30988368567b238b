"""The shipped tasks as a run sees them, and what given answers to their cases score."""

import asyncio
from collections.abc import Mapping
from functools import cache

from runner import scorers
from runner.cases import cases
from runner.cases.cases import Case
from runner.config import catalogue, loading, paths
from runner.config.schema import Task
from tests.scorers.make import reply

TASKS = (
    *("classification", "code_generation", "extraction", "reasoning", "summarization"),
    "tool_use",
)


@cache
def task(name: str) -> Task:
    return loading.load(catalogue.compose_config("config", [f"task={name}"], None)).task


@cache
def load(name: str) -> dict[str, Case]:
    """All cases of a shipped task, by id."""
    return {case.id: case for case in cases.read(paths.cases_file(task(name).cases))}


def text(case: Case) -> str:
    """All that a case gives to its prompt, as one text."""
    given = case.input
    return given if isinstance(given, str) else "\n".join(str(value) for value in given.values())


def scores(name: str, answers: Mapping[str, str]) -> dict[str, float]:
    """What each answer, by its case's id, is worth to the task's own quality scorer."""
    of = task(name)
    scorer = scorers.load(of, paths.tasks_dirs())[of.quality or next(iter(of.scorers))]

    async def judge() -> dict[str, float]:
        held = load(name)
        return {
            id: (await scorer(reply(answer), held[id], of)).value for id, answer in answers.items()
        }

    return asyncio.run(judge())


def mean(name: str, answers: Mapping[str, str]) -> float:
    """Mean quality of the answers."""
    values = scores(name, answers).values()
    return sum(values) / len(values)
