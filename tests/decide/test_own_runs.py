"""A model's own finished runs of a task count, where they asked what the task asks now."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.config import paths
from runner.config.schema import Job, Single
from runner.decide import own_runs
from runner.record.files import RESULT, RUN, write_json
from runner.record.outcomes import Counts, Metric, Result
from runner.record.run import Run

MakeJob = Callable[..., Job]


def kept(directory: Path, job: Job, quality: float, started: str, **changes: Any) -> Path:
    """A finished run of a job, as far as it is looked at."""
    assert isinstance(job.model, Single)
    with paths.cases_file(job.task.cases).open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    about = {
        "identity": "i", "task": job.task.name, "model": job.model.name, "id": job.model.id,
        "started": started, "command": "", "outcomes": 4,
        "cases": {"path": job.task.cases, "sha256": sha256, "count": 4},
        "config": job.model_dump(mode="json"),
    }  # fmt: skip
    metric = Metric(value=quality, low=quality, high=quality, n=4, unit="score")
    result = Result(
        task=job.task.name, model=job.model.name, id=job.model.id, complete=True,
        counts=Counts(cases=4, outcomes=4, answered=4, failed=0, replayed=0),
        metrics={"quality": metric},
    )  # fmt: skip
    directory.mkdir(parents=True)
    write_json(directory / RUN, about | changes.pop("about", {}))
    changes["stamp"] = Run(directory).stamp
    write_json(directory / RESULT, result.model_copy(update=changes).model_dump(mode="json"))
    return directory


@pytest.fixture
def job(make_job: MakeJob) -> Job:
    return make_job("http://127.0.0.1:9/v1")


def measured(outputs: Path, job: Job, option: str = "option") -> tuple[float | None, int]:
    """The quality on record of a job's model, and how many runs asked otherwise."""
    assert isinstance(job.model, Single)
    found, otherwise = own_runs.of_task(outputs, job.task, {option: job.model})
    quality = found[option].metric("quality") if found else None
    return quality.value if quality else None, otherwise


def test_the_newest_counts(tmp_path: Path, job: Job) -> None:
    """Of two complete runs, one of them in a sweep, the later one; an unfinished one never."""
    kept(tmp_path / "runs/b", job, 0.1, "2026-11-20T00:00:00+00:00")
    kept(tmp_path / "sweeps/s/0_a", job, 0.2, "2026-11-21T00:00:00+00:00")
    kept(tmp_path / "runs/c", job, 0.3, "2026-11-22T00:00:00+00:00", complete=False)
    (tmp_path / "runs/d").mkdir()
    (tmp_path / "runs/d" / RUN).write_text("damaged")
    assert measured(tmp_path, job) == (0.2, 0)


def test_another_question_is_no_evidence(tmp_path: Path, job: Job, make_job: MakeJob) -> None:
    """Another prompt, sampling, scorer or other cases are counted, and not used."""
    when = "2026-11-20T00:00:00+00:00"
    other = make_job("http://127.0.0.1:9/v1", **{"task.system": "Answer in verse."})
    kept(tmp_path / "runs/prompt", other, 0.1, when)
    warm = make_job("http://127.0.0.1:9/v1", **{"task.sampling.temperature": 1.5})
    kept(tmp_path / "runs/sampling", warm, 0.2, when)
    cases = {"path": "x", "sha256": "0", "count": 4}
    kept(tmp_path / "runs/cases", job, 0.3, when, about={"cases": cases})
    assert measured(tmp_path, job) == (None, 3)
    kept(tmp_path / "runs/alike", job, 0.4, when)
    assert measured(tmp_path, job) == (0.4, 3)


@pytest.mark.parametrize(
    "change",
    [{"model.id": "demo-model-2"}, {"model.provider.name": "elsewhere"},
     {"model.extra_body": {"top_k": 1}}],
)  # fmt: skip
def test_another_model_is_no_evidence(
    tmp_path: Path, job: Job, make_job: MakeJob, change: dict[str, Any]
) -> None:
    """The id, its provider and what goes along with every request make the model."""
    other = make_job("http://127.0.0.1:9/v1", **change)
    kept(tmp_path / "runs/a", other, 0.1, "2026-11-20T00:00:00+00:00")
    assert measured(tmp_path, job) == (None, 0)
