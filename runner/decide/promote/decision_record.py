"""A decision on record: which model answers a task, on what evidence, and until when to trust it.

It lies at tasks/<task>/decisions/<mapping>.yaml: beside the cases whose answers it quotes, and not
in conf/, since no config is made of it.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from runner.config import yaml_text
from runner.config.paths import shared
from runner.errors import ConfigError, did_you_mean
from runner.record.files import typed
from runner.record.outcomes import Metric, Record, Tier, Verdict


class Canary(Record):
    """A case, and how it was answered: what `drift` asks again."""

    case: str
    question: str  # hash of the messages
    expected: str  # hash
    answer: str
    scores: dict[str, float]
    latency_ms: float
    cost_usd: float | None


class RunnerUp(Record):
    model: str
    candidate: str = ""  # what its sweep called it; empty: the model
    settings: dict[str, Any] = Field(default_factory=dict)  # what it was told from others by
    id: str
    tier: Tier | None = None
    metrics: dict[str, Metric]
    why_not: str | None


class EvidenceSource(Record):
    """Where the numbers come from, which may be gone; the hashes say what it was."""

    sweep: str
    run: str
    command: str
    started: str
    result_sha256: str
    journals_sha256: dict[str, str]  # by run
    cases_sha256: str | None
    concurrency: int


class DecisionRecord(Record):
    task: str
    mapping: str
    model: str
    candidate: str = ""  # what its sweep called it; empty: the model
    overrides: dict[str, Any] = Field(default_factory=dict)  # what the mapping sets besides
    id: str
    promoted: date
    review_by: date
    review_because: str
    overruled: str | None  # why it was promoted although refused; None: nothing spoke against it
    tier: Tier | None = None  # how sure it was; None: an older record
    open: list[str] = Field(default_factory=list)  # not proven, each with what would settle it
    headline: str
    requirements: dict[str, Any]
    verdicts: list[Verdict]
    metrics: dict[str, Metric]
    quality: str  # the scorer
    sampling: dict[str, Any]
    prices: dict[str, dict[str, Any] | None]  # of each single model
    retires: dict[str, date | None]
    price_map: list[str]  # where litellm's map differed even then
    served: list[str]  # the models that the providers said had answered
    runner_up: RunnerUp | None
    evidence: EvidenceSource
    canary: list[Canary]


def place(tasks: Path, task: str, mapping: str) -> Path:
    return tasks / task / "decisions" / f"{mapping}.yaml"


def text(record: DecisionRecord) -> str:
    """The file, whose first line is the command that uses it."""
    command = f"# python -m runner drift task={record.task} mapping={record.mapping}"
    tree = yaml.safe_dump(
        rounded(record.model_dump(mode="json")),
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=None,
    )
    return (
        f"{command}      does this decision still hold?\n"
        "# Written by `python -m runner promote`; the next one writes over it.\n"
        f"{shared(tree)}"
    )


def rounded(value: Any) -> Any:
    """Six digits of every number, so that a diff can be read: numbers as the record keeps them."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value


def find(folders: Sequence[Path], task: str, mapping: str) -> DecisionRecord:
    """The record in the first folder of tasks that has it. Raises ConfigError."""
    places = [place(folder, task, mapping) for folder in folders]
    path = next((path for path in places if path.is_file()), None)
    if path is None:
        known = {
            each.relative_to(folder / task / "decisions").with_suffix("").as_posix()
            for folder in folders
            for each in (folder / task / "decisions").rglob("*.yaml")
        }
        near = did_you_mean(mapping, known) or "; `python -m runner promote` writes it"
        raise ConfigError(f"mapping={mapping}: no decision on record for task '{task}'{near}")
    return _load(path)


def newest(folders: Sequence[Path]) -> list[DecisionRecord]:
    """The last decision on each task, in the order of their names; damaged ones are passed over."""
    found: dict[str, DecisionRecord] = {}
    for path in (each for folder in folders for each in folder.glob("*/decisions/**/*.yaml")):
        with suppress(ConfigError):
            record = _load(path)
            last = found.setdefault(record.task, record)
            found[record.task] = max(last, record, key=lambda each: each.promoted)
    return [found[task] for task in sorted(found)]


def _load(path: Path) -> DecisionRecord:
    tree = yaml_text.load(path) or {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: holds no decision")
    return typed(DecisionRecord, tree, f"{path}: ")
