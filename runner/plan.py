"""Everything about a run that can fail for free, before the first request is sent."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from runner import cases, paths, pins, redact, requirements, scorers
from runner.cases import Case
from runner.errors import ConfigError
from runner.outputs import JOURNAL
from runner.parameters import parameters
from runner.records import Answered, Message, Score
from runner.schema import Job, Model

_SHOWN = 5  # problems of cases that are listed; the rest is likely the same mistake


@dataclass(frozen=True)
class Question:
    """One case, once: what is asked of the model and the hash of all that shapes the answer."""

    case: Case
    repeat: int
    messages: list[Message]
    key: str


@dataclass(frozen=True)
class Plan:
    """A job that is known to be able to run."""

    job: Job
    cases_file: Path
    cases_sha256: str
    scorers: dict[str, scorers.Scorer]
    count: int  # of questions
    identity: str  # equal identities ask for the very same answers

    def questions(self) -> Iterator[Question]:
        """What `prepare` has checked; not a line of the file beyond the last question is read."""
        return islice(_questions(self.job, self.cases_file), self.count)

    def seed(self, repeat: int) -> int | None:
        return _seed(self.job, repeat)

    def make_ready(self) -> None:
        """What is left to check, and takes seconds: raises ConfigError.

        A model may be known not to take what the task asks for, which only litellm knows, and the
        weights of an embedded one may be out of reach.
        """
        from runner.llm import check_parameters

        case = next(self.questions()).case
        for model in self.job.models.values():
            check_parameters(model, parameters(model, self.job.task, case, self.job.seed))
            if model.artifact:
                from runner.local.server import make_ready

                make_ready(model.artifact)

    async def score(self, answer: Answered, case: Case) -> dict[str, Score]:
        """Raises ScorerFailed."""
        return {
            name: await scorer(answer.as_reply(), case, self.job.task)
            for name, scorer in self.scorers.items()
        }


def prepare(job: Job, today: date | None = None) -> Plan:
    """Check a job against the world it will run in.

    Raises ConfigError with a line a problem: a model that may not be called, a missing key, a
    requirement on no metric, an unknown scorer, a case that can't be asked or scored.
    """
    _check_models(job, today or date.today())
    if job.reuse and not (job.reuse / JOURNAL).is_file():
        raise ConfigError(f"reuse: {job.reuse} is no run: it has no {JOURNAL}")
    if found := requirements.leaks(job):
        privacy = f"requirements.data_privacy is {job.requirements.data_privacy}"
        raise ConfigError(*(f"{leak}, but {privacy}" for leak in found))
    requirements.check(job.requirements, job.task)
    file = paths.cases_file(job.task.cases)
    loaded = scorers.load(job.task, paths.tasks_dirs())
    # Latency hangs on these, though no answer does.
    timing = [job.concurrency, job.retry.model_dump(mode="json")]
    identity, count = hashlib.sha256(json.dumps(timing).encode()), 0
    problems: list[str] = []
    for question in _questions(job, file):
        count += 1
        identity.update(f"{question.case.id} {question.key}\n".encode())
        if question.repeat == 0:
            problems += _case_problems(job, question, loaded)
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise ConfigError(*(f"{file}: {problem}" for problem in [*problems[:_SHOWN], *more]))
    return Plan(job, file, _sha256(file), loaded, count, identity.hexdigest())


def _check_models(job: Job, today: date) -> None:
    problems = []
    for where, model in job.models.items():
        try:
            pins.check_callable(model, today)
        except ConfigError as error:
            problems += [f"{where}: {problem}" for problem in error.problems]
        if missing := redact.missing_key(model, where):
            problems.append(missing)
    if problems:
        raise ConfigError(*problems)
    redact.know(job.models.values())


def _questions(job: Job, file: Path) -> Iterator[Question]:
    who = json.dumps([_fingerprint(model) for model in job.models.values()], sort_keys=True)
    when = ",".join(job.fallback.on)
    for case in cases.select(cases.read(file), tags=job.tags, limit=job.limit):
        messages = cases.render(job.task, case)
        for repeat in range(job.repeats):
            asked = [
                parameters(model, job.task, case, _seed(job, repeat))
                for model in job.models.values()
            ]
            text = json.dumps([who, when, messages, asked, repeat], sort_keys=True)
            key = hashlib.sha256(text.encode()).hexdigest()[:16]
            yield Question(case, repeat, messages, key)


def _seed(job: Job, repeat: int) -> int | None:
    """Repeats of one seed would be one answer, copied."""
    return None if job.seed is None else job.seed + repeat


def _fingerprint(model: Model) -> list[Any]:
    artifact = model.artifact
    weights = artifact and [
        artifact.sha256,
        artifact.path and _stamp(Path(artifact.path).expanduser()),
        artifact.chat_template,
        artifact.context_tokens,
    ]
    where = [model.name, model.litellm_id, model.provider.api_base]
    return [*where, weights, model.extra_body]


def _stamp(file: Path) -> list[Any]:
    """Hashing a user's own weights would take longer than many a run."""
    found = file.stat() if file.exists() else None
    return [str(file), found and [found.st_size, found.st_mtime_ns]]


def _case_problems(
    job: Job, question: Question, loaded: dict[str, scorers.Scorer]
) -> Iterator[str]:
    case = question.case
    for scorer in loaded.values():
        if problem := scorer.check(case, job.task):
            yield f"case '{case.id}': {scorer.name}: {problem}"
    tokens = sum(len(message["content"].encode()) for message in question.messages) // 4
    for model in job.models.values():
        asked = parameters(model, job.task, case, None).get("max_tokens", 0)
        if tokens + asked > model.context_tokens:
            yield (
                f"case '{case.id}': about {tokens} tokens and {asked} for the answer do not fit "
                f"the {model.context_tokens} of {model.name}"
            )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
