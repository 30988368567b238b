"""Compare two runs of a task, case by case: what is proven to have changed, which cases flipped.

    python -m runner compare outputs/runs/<baseline> outputs/runs/<candidate>
    python -m runner compare <baseline> <candidate> gate=true format=json

The baseline comes first. A run in a sweep is a run, too, and so is what `serve` answered, and its
shadow: these have no scores, but latency, cost, and how many were answered. CompareSettings:
    gate=true               exit 3 when the candidate is proven worse, or nothing could be compared
    gate=proven             also where it is not proven to be at most the tolerance worse
    tolerance=0.1           so much slower or dearer it may be; any drop in quality that is proven
                            is a regression, and gate=proven wants one of 0.1 points excluded
    format=table|json|markdown
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from runner.commands._arguments import arguments
from runner.config.paths import shared
from runner.config.schema import Gate, Strict
from runner.decide import gate
from runner.errors import GATE_EXIT
from runner.measure.compare import against
from runner.measure.comparison import TOLERANCE
from runner.report import compare as report
from runner.report import markdown, terminal
from runner.report.console import emit


class CompareSettings(Strict):
    gate: Gate = False
    tolerance: float = Field(TOLERANCE, ge=0)
    format: Literal["table", "json", "markdown"] = "table"


def main(argv: Sequence[str]) -> int:
    given = arguments("compare", __doc__, argv, words=2, keys=CompareSettings)
    runs, settings = given.words, given.settings(CompareSettings)
    found = against(Path(runs[0]), Path(runs[1]), settings.tolerance)
    ruling = gate.rule(settings.gate, gate.of_comparison(found))
    emit(
        settings.format,
        text=[*report.terminal(found), *terminal.gate(ruling)],
        markdown=shared(markdown.comparison(found) + markdown.listed(ruling.lines)),
        tree=found.model_dump(mode="json")
        | {"conclusion": report.headline(found), "gate": ruling.model_dump(mode="json")},
    )
    return GATE_EXIT if ruling.shut else 0
