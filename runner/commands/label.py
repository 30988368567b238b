"""Answers of a run or a sweep for people to score, who don't learn whose they are.

    python -m runner label outputs/runs/<run>
    python -m runner label outputs/sweeps/<sweep> n=60

Writes label.html beside the record: one file that works offline, to be sent to whoever is to score.
What they send back is applied by `rescore <run or sweep> notes=labels.jsonl`: the report then says
how each scorer agrees with people (kappa), and corrects the quality for its error.

Settings:
    n=30      different answers, to cases that are drawn by lot
    seed=0    of the lot
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from runner.commands._arguments import arguments
from runner.config.schema import Strict
from runner.decide.blind import drawn
from runner.record.files import write_text
from runner.report import label
from runner.report.console import pointer, show


class LabelSettings(Strict):
    n: int = Field(30, ge=1)
    seed: int = 0


def main(argv: Sequence[str]) -> int:
    given = arguments("label", __doc__, argv, words=1, keys=LabelSettings)
    directory, settings = Path(given.words[0]), given.settings(LabelSettings)
    answers = drawn(directory, settings.n, settings.seed)
    write_text(directory / "label.html", label.page(answers))
    cases = len({(task, line.case) for task, line in answers})
    show([pointer(f"{len(answers)} answers to {cases} cases", directory / "label.html")])
    return 0
