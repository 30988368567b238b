"""Answers for people to score who are not to know whose they are."""

import random
from collections.abc import Sequence
from pathlib import Path

from runner.errors import ConfigError
from runner.measure.observations import own
from runner.record.files import RUN, jobs
from runner.record.outcomes import Answered
from runner.record.run import Run


def drawn(directory: Path, n: int, seed: int) -> list[tuple[str, Answered]]:
    """About `n` different answers of a run or a sweep, in no order, each with its task.

    Cases are drawn, and of each all answers: so those of every candidate are a fair sample of its
    own. What reads alike is there once. Raises ConfigError, StorageError.
    """
    runs = _runs(directory)
    dice = random.Random(seed)
    cases = sorted(
        {(r.provenance.task, line.case) for r in runs for line in r.outcomes() if own(line)}
    )
    chosen = dict.fromkeys(dice.sample(cases, min(n, len(cases))))
    answers: dict[tuple[str, str], dict[str, Answered]] = {case: {} for case in chosen}
    for run in runs:
        task = run.provenance.task
        for line in run.outcomes():
            if own(line) and (task, line.case) in answers:
                answers[task, line.case].setdefault(line.as_text, line)
    found: list[tuple[str, Answered]] = []
    for (task, _), of_case in answers.items():
        if found and len(found) + len(of_case) > n:
            break
        found += ((task, line) for line in of_case.values())
    if not found:
        raise ConfigError(f"{directory}: holds no answers")
    dice.shuffle(found)
    return found


def _runs(directory: Path) -> Sequence[Run]:
    if Run(directory).kind == "sweep":
        return [Run(job) for job in jobs(directory) if (job / RUN).is_file()]
    return [Run.open(directory)]
