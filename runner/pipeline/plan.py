"""Everything about a run that can fail for free, before the first request is sent."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from pathlib import Path

from runner import scorers
from runner.calls import checks
from runner.calls.route import questions, unfit
from runner.cases import attachments, cases, prompt
from runner.cases.call_log import Ask, CallLog
from runner.cases.cases import Case
from runner.cases.query import Query, Question, parameters, query
from runner.config import paths, pins, redact
from runner.config.identity import shape
from runner.config.schema import Cascade, Job, Model, Single, Task
from runner.config.self_judging import self_judging
from runner.errors import BudgetSpent, ConfigError, Stopped
from runner.measure import requirements
from runner.pipeline import conversation, tool_results, tracing
from runner.price import worst_case
from runner.record.files import sha256
from runner.record.outcomes import Answered, Attempt, Reply, Score
from runner.record.run import Run
from runner.scorers import Unscored

_SHOWN = 5  # problems of cases that are listed; the rest is likely the same mistake


@dataclass(frozen=True)
class Plan:
    """A job that is known to be able to run."""

    job: Job
    cases_file: Path
    cases_sha256: str
    scorers: dict[str, scorers.Scorer]
    count: int  # of questions; of a shard, its own
    identity: str  # equal identities ask for the very same answers

    def questions(self) -> Iterator[Question]:
        """What `prepare` has checked; not a line of the file beyond the last question is read."""
        first, step = self.job.part
        own = islice(_questions(self.job, self.cases_file), first, None, step)
        return islice(own, self.count)

    @property
    def slow_to_score(self) -> bool:
        """Whether a scorer asks somebody, or may take longer than a moment for another reason."""
        return any(scorer.slow for scorer in self.scorers.values())

    def make_ready(self) -> None:
        """Raises ConfigError."""
        make_ready(self.job, next(self.questions()).query)

    async def score(
        self,
        answer: Answered,
        case: Case,
        ask: Ask,
        judging: list[Attempt],
        scores: dict[str, Score],
    ) -> Answered:
        """The answer with its scores, of which those that still hold are kept.

        `scores` and `judging`, what scorers ask of models of their own, are filled as it happens,
        since it is paid for whether all is scored or not. Raises ScorerFailed, Stopped.
        """
        judging += answer.judging

        async def asking(model: Model, query: Query) -> CallLog:
            asked = await ask(model, query)
            judging.extend(asked.attempts)
            if asked.error and asked.error.kind == "budget":
                raise BudgetSpent(asked.error.message)
            if asked.error and asked.error.stops:
                raise Stopped(asked.error.stops)
            return asked

        async def one(
            reply: Reply, case: Case, scores: dict[str, Score], kept: dict[str, Score]
        ) -> dict[str, str]:
            return await self._score_one(reply, case, asking, scores, kept)

        if case.turns:
            rule = self.job.task.turns_score
            found, unscored = await conversation.score(answer, case, rule, one, self.scorers)
            keys = {name: self.scorers[name].key(case) for name in found}
            scores |= {n: each.model_copy(update={"key": keys[n]}) for n, each in found.items()}
        else:
            unscored = await one(answer.as_reply(), case, scores, answer.scores)
        changes = {"scores": scores, "unscored": unscored, "judging": judging}
        return answer.model_copy(update={**changes, "expected": case.wanted})

    async def _score_one(
        self,
        reply: Reply,
        case: Case,
        ask: Ask,
        scores: dict[str, Score],
        kept: Mapping[str, Score],
    ) -> dict[str, str]:
        """Fill `scores`, and return why some are missing. Raises ScorerFailed, Stopped."""
        unscored: dict[str, str] = {}
        for name, scorer in self.scorers.items():
            key = scorer.key(case)
            if (before := kept.get(name)) and before.key == key:
                scores[name] = before
                continue
            try:
                score = await scorer(reply, case, self.job.task, ask)
                scores[name] = score.model_copy(update={"key": key})
            except Unscored as reason:
                unscored[name] = str(reason)
        return unscored

    def holds(self, answer: Answered, case: Case) -> bool:
        """Whether all scores of an answer stand as they are."""
        return all(
            name in answer.scores and answer.scores[name].key == scorer.key(case)
            for name, scorer in self.scorers.items()
        )

    def serving(self, job: Job) -> "Plan":
        """The same plan with the job's models at the addresses where they are served now."""
        if job is self.job:
            return self
        return replace(self, job=job, scorers=scorers.load(job.task, paths.tasks_dirs()))


def prepare(job: Job, today: date | None = None) -> Plan:
    """Check a job against the world it will run in.

    Raises ConfigError with a line a problem: a model that may not be called, a missing key, a
    requirement on no metric, an unknown scorer, a case that can't be asked or scored.
    """
    check_job(job, today or date.today())
    if job.reuse:
        Run.open(job.reuse, at="reuse: ")
    return of(job)


def of(job: Job) -> Plan:
    """The same for a job of which nobody will be asked. Raises ConfigError."""
    requirements.check(job.requirements, job.task)
    file = paths.cases_file(job.task.cases)
    loaded = scorers.load(job.task, paths.tasks_dirs())
    # Latency hangs on these, though no answer does.
    timing = [job.concurrency, job.retry.model_dump(mode="json")]
    identity, count = hashlib.sha256(json.dumps(timing).encode()), 0
    problems: list[str] = []
    for question in _asked(job, file):
        count += 1
        identity.update(f"{question.case.id} {question.key}\n".encode())
        if question.repeat == 0:
            problems += _case_problems(job, question, loaded)
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise ConfigError(*(f"{file}: {problem}" for problem in [*problems[:_SHOWN], *more]))
    if job.shards > count:
        raise ConfigError(f"shards: {job.shards} are too many for {count} questions")
    own = len(range(job.part[0], count, job.part[1]))
    return Plan(job, file, sha256(file), loaded, own, identity.hexdigest())


def check_job(job: Job, today: date) -> None:
    """The part of it that no case has a say in. Raises ConfigError with a line a problem."""
    if found := requirements.leaks(job):  # first: no key would help
        privacy = f"requirements.data_privacy is {job.requirements.data_privacy}"
        raise ConfigError(*(f"{leak}, but {privacy}" for leak in found))
    _check_models(job, today)
    for model in job.chain.values():
        _check_checks(model, job.task)
    for judge in job.judges.values():
        _check_checks(judge, job.task, answers=False)
    if found := [*self_judging(job), *_unpriced(job)]:
        raise ConfigError(*found)
    if job.task.steps > 1:
        tool_results.functions(job.task)


def _unpriced(job: Job) -> Iterator[str]:
    """A cap can only be kept where it is known what a request may cost."""
    if job.budget_dir and job.budget_usd is None:
        yield "budget_dir: who shares what cap? Say budget_usd, too"
    if job.budget_usd is not None:
        for where, model in job.models.items():
            if worst_case(model.price, 1, 1) is None:
                price = "has a price by the hour" if model.price else "has no price"
                yield f"budget_usd: {where} ({model.name}) {price}, so no cap can be kept"


def make_ready(job: Job, first: Query) -> None:
    """What is left to check, and takes seconds: raises ConfigError.

    A model may be known not to take what the task asks for, which only litellm knows, and the
    weights of an embedded one may be out of reach. `first` may be any question of the job's.
    """
    from runner.calls.compile import check_once
    from runner.calls.translate import check_callbacks

    for model in job.chain.values():
        for single, asked in questions(model, first):
            check_once(single, parameters(single, asked))
    check_callbacks([callback.name for callback in job.callbacks])
    if job.tracing:
        tracing.check_tracing(job.tracing)
    for single in job.models.values():
        if single.artifact:
            from runner.calls.embedded.server import make_ready

            make_ready(single.artifact)


def _check_checks(model: Model, task: Task, answers: bool = True) -> None:
    if isinstance(model, Cascade) and model.checks:
        if not answers:
            raise ConfigError(
                f"{model.name}: checks look at answers to a task, so that a classifier or a judge "
                "can't be a cascade that has some"
            )
        checks.check_cascade(model, task)
    for key, part in model.parts().items():
        _check_checks(part, task, answers and key.startswith("arms."))


def _check_models(job: Job, today: date) -> None:
    problems = []
    for where, model in job.models.items():
        try:
            pins.check_callable(model, today)
        except ConfigError as error:
            problems += [f"{where}: {problem}" for problem in error.problems]
        if not job.estimate and (missing := redact.missing_key(model, where)):
            problems.append(missing)
    if problems:
        raise ConfigError(*problems)
    redact.know(job.models.values())


def _questions(job: Job, file: Path) -> Iterator[Question]:
    chain = list(job.chain.values())
    who = json.dumps([shape(model) for model in chain], sort_keys=True, default=str)
    when = ",".join(job.fallback.on)
    composite = not all(isinstance(model, Single) for model in chain)
    functions = tool_results.fingerprint(job.task)
    for case in cases.select(cases.read(file), tags=job.tags, limit=job.limit):
        messages = prompt.render(job.task, case)
        for repeat in range(job.repeats):
            # Repeats of one seed would be one answer, copied.
            seed = None if job.seed is None else job.seed + repeat
            wanted = query(job.task, case, messages, seed, repeat=repeat, stream=job.stream)
            asked = [
                [asked.messages if asked.role == "classifier" else None, parameters(single, asked)]
                for model in chain
                for single, asked in questions(model, wanted)
            ]
            schema = wanted.json_schema  # for those who get it in words
            picks = [case.tags, case.user, case.asked] if composite else None  # an arm
            shown = attachments.recorded(messages)
            said = [who, when, shown, asked, schema, picks, repeat]
            if conversation.takes_several(wanted):
                given = [each.model_dump() for each in case.results]
                said += [len(case.turns), job.task.steps, functions, given]
            text = json.dumps(said, sort_keys=True)
            key = hashlib.sha256(text.encode()).hexdigest()[:16]
            yield Question(wanted, key, repeat)


def _asked(job: Job, file: Path) -> Iterator[Question]:
    """The questions; where a prompt fails, its line names the other cases that it fails for."""
    try:
        yield from _questions(job, file)
    except prompt.PromptFailed as problem:
        others = [f"'{name}'" for name in _unwritten(job, file)][1:]
        if not others:
            raise
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        named = f"{', '.join(others[:_SHOWN])}{more}"
        raise ConfigError(f"{problem.problems[0]}; it fails for {named}, too") from None


def _unwritten(job: Job, file: Path) -> Iterator[str]:
    for case in cases.select(cases.read(file), tags=job.tags, limit=job.limit):
        try:
            prompt.render(job.task, case)
        except prompt.PromptFailed:
            yield case.id


def _case_problems(
    job: Job, question: Question, loaded: dict[str, scorers.Scorer]
) -> Iterator[str]:
    case = question.case
    scored = conversation.views(case) if case.turns else [(0, case)]
    for turn, view in scored:
        where = f"case '{case.id}', turn {turn}" if turn else f"case '{case.id}'"
        for scorer in loaded.values():
            if problem := scorer.check(view, job.task):
                yield f"{where}: {scorer.name}: {problem}"
    if why_not := tool_results.problem(job.task, case):
        yield f"case '{case.id}': {why_not}"
    if why := unfit(job.model, question.query):
        yield f"case '{case.id}': {why[1]}"
