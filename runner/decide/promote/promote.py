"""From a sweep to a decision on record: is the candidate proven, and on what evidence?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from runner.config import sources
from runner.config.identity import shape
from runner.config.overrides import leaves, shapes_answers
from runner.config.paths import shown
from runner.config.schema import Job, Single, singles
from runner.decide import configuration
from runner.decide.promote import canary
from runner.decide.promote.decision_record import DecisionRecord, EvidenceSource, RunnerUp
from runner.decide.sweep import SweepRow, load
from runner.errors import ConfigError
from runner.measure.conclusion import conclusion, open_lines, tier
from runner.record.files import RESULT, sha256, sweep_keys
from runner.record.outcomes import Metric, Result
from runner.record.run import Run

_TRUSTED = timedelta(days=90)  # a decision, and a price, is looked at again after so long
NOTICE = timedelta(days=30)  # so long before a model retires
_MOVES = ("cases", "needs", "prompt_name")  # where a task lies, and what it is called by
_KEPT = (
    "quality",
    "latency_p50_ms",
    "latency_p95_ms",
    "cost_per_request_usd",
    "monthly_cost_usd",
    "error_rate",
    "valid_output_rate",
)


@dataclass(frozen=True)
class Chosen:
    """A candidate of a sweep, as it was measured."""

    sweep: Path
    candidate: SweepRow
    others: Sequence[SweepRow]  # on the same task, the best first
    why: str
    why_not: dict[str, str]  # the others, by label
    run: Run
    job: Job
    overrides: dict[str, Any]  # what the mapping has to set, besides model and prompt

    @property
    def prompt(self) -> str | None:
        return self.job.task.prompt_name

    @property
    def not_kept(self) -> dict[str, Any]:
        """What tells it from the others, and is no matter of a mapping."""
        return {k: v for k, v in self.candidate.settings.items() if not shapes_answers(k)}

    @property
    def directory(self) -> Path:
        return self.sweep / self.candidate.dir


def chosen(sweep: Path, label: str, task: str | None = None) -> Chosen:
    """Raises ConfigError for a sweep that is none, or not complete, and an unknown candidate."""
    found = load(sweep)
    tasks = sorted({run.task for run in found.runs if run.rank and task in (None, run.task)})
    if len(tasks) != 1:
        known = ", ".join(sorted({run.task for run in found.runs if run.rank}))
        raise ConfigError(f"task: say which of {known or 'none that was measured'}")
    ranked = [run for run in found.runs if run.rank and run.task == tasks[0]]
    labels = [run.label for run in ranked]
    candidate = ranked[configuration.find(labels, label, str(sweep))]
    run = Run(sweep / candidate.dir)
    said = found.recommendations.get(tasks[0])
    return Chosen(
        sweep=sweep,
        candidate=candidate,
        others=[run for run in ranked if run is not candidate],
        why=said.headline if said else "",
        why_not=said.why_not if said else {},
        run=run,
        job=run.job,
        overrides=_overrides(sweep, candidate, run.config),
    )


def _overrides(sweep: Path, candidate: SweepRow, config: Mapping[str, Any]) -> dict[str, Any]:
    """What the sweep has set of the task, the model and the seed, as this candidate had it."""
    given = [*candidate.settings, *sweep_keys(sweep)]
    return {
        key: value
        for key, value in leaves(config)
        if shapes_answers(key)
        and key != configuration.PROMPT
        and any(f"{key}.".startswith(f"{each}.") for each in given)
    }


def objections(found: Chosen, now: Job) -> list[str]:
    """Why not to promote; `now` is the job as the mapping will make it.

    Raises ConfigError where the mapping would bring another model than the one that was measured.
    """
    name = found.candidate.model
    if shape(now.model) != shape(found.job.model):
        raise ConfigError(
            f"candidate: {name} in conf/ is not the model that was measured "
            f"({found.job.model.id}, now {now.model.id}, or asked otherwise); measure it anew"
        )
    shippable = tier(found.candidate) in ("proven", "supported")
    objected = [] if shippable else [conclusion(found.candidate).rstrip(".")]
    then, later = (dict(shape(job.task)) for job in (found.job, now))
    if changed := [key for key in then if key not in _MOVES and then[key] != later[key]]:
        objected.append(f"the task was measured with another {', '.join(changed)} than conf/ has")
    return objected


def promotion(
    found: Chosen, mapping: str, overruled: str | None, canaries: int, today: date
) -> DecisionRecord:
    """Raises StorageError for a journal that can't be read."""
    job, candidate = found.job, found.candidate
    models = {single.name: single for _, single in singles(job.model, "model")}
    asked, served = canary.taken(found.run, canaries)
    due, because = _review(models.values(), today)
    return DecisionRecord(
        task=candidate.task,
        mapping=mapping,
        model=candidate.model,
        candidate=candidate.label,
        overrides=({"prompt": found.prompt} if found.prompt else {}) | found.overrides,
        id=candidate.id,
        promoted=today,
        review_by=due,
        review_because=because,
        overruled=overruled,
        tier=tier(candidate),
        open=open_lines(candidate),
        headline=found.why,
        requirements=job.requirements.model_dump(mode="json", exclude_none=True),
        verdicts=candidate.verdicts,
        metrics=_metrics(candidate),
        quality=job.task.quality_scorer,
        sampling=job.task.sampling.model_dump(mode="json"),
        prices=prices(models),
        retires={name: model.retires for name, model in models.items()},
        price_map=[each for model in models.values() for each in map_prices(model, today)],
        served=served,
        runner_up=_runner_up(found),
        evidence=_evidence(found),
        canary=asked,
    )


def prices(models: Mapping[str, Single]) -> dict[str, dict[str, Any] | None]:
    """As a record keeps them."""
    return {
        name: model.price.model_dump(mode="json", exclude_none=True) if model.price else None
        for name, model in models.items()
    }


def map_prices(model: Single, today: date) -> list[str]:
    """Where litellm's map, or genai-prices, has another price than the model's file."""
    found = sources.differences(model, today)
    return [f"{model.name}: {each}" for each in found if each.key.startswith("price")]


def _review(models: Iterable[Single], today: date) -> tuple[date, str]:
    """The first day on which there is a reason to look again, and the reason."""
    reasons = [(today + _TRUSTED, f"{_TRUSTED.days} days after the promotion")]
    for model in models:
        if model.retires:
            reasons.append((model.retires - NOTICE, f"{model.name} retires on {model.retires}"))
        if model.price and (checked := model.price.checked):
            reasons.append((checked + _TRUSTED, f"price of {model.name} was checked on {checked}"))
    return min(reasons)


def _runner_up(found: Chosen) -> RunnerUp | None:
    if not found.others:
        return None
    second = found.others[0]
    return RunnerUp(
        model=second.model,
        candidate=second.label,
        settings=second.settings,
        id=second.id,
        tier=tier(second),
        metrics=_metrics(second),
        why_not=found.why_not.get(second.label),
    )


def _metrics(result: Result) -> dict[str, Metric]:
    kept = {name: result.metrics[name] for name in _KEPT if name in result.metrics}
    return {name: metric for name, metric in kept.items() if metric.value is not None}


def _evidence(found: Chosen) -> EvidenceSource:
    runs = [found.candidate, *found.others]
    return EvidenceSource(
        sweep=shown(found.sweep),
        run=shown(found.directory),
        command=found.run.measurement.command,
        started=found.run.measurement.started,
        result_sha256=sha256(found.sweep / RESULT),
        journals_sha256={run.dir: sha256(Run(found.sweep / run.dir).journal) for run in runs},
        cases_sha256=found.run.measurement.cases.get("sha256"),
        concurrency=found.job.concurrency,
    )
